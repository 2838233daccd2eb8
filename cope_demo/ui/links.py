"""Links that open the page with a sample user, a prompt and settings filled in, or with a lesson.

A link is made in the browser when its button is pressed, and only for sample users: ?user=ines&prompt=...&alpha=0.3
(and &columns=rag,pag where there are further ones, &against=walter where another one is contrasted with), or
?lesson=alpha; and for adapters of the hub, as ?adapter=owner/name@revision&prompt=..., which are fetched for whoever
opens it. Opening one writes nothing. Whatever stands in an address was written by anybody, so all of it is checked.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cope_demo.decode.methods import COLUMNS, order_columns
from cope_demo.errors import CopeError
from cope_demo.hub.address import read_address
from cope_demo.saved.store import Card
from cope_demo.service.checks import check_length
from cope_demo.ui.panels.lessons import ORDER, Lesson

from .settings import SLIDERS

MAX_SEED = 2**31 - 1
_WHOLE = ("max_new_tokens", "seed")
_OPENED, _SAID = ("lesson", "user", "adapter"), ("prompt", *SLIDERS, "seed", "columns", "against")
"""What a link opens, one of them; and what else it may say."""


@dataclass(frozen=True)
class Link:
    """What a link asks for: a lesson's name; or a sample user, or adapters of the hub by their address, with a prompt,
    settings and further columns if any.

    against: a sample user to contrast with, or "".
    """

    lesson: str = ""
    user: str = ""
    adapter: str = ""
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
    names = [card.id for card in cards]
    if query.get("adapter"):
        return _read_settings(query, names, adapter=str(read_address(query["adapter"])))
    if "user" not in query:
        return None
    if query["user"] not in names:
        raise CopeError(
            f"This link names somebody who is not a sample user; links can open {', '.join(names) or 'nobody yet'}."
        )
    return _read_settings(query, names, user=query["user"])


def _read_settings(query: Mapping[str, str], names: list[str], **whom: str) -> Link:
    """The link with a comparison's prompt, settings and columns. Raises CopeError naming what will not do.

    names: the sample users.
    """
    prompt = query.get("prompt", "")
    check_length("This link's prompt", prompt)
    given = [name for name in (*SLIDERS, "seed") if name in query]
    try:
        columns = order_columns(query["columns"].split(",") if query.get("columns") else [])[len(COLUMNS) :]
    except CopeError as error:
        raise CopeError(f"This link's columns cannot be shown. {error}") from error
    settings = {name: _read_number(name, query[name]) for name in given}
    against = query.get("against", "")
    if against and against not in [name for name in names if name != whom.get("user")]:
        raise CopeError("This link contrasts with somebody who is not another sample user; nothing was filled in.")
    return Link(prompt=prompt, settings=settings, columns=columns, against=against, **whom)


def select_known(query: Mapping[str, str]) -> dict[str, str]:
    """What of an address's parameters a link can say at all."""
    return {name: str(query[name]) for name in ("adapter", *_SAID) if name in query}


def leave() -> str:
    """JavaScript, for an event that shows somebody else: the page's address says no more what its link said.

    Or else a reload, and whoever copies the address, would have the link's person again. What is not a link's stays.
    """
    return f"""(...g) => {{
  const asked = new URLSearchParams(location.search);
  if ({json.dumps(_OPENED)}.some((name) => asked.has(name))) {{
    for (const name of {json.dumps([*_OPENED, *_SAID])}) asked.delete(name);
    history.replaceState(history.state, '', location.pathname + (asked.size ? `?${{asked}}` : '') + location.hash);
  }}
  return g;
}}"""


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
