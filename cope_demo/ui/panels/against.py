"""Whom the personal model is contrasted with beside base: another sample user, or one of the visitor's own fits."""

import gradio as gr

from cope_demo.saved.store import Card
from cope_demo.ui.visitor import Fit, Visitor

from .people import label_task, read_sample_cards

NOBODY = ""
"""The choice of base alone."""
_BASE = ("Base, the model as it is", NOBODY)
_INFO = "Base stands in the three columns. Another person adds a fourth: what {who} would say that they would not."
_OTHER_TASK = " One whose texts are of another kind has another base, so the contrast takes that kind away as well."


def against_choice() -> gr.Dropdown:
    """The choice, before it is known whom there is; `offer_others` says it."""
    info = _INFO.format(who="you")
    return gr.Dropdown([_BASE], value=NOBODY, label="Contrast with", info=info, filterable=False, elem_id="against")


def offer_others(service, visitor: Visitor, who: str) -> dict:
    """Whom the chosen person can be contrasted with, as an update that leaves the choice as it is.

    who: how the page speaks of the chosen person.
    """
    tasks = _list_tasks(service, visitor)
    own = tasks.get(visitor.chosen, "")
    others = [_BASE]
    for card in read_sample_cards(service):
        others.append((_label(card.name, card.task, own), card.id))
    for fit in _list_fitted(visitor):
        others.append((_label(f"{_name_fit(fit)} (your own fit)", fit.task, own), fit.user))
    others = [(label, user) for label, user in others if user != visitor.chosen]
    mixed = any(tasks[user] != own for _, user in others[1:])
    return gr.update(choices=others, info=_INFO.format(who=who) + (_OTHER_TASK if mixed else ""))


def name_other(cards: list[Card], visitor: Visitor, user_id: str, who: str) -> str:
    """How the page speaks of the person to contrast with: a sample user's first name, or "you".

    who: how it speaks of the other one. Where both are the visitor's, the second has the name of its fit.
    """
    card = next((card for card in cards if card.id == user_id), None)
    if card:
        return card.name.split()[0]
    fit = visitor.find_fit(user_id)
    return _name_fit(fit) if fit and who == "you" else "you"


def _list_fitted(visitor: Visitor) -> list[Fit]:
    return [fit for fit in visitor.fits if fit.state == "done"]


def _list_tasks(service, visitor: Visitor) -> dict[str, str]:
    cards, fits = read_sample_cards(service), _list_fitted(visitor)
    return {**{card.id: card.task for card in cards}, **{fit.user: fit.task for fit in fits}}


def _label(name: str, task: str, own: str) -> str:
    """A person as the choice lists them, with the task where it is another one."""
    return name if task == own else f"{name}, {label_task(task)}"


def _name_fit(fit: Fit) -> str:
    return fit.name or "your other fit"
