"""Whose writing: the sample users' cards, the visitor's own fits, and the card for a new history."""

import gradio as gr

from cope_demo.errors import CopeError
from cope_demo.saved.store import Card
from cope_demo.texts.tasks import TASKS
from cope_demo.ui.component import panel, say
from cope_demo.ui.panels.hub import find_opened
from cope_demo.ui.visitor import NEW, Fit, Visitor

_STATES = {"queued": "waiting", "running": "fitting", "done": "fitted", "failed": "not fitted"}
_ABOUT = {
    "queued": "The fit waits for its turn; “Your own writing” shows its place.",
    "running": "The fit is going on; “Your own writing” shows how far it is.",
    "failed": "The fit failed; “Your own writing” says why.",
    "cancelled": "The fit was cancelled, and its texts are deleted. Delete it under “Your own writing”, or fit anew.",
}


_OWN = {
    "name": "Your own writing",
    "role": "or anyone’s whose texts you have",
    "about": "Paste or upload 5 or more texts; with 20 to 40 it learns much more.",
}


def cards_panel() -> gr.HTML:
    """The row of cards; its "pick" event carries {id}."""
    return panel("people", None, "people")


def describe_cards(service, cards: list[Card], visitor: Visitor) -> str:
    """What the panel draws."""
    rows = [
        {
            "id": card.id,
            "name": card.name,
            "role": card.occupation,
            "about": card.about,
            "tags": [label_task(card.task), *(["fictional"] if _needs_tag(card) else [])],
        }
        for card in cards
    ]
    for fit in visitor.fits:
        opened = find_opened(service, fit.user)
        role = f"from {opened.origin['repo']}" if opened else "your own fit"
        state = "from the hub" if opened else _STATES.get(fit.state, fit.state)
        about = _describe_expiry(service, fit) if fit.state == "done" else _ABOUT.get(fit.state, "")
        tags = [label_task(fit.task), state]
        row = {"id": fit.user, "name": fit.name, "role": role, "mine": not opened, "about": about, "tags": tags}
        rows.append(row)
    rows.append({"id": NEW, "tags": [], "own": True, **_OWN})
    return say({"cards": rows, "chosen": visitor.chosen})


def _needs_tag(card: Card) -> bool:
    """Whether a tag has to say that the person is fictional, as the card's own words do not."""
    return card.fictional and "fictional" not in card.about.lower()


def _describe_expiry(service, fit: Fit) -> str:
    """Until when a fit is kept."""
    try:
        day = service.store.expires(fit.user)
    except CopeError:  # it has gone meanwhile
        day = None
    return f"Deletes itself on {day.day} {day:%B %Y}." if day else ""


def label_task(task: str) -> str:
    """A task as people read it."""
    return TASKS[task].label if task in TASKS else task


def find_choice(cards: list[Card], visitor: Visitor, chosen: str) -> str:
    """The choice where it exists, else the first sample user."""
    if chosen in {*(card.id for card in cards), *(fit.user for fit in visitor.fits), NEW}:
        return chosen
    return cards[0].id if cards else NEW


def read_sample_cards(service) -> list[Card]:
    """The sample users; none where their cards are damaged, so that the page still opens."""
    try:
        return service.store.samples()
    except CopeError:
        return []
