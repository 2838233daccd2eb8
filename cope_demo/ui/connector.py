"""How events of the page are connected: to a turn of a visitor (visit.py), with which parts' values, in which queue."""

import gradio as gr

from cope_demo.errors import CopeError
from cope_demo.ui.web.guard import guard_handler
from cope_demo.ui.web.joins import AT_ONCE, SURPRISES_AT_ONCE
from cope_demo.visitors.owners import Access

from .parts import PageParts, Panels
from .visit import Visit

HIDDEN = {"show_progress": "hidden", "api_visibility": "private"}
LIGHT = {**HIDDEN, "queue": False}
READING = {**HIDDEN, "concurrency_limit": 1, "concurrency_id": "read"}
"""For what makes instructions from texts: seconds of both cores, so one at a time."""
SURPRISING = {**HIDDEN, "concurrency_limit": SURPRISES_AT_ONCE, "concurrency_id": "surprise"}
"""For base's reading of pasted texts, which waits for everybody's comparisons."""
HUB = {**HIDDEN, "concurrency_limit": 4, "concurrency_id": "hub"}
"""For what waits for the Hugging Face hub."""
WRITING = {**HIDDEN, "concurrency_limit": AT_ONCE, "concurrency_id": "model"}


class Connector:
    """Connects events. A handler's parameters have the names of the parts whose values they are (PageParts).

    Gradio itself fills in `profile`, the account that is logged in, `request` and `event`.
    """

    def __init__(self, access: Access, panels: Panels):
        self.access, self.panels = access, panels
        self.parts = PageParts.collect(panels)

    def _connect_turn(self, trigger, turn, *names: str, **options):
        """Lets an event call `turn`, a method of Visit, with the values of the parts of these names."""

        def handler(profile: gr.OAuthProfile | None, request: gr.Request, visitor, **values):
            return self.parts.resolve(turn(Visit(self.access, visitor, profile, request), **values))

        return self._connect(trigger, handler, *names, **options)

    def _connect_item(self, trigger, turn, item: str, *names: str, **options):
        """The same for an event that says what was pressed: `item` is its name there, and the turn's first argument."""

        def handler(profile: gr.OAuthProfile | None, request: gr.Request, event: gr.EventData, visitor, **values):
            visit = Visit(self.access, visitor, profile, request)
            return self.parts.resolve(turn(visit, read_item(event, item), **values))

        return self._connect(trigger, handler, *names, **options)

    def _connect(self, trigger, handler, *names: str, **options):
        inputs = self.parts.select("visitor", *names)
        return trigger(guard_handler(handler), outputs=self.parts.changeable(), inputs_kwargs=inputs, **options)


def read_item(event: gr.EventData, name: str) -> str:
    """What an event says was pressed, under this name. Raises CopeError when it does not say it."""
    said = event._data
    if not isinstance(said, dict) or said.get(name) is None:
        raise CopeError("It is not clear what was pressed: load the page anew and try again.")
    return str(said[name])


def read_fields(event: gr.EventData, *names: str) -> dict:
    """These of the fields that an event says, as the browser says them."""
    said = event._data if isinstance(event._data, dict) else {}
    return {name: said[name] for name in names if name in said}
