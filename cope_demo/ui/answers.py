"""What the page shows of a visitor, from what the service knows now, as new values of its parts (parts.py)."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

import gradio as gr

from cope_demo.jobs.interface import JobStatus
from cope_demo.saved.store import Card
from cope_demo.ui.web.guard import explain_error

from . import links, streams
from .component import say
from .panels import (
    against,
    behind,
    blind_test,
    comeback,
    fitting,
    hub,
    more_columns,
    people,
    scoring,
    surprise,
    takeaway,
)
from .parts import Answer, make_answer
from .settings import choose_defaults, choose_task
from .visitor import FINAL, NEW, Visitor

LOADING = "The model is loading. You can look around and write a prompt meanwhile."
NOT_FITTED = "Fit this writing first, under “Your own writing”, or choose a sample user."
FILLED = "{who}, the prompt and the settings are filled in. Press Compare to write it anew."


NO_TEXTS = {"text": "", "file": None, "preview": say({"state": "empty"}), "surprise": surprise.EMPTY}
"""The fields for one's own texts, empty."""


def go_to(place: str) -> str:
    """The window goes to a place of panels/ways.js, "own", "fit" or "compare", once."""
    return say({"to": place, "nonce": secrets.token_hex(4)})


NOWHERE = say({"to": ""})
"""The window stays where it is."""


def name_person(service, visitor: Visitor) -> str:
    """The chosen person as the columns speak of them: a sample user's first name, what adapters of the hub are called
    there, or "you".
    """
    card = _find_card(service, visitor.chosen)
    opened = None if card else hub.find_opened(service, visitor.chosen)
    return card.name.split()[0] if card else opened.name if opened else "you"


def explain_refusal(visitor: Visitor) -> str:
    """Why there is nothing to compare for the visitor's choice yet; "" when there is."""
    fit = visitor.find_fit(visitor.chosen)
    return NOT_FITTED if visitor.chosen == NEW or (fit is not None and fit.state != "done") else ""


def describe_model(service) -> str:
    """The line across the page: that the model loads, or why there is none."""
    if problem := service.problem():
        return say({"kind": "problem", "message": problem})
    if service.ready():
        return say({"kind": "none", "message": ""})
    return say({"kind": "wait", "message": LOADING})


def set_timer(service, visitor: Visitor) -> gr.Timer:
    """The timer, which runs while the model loads or a fit is going on."""
    loading = not service.ready() and not service.problem()
    return gr.Timer(active=loading or any(fit.state not in FINAL for fit in visitor.fits))


def show_failure(error: BaseException) -> Answer:
    """Everything stays; the fit's panel says what went wrong."""
    return make_answer(fit=say({"state": "failed", "message": explain_error(error)}))


def show_visitor(service, visitor: Visitor, status: JobStatus | None = None) -> Answer:
    """Whom the visitor can choose, and how the chosen fit stands. status: of its job, where it is known already."""
    fit = visitor.find_fit(visitor.chosen)
    opened = hub.find_opened(service, visitor.chosen)
    new, going = visitor.chosen == NEW, fit is not None and fit.state not in FINAL
    return make_answer(
        visitor=visitor.to_json(),
        banner=describe_model(service),
        timer=set_timer(service, visitor),
        people=people.describe_cards(service, people.read_sample_cards(service), visitor),
        own=gr.update(visible=new),
        fit=say(fitting.describe_plan() if new else fitting.describe_fit(service, visitor, status)),
        start_fit=gr.update(visible=new),
        cancel_fit=gr.update(visible=going),
        delete_fit=gr.update(visible=fit is not None and not going, value=fitting.name_deletion(opened)),
        key=comeback.describe_key(visitor),
        against=against.offer_others(service, visitor, name_person(service, visitor)),
    )


def show_empty_comparison(service, visitor: Visitor) -> Answer:
    """Comparison, texts to score and what can be had of the fit, before any comparison: first prompt and settings."""
    card, fit = _find_card(service, visitor.chosen), visitor.find_fit(visitor.chosen)
    task = choose_task(card.task if card else fit.task if fit else "")
    prompts = list(card.prompts) if card else [task.example_prompt]
    first, who, refusal = choose_defaults(task), name_person(service, visitor), explain_refusal(visitor)
    opened = hub.find_opened(service, visitor.chosen)
    return make_answer(
        prompt=gr.update(value=prompts[0] if prompts else "", info=task.instruction),
        examples=say({"label": "Or try", "prompts": prompts}),
        max_new_tokens=first.max_new_tokens,
        repetition_penalty=first.repetition_penalty,
        more=more_columns.offer_columns(service, "" if refusal else visitor.chosen, who),
        against={**against.offer_others(service, visitor, who), "value": against.NOBODY},
        columns=streams.show_idle(who, refusal),
        scored=scoring.show_empty(who),
        verdict=scoring.EMPTY,
        blind=blind_test.NOTHING if refusal or opened else blind_test.offer(who),
        take=takeaway.NOTHING if refusal or opened else takeaway.READY,
        behind=behind.NOTHING if refusal or opened else behind.FOLDED,
    )


def show_finished_fit(service, visitor: Visitor, more: Sequence[str]) -> Answer:
    """What there is for the chosen person once their fit has ended; what was written meanwhile stays as it is.

    more: the further columns that are ticked. The view itself keeps a comparison or a lesson in sight (feed.js).
    """
    answer = tick_columns(show_empty_comparison(service, visitor), more)
    return make_answer({name: answer[name] for name in ("more", "blind", "take", "behind", "columns")})


def show_choice(service, visitor: Visitor, chosen: str, opening: bool = False) -> Answer:
    """The whole page for a visitor who has chosen this card. opening: a kept comparison may come back (wire.py)."""
    cards = people.read_sample_cards(service)
    visitor = replace(visitor, chosen=people.find_choice(cards, visitor, chosen))
    who, refusal = name_person(service, visitor), explain_refusal(visitor)
    return make_answer(
        show_visitor(service, visitor),
        show_empty_comparison(service, visitor),
        columns=streams.show_idle(who, refusal, user=visitor.chosen, opening=opening),
        link=say({"kind": "none"}),
    )


def fill_from_link(service, visitor: Visitor, link: links.Link) -> Answer:
    """The whole page with the link's user, prompt, settings and columns in the controls; nothing is run.

    link.user: a sample user, or one of the visitor's own that adapters of the hub were opened as.
    """
    answer = show_choice(service, visitor, link.user, opening=True)
    answer = tick_columns(make_answer(answer, link.settings), link.columns)
    answer["against"] = {**answer["against"], "value": link.against}
    if link.prompt:
        answer["prompt"] = {**answer["prompt"], "value": link.prompt}
    who = name_person(service, replace(visitor, chosen=link.user))
    said = FILLED.format(who=who)
    columns = streams.show_idle(who, said, user=link.user, opening=True)
    return make_answer(answer, link=say({"kind": "wait", "message": said}), columns=columns, ways=go_to("compare"))


def tick_columns(answer: Answer, wanted: Sequence[str]) -> Answer:
    """The answer with these of the further columns ticked, where they are offered."""
    offered = [name for _, name in answer["more"]["choices"]]
    return make_answer(answer, more={**answer["more"], "value": [name for name in wanted if name in offered]})


def _find_card(service, user_id: str) -> Card | None:
    return next((card for card in people.read_sample_cards(service) if card.id == user_id), None)
