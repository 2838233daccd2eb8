"""What happens on the page: which event calls which turn of a visitor (visit.py), with which parts' values."""

from collections.abc import Iterator

import gradio as gr

from cope_demo.ui.web.guard import explain_error, guard_handler
from cope_demo.visitors.owners import SECRET, Access

from . import links
from .component import say
from .connector import HUB, LIGHT, READING, SURPRISING, Connector, read_fields, read_item
from .panels import comeback, own, surprise
from .parts import Panels
from .visit import Visit
from .writing import Writing


def connect_events(access: Access, blocks: gr.Blocks, panels: Panels) -> None:
    """Connects all events of the page that is being built, once all its panels are laid out."""
    writing = Writing(access, panels)
    writing.connect()
    events = Events(access, panels, writing)
    events.connect_choice(blocks)
    events.connect_fit()
    events.connect_hub()
    events.connect_history()
    events.connect_erasing()


class Events(Connector):
    """The page's events but those that write (writing.py)."""

    def __init__(self, access: Access, panels: Panels, writing: Writing):
        """writing: connected already, so that other events can end what it does."""
        super().__init__(access, panels)
        self.writing = writing
        self.reading: list = []  # the events that read texts or adapters and may wait for that

    def connect_choice(self, blocks: gr.Blocks) -> None:
        """The page's opening, and the choice of a person or a lesson's settings."""

        def open_page(profile: gr.OAuthProfile | None, request: gr.Request, visitor):
            return self.parts.resolve(Visit(self.access, visitor, profile, request).open(request.query_params))

        self._connect_item(self.panels.compare.view.live, Visit.fill_from_lesson, "lesson", **LIGHT)
        self.writing.end(self.panels.people.pick)
        options = {"js": links.leave(), "trigger_mode": "always_last", **LIGHT}
        self._connect_item(self.panels.people.pick, Visit.pick, "id", "more", **options)
        self._connect(blocks.load, open_page, **LIGHT)
        self._connect_turn(self.panels.timer.tick, Visit.poll, "more", **LIGHT)

    def connect_fit(self) -> None:
        """A fit's start and end, and what can be had of it."""
        fit = self.panels.fit
        self.writing.end(self.panels.key.back)
        self._connect(self.panels.key.back, self._come_back, js=links.leave(), **LIGHT)
        self._connect_turn(self.panels.behind.unfold, Visit.unfold, **LIGHT)
        self._connect_turn(self.panels.take.take, Visit.offer_adapters, **LIGHT)
        self._connect_turn(fit.cancel.click, Visit.cancel_fit, **LIGHT)
        self.writing.end(fit.delete.click)
        self._connect_turn(fit.delete.click, Visit.delete_fit, **LIGHT)
        given = "text", "file", "task", "name"
        self.reading.append(self._connect_turn(fit.start.click, Visit.start_fit, *given, **READING))

    def connect_hub(self) -> None:
        """Adapters of the hub: opened, and pushed. Gradio fills in the token of who is logged in."""
        self.writing.end(self.panels.hub.open)
        self.reading.append(self._connect(self.panels.hub.open, self._open_adapters, **HUB))
        self._connect(self.panels.take.push, self._push_adapters, **HUB)

    def _open_adapters(
        self,
        profile: gr.OAuthProfile | None,
        token: gr.OAuthToken | None,
        request: gr.Request,
        event: gr.EventData,
        visitor,
    ):
        query = read_fields(event, "query").get("query")
        visit = Visit(self.access, visitor, profile, request)
        return self.parts.resolve(visit.open_adapters(query if isinstance(query, dict) else {}, token))

    def _push_adapters(
        self,
        profile: gr.OAuthProfile | None,
        token: gr.OAuthToken | None,
        request: gr.Request,
        event: gr.EventData,
        visitor,
    ):
        visit = Visit(self.access, visitor, profile, request)
        return self.parts.resolve(visit.push_adapters(profile, token, read_fields(event, "name", "public")))

    def _come_back(self, profile: gr.OAuthProfile | None, request: gr.Request, event: gr.EventData, visitor):
        """Another secret takes the place of the one that this browser was given and cannot keep."""
        key = read_item(event, "key").strip().lower()
        if not SECRET.fullmatch(key):
            return self.parts.resolve({"key": comeback.refuse_key(comeback.NO_KEY)})
        return self.parts.resolve(Visit(self.access, {"secret": key}, profile, request).come_back())

    def connect_history(self) -> None:
        """One's own history: every change of it makes a new preview, and once it rests, a whole one."""
        mine = self.panels.own
        inputs = self.parts.select("visitor", "text", "file", "task")
        latest = {"inputs_kwargs": inputs, "outputs": [mine.preview]}
        quick = {"fn": self._make_preview(False), **latest, "trigger_mode": "always_last", **LIGHT}
        whole = {"fn": self._make_preview(True), **latest, "trigger_mode": "always_last", **READING}
        # Not `input`: Gradio's text box sends that for key presses only, so a paste would go unseen.
        surprising = self._connect_surprise()
        unread = {"cancels": [surprising], **LIGHT}
        gone = [mine.file, mine.surprise]
        mine.text.change(lambda: (None, surprise.EMPTY), None, gone, **unread).then(**quick)
        settling = mine.preview.settle(**whole)
        mine.task.input(lambda: surprise.EMPTY, None, [mine.surprise], **unread).then(**quick)
        upload = mine.upload.upload(guard_handler(own.take_upload), [mine.upload], [mine.file], **unread)
        upload.then(**quick)
        example = mine.example.click(lambda: own.EXAMPLE, None, [mine.text], **LIGHT).then(**whole)
        self.reading += [surprising, settling, example]

    def _connect_surprise(self):
        """Once the texts rest, base reads them; the event, which ends when they change."""
        inputs, panel = self.parts.select("visitor", "text", "file", "task"), self.panels.own.surprise
        latest = {"inputs_kwargs": inputs, "outputs": [panel], "trigger_mode": "always_last"}
        return self.panels.own.preview.settle(guard_handler(self._surprise), **latest, **SURPRISING)

    def _surprise(
        self, profile: gr.OAuthProfile | None, request: gr.Request, visitor, text, file, task
    ) -> Iterator[str]:
        service = Visit(self.access, visitor, profile, request).service
        yield from surprise.stream(service, *own.read_source(text, file), task)

    def _make_preview(self, whole: bool):
        """The preview's handler: how the texts were understood."""

        def handler(profile: gr.OAuthProfile | None, request: gr.Request, visitor, text, file, task):
            try:
                service = Visit(self.access, visitor, profile, request).service
                service.caller.take("preview")
                return say(own.preview(text, file, task, whole, service.pass_seconds))
            except Exception as error:
                return say({"state": "read", "whole": True, "problem": explain_error(error)})

        return handler

    def connect_erasing(self) -> None:
        """The last part: all that is a visitor's is deleted, after a second press."""
        mine, sure = self.panels.privacy, [self.panels.privacy.sure]
        mine.ask.click(lambda: gr.update(visible=True), None, sure, **LIGHT)
        gr.on([mine.keep.click, mine.erase.click], lambda: gr.update(visible=False), None, sure, **LIGHT)
        self.writing.end(mine.erase.click, *self.reading)
        erased = self._connect_turn(mine.erase.click, Visit.erase, js=links.leave(), **LIGHT)
        self._connect_turn(erased.then, Visit.poll, **LIGHT)  # an answer may have come since that knew of no deletion
