"""Links that open the page with a sample user, a prompt and settings filled in, or with a lesson.

A link is made in the browser when its button is pressed, and only for sample users: ?user=ines&prompt=...&alpha=0.3
(and &columns=rag,pag where there are further ones, &against=walter where another one is contrasted with), or
?lesson=alpha. Opening one runs nothing. Whatever stands in an
address was written by anybody, so all of it is checked.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cope_demo.decode.methods import COLUMNS, order_columns
from cope_demo.errors import CopeError
from cope_demo.saved.store import Card
from cope_demo.service.checks import check_length
from cope_demo.ui.panels.lessons import ORDER, Lesson

from .settings import SLIDERS

MAX_SEED = 2**31 - 1
_WHOLE = ("max_new_tokens", "seed")


@dataclass(frozen=True)
class Link:
    """What a link asks for: a lesson's name; or a sample user, with a prompt, settings and further columns if any.

    against: another sample user to contrast with, or "".
    """

    lesson: str = ""
    user: str = ""
    prompt: str = ""
    settings: dict[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    against: str = ""


def read(query: Mapping[str, str], cards: list[Card]) -> Link | None:
    """The link in an address's parameters; None where there is none. Raises CopeError naming what cannot be opened."""
    if "lesson" in query:
        if query["lesson"] not in ORDER:
            raise CopeError(f"This link names a lesson that does not exist; the lessons are {', '.join(ORDER)}.")
        return Link(lesson=query["lesson"])
    if "user" not in query:
        return None
    names = [card.id for card in cards]
    if query["user"] not in names:
        raise CopeError(
            f"This link names somebody who is not a sample user; links can open {', '.join(names) or 'nobody yet'}."
        )
    prompt = query.get("prompt", "")
    check_length("This link's prompt", prompt)
    given = [name for name in (*SLIDERS, "seed") if name in query]
    try:
        columns = order_columns(query["columns"].split(",") if query.get("columns") else [])[len(COLUMNS) :]
    except CopeError as error:
        raise CopeError(f"This link's columns cannot be shown. {error}") from error
    settings = {name: _read_number(name, query[name]) for name in given}
    against = query.get("against", "")
    if against and against not in [name for name in names if name != query["user"]]:
        raise CopeError("This link contrasts with somebody who is not another sample user; nothing was filled in.")
    return Link(user=query["user"], prompt=prompt, settings=settings, columns=columns, against=against)


def find_address() -> str:
    """Where people open the app, when that is not its own address: in a Space, the page that shows it in a frame.

    A visitor's identity, and so their share of a GPU, comes from that page alone.
    """
    space = os.environ.get("SPACE_ID", "")
    return f"https://huggingface.co/spaces/{space}" if re.fullmatch(r"[\w.-]+/[\w.-]+", space, re.ASCII) else ""


def from_lesson(lesson: Lesson) -> Link:
    """The link that fills in what a lesson was made with."""
    whole = {"temperature": 0.0, "seed": 0, **lesson.settings}
    return Link(user=lesson.user, prompt=lesson.prompt, settings=whole, against=lesson.against)


def _read_number(name: str, text: str) -> float:
    low, high = SLIDERS[name][:2] if name in SLIDERS else (0, MAX_SEED)
    kind = "a whole number" if name in _WHOLE else "a number"
    try:
        value = int(text) if name in _WHOLE else float(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise CopeError(f"This link's {name} must be {kind} from {low} to {high:,}; nothing was filled in.")
    return value
