"""What happens on the page: which event calls which turn of a visitor (visit.py), with which parts' values."""

import secrets
from collections.abc import Iterator

import gradio as gr

from cope_demo.errors import CopeError
from cope_demo.ui.web.guard import explain_error, guard_handler
from cope_demo.ui.web.joins import AT_ONCE, SURPRISES_AT_ONCE
from cope_demo.visitors.owners import SECRET, Access

from . import streams
from .component import say
from .panels import blind_test, comeback, lessons, own, scoring, surprise
from .parts import PageParts, Panels
from .settings import SLIDERS
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


def connect_events(access: Access, blocks: gr.Blocks, panels: Panels) -> None:
    """Connects all events of the page that is being built, once all its panels are laid out."""
    events = Events(access, panels)
    events.connect_choice(blocks)
    events.connect_fit()
    events.connect_hub()
    events.connect_history()
    events.connect_comparison()
    events.connect_score()
    events.connect_erasing()


class Events:
    """The page's events. A handler's parameters have the names of the parts whose values they are (PageParts).

    Gradio itself fills in `profile`, the account that is logged in, `request` and `event`.
    """

    def __init__(self, access: Access, panels: Panels):
        self.access, self.panels = access, panels
        self.parts = PageParts.collect(panels)

    def _connect_turn(self, trigger, turn, *names: str, **options) -> None:
        """Lets an event call `turn`, a method of Visit, with the values of the parts of these names."""

        def handler(profile: gr.OAuthProfile | None, request: gr.Request, visitor, **values):
            return self.parts.resolve(turn(Visit(self.access, visitor, profile, request), **values))

        self._connect(trigger, handler, *names, **options)

    def _connect_item(self, trigger, turn, item: str, *names: str, **options) -> None:
        """The same for an event that says what was pressed: `item` is its name there, and the turn's first argument."""

        def handler(profile: gr.OAuthProfile | None, request: gr.Request, event: gr.EventData, visitor, **values):
            visit = Visit(self.access, visitor, profile, request)
            return self.parts.resolve(turn(visit, _read_item(event, item), **values))

        self._connect(trigger, handler, *names, **options)

    def _connect(self, trigger, handler, *names: str, **options) -> None:
        inputs = self.parts.select("visitor", *names)
        trigger(guard_handler(handler), outputs=self.parts.changeable(), inputs_kwargs=inputs, **options)

    def connect_choice(self, blocks: gr.Blocks) -> None:
        """The page's opening, and the choice of a person or a lesson's settings."""

        def open_page(profile: gr.OAuthProfile | None, request: gr.Request, visitor):
            return self.parts.resolve(Visit(self.access, visitor, profile, request).open(request.query_params))

        self._connect_item(self.panels.compare.view.live, Visit.fill_from_lesson, "lesson", **LIGHT)
        self._connect_item(self.panels.people.pick, Visit.pick, "id", "more", trigger_mode="always_last", **LIGHT)
        self._connect(blocks.load, open_page, **LIGHT)
        self._connect_turn(self.panels.timer.tick, Visit.poll, **LIGHT)

    def connect_fit(self) -> None:
        """A fit's start and end, and what can be had of it."""
        fit = self.panels.fit
        begin = {"inputs_kwargs": self.parts.select("visitor"), "outputs": [fit.blind], **WRITING}
        fit.blind.begin(guard_handler(self._blind), **begin)
        self._connect(self.panels.key.back, self._come_back, **LIGHT)
        self._connect_turn(self.panels.behind.unfold, Visit.unfold, **LIGHT)
        self._connect_turn(self.panels.take.take, Visit.offer_adapters, **LIGHT)
        self._connect_turn(fit.cancel.click, Visit.cancel_fit, **LIGHT)
        self._connect_turn(fit.delete.click, Visit.delete_fit, **LIGHT)
        self._connect_turn(fit.start.click, Visit.start_fit, "text", "file", "task", "name", **READING)

    def _blind(
        self, profile: gr.OAuthProfile | None, request: gr.Request, event: gr.EventData, visitor
    ) -> Iterator[str]:
        """The blind test of the chosen person's fit is written."""
        visit, run = Visit(self.access, visitor, profile, request), _read_item(event, "run")
        yield from blind_test.stream(visit.service, visit.visitor.chosen, visit.name_person(), run)

    def connect_hub(self) -> None:
        """Adapters of the hub: opened, and pushed. Gradio fills in the token of who is logged in."""
        self._connect(self.panels.hub.open, self._open_adapters, **HUB)
        self._connect(self.panels.take.push, self._push_adapters, **HUB)

    def _open_adapters(
        self,
        profile: gr.OAuthProfile | None,
        token: gr.OAuthToken | None,
        request: gr.Request,
        event: gr.EventData,
        visitor,
    ):
        query = _read_fields(event, "query").get("query")
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
        return self.parts.resolve(visit.push_adapters(profile, token, _read_fields(event, "name", "public")))

    def _come_back(self, profile: gr.OAuthProfile | None, request: gr.Request, event: gr.EventData, visitor):
        """Another secret takes the place of the one that this browser was given and cannot keep."""
        key = _read_item(event, "key").strip().lower()
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
        unread = {"cancels": [self._connect_surprise()], **LIGHT}
        gone = [mine.file, mine.surprise]
        mine.text.change(lambda: (None, surprise.EMPTY), None, gone, **unread).then(**quick)
        mine.preview.settle(**whole)
        mine.task.input(lambda: surprise.EMPTY, None, [mine.surprise], **unread).then(**quick)
        upload = mine.upload.upload(guard_handler(own.take_upload), [mine.upload], [mine.file], **unread)
        upload.then(**quick)
        mine.example.click(lambda: own.EXAMPLE, None, [mine.text], **LIGHT).then(**whole)

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

    def connect_comparison(self) -> None:
        """A comparison or one column's other continuation is written, or a lesson opens in their place."""
        compare = self.panels.compare
        buttons = [compare.start, compare.stop]
        shown, begin = [compare.view, *buttons], {"js": _notify_view("cope-begin", "g"), **WRITING}
        compare.examples.use(guard_handler(_read_example), None, [compare.prompt], **LIGHT)
        settings = ("prompt", *SLIDERS, "seed", "more", "against")
        triggers, inputs = [compare.start.click, compare.prompt.submit], self.parts.select("visitor", *settings)
        event = gr.on(triggers, guard_handler(self._compare), outputs=shown, inputs_kwargs=inputs, **begin)
        only = self.parts.select("visitor")
        branch = compare.view.branch(guard_handler(self._branch), outputs=shown, inputs_kwargs=only, **begin)
        for one in (event, branch):
            one.failure(self._free_buttons, None, buttons, js=_notify_view("cope-failed", "[]"), **LIGHT)
        ending = {"cancels": [event, branch], **LIGHT}
        self.panels.lessons.open(
            guard_handler(self._open_lesson), None, shown, js=_notify_view("cope-begin", "g"), **ending
        )
        compare.stop.click(self._free_buttons, None, buttons, js=_notify_view("cope-stop", "[]"), **ending)
        compare.view.halt(self._free_buttons, None, buttons, **ending)

    def _compare(
        self, profile: gr.OAuthProfile | None, request: gr.Request, visitor, more, against, **settings
    ) -> Iterator[dict]:
        visit = Visit(self.access, visitor, profile, request)
        who, refusal = visit.name_person(), visit.explain_refusal()
        if refusal:
            yield from self._show_writing([streams.show_refusal(who, refusal)])
        else:
            chosen = visit.visitor.chosen
            named = {"against": against or "", "other": visit.name_other(against)}
            yield from self._show_writing(streams.stream(visit.service, chosen, who, columns=more, **named, **settings))

    def _branch(
        self, profile: gr.OAuthProfile | None, request: gr.Request, event: gr.EventData, visitor
    ) -> Iterator[dict]:
        visit = Visit(self.access, visitor, profile, request)
        asked = (
            event._data if isinstance(event._data, dict) else {}
        )  # all of it; its attributes would have to be asked for one by one
        yield from self._show_writing(streams.branch(visit.service, visit.visitor.chosen, asked))

    def _show_writing(self, texts) -> Iterator[dict]:
        """Updates of the view and the two buttons while something is being written."""
        compare = self.panels.compare
        yield {compare.start: gr.update(interactive=False), compare.stop: gr.update(interactive=True)}
        for text in texts:
            yield {compare.view: text}
        yield self._free_buttons()

    def _free_buttons(self) -> dict:
        """The two buttons while nothing is being written."""
        compare = self.panels.compare
        return {compare.start: gr.update(interactive=True), compare.stop: gr.update(interactive=False)}

    def _open_lesson(self, event: gr.EventData) -> dict:
        """The lesson that was pressed; a comparison that runs ends."""
        name = _read_item(event, "id")
        view = (
            {self.panels.compare.view: lessons.render_lesson(name, secrets.token_hex(2))}
            if name in lessons.ORDER
            else {}
        )
        return {**view, **self._free_buttons()}

    def connect_score(self) -> None:
        """Texts are scored."""
        score = self.panels.score
        self._connect_turn(score.example.click, Visit.fill_example, **LIGHT)
        inputs, shown = self.parts.select("visitor", "text_a", "text_b", "asked", "alpha"), [score.view, score.verdict]
        event = score.start.click(
            guard_handler(self._score), outputs=[*shown, score.start], inputs_kwargs=inputs, **WRITING
        )
        event.failure(lambda: gr.update(interactive=True), None, [score.start], **LIGHT)

    def _score(
        self, profile: gr.OAuthProfile | None, request: gr.Request, visitor, text_a, text_b, asked, alpha
    ) -> Iterator[dict]:
        visit, score = Visit(self.access, visitor, profile, request), self.panels.score
        yield {score.start: gr.update(interactive=False)}
        if refusal := visit.explain_refusal():
            yield {score.verdict: say({"state": "problem", "message": refusal})}
        else:
            texts = {"first": text_a, "second": text_b, "prompt": asked}
            who, chosen = visit.name_person(), visit.visitor.chosen
            for view, verdict in scoring.stream(visit.service, chosen, who, **texts, alpha=alpha):
                yield {score.view: view, score.verdict: verdict}
        yield {score.start: gr.update(interactive=True)}

    def connect_erasing(self) -> None:
        """The last part: all that is a visitor's is deleted, after a second press."""
        mine, sure = self.panels.privacy, [self.panels.privacy.sure]
        mine.ask.click(lambda: gr.update(visible=True), None, sure, **LIGHT)
        gr.on([mine.keep.click, mine.erase.click], lambda: gr.update(visible=False), None, sure, **LIGHT)
        self._connect_turn(mine.erase.click, Visit.erase, **LIGHT)


def _notify_view(event: str, result: str) -> str:
    """JavaScript that tells the token view what was pressed."""
    return (
        f"(...g) => {{ document.querySelector('.cope-heatmap').dispatchEvent(new Event('{event}')); return {result}; }}"
    )


def _read_item(event: gr.EventData, name: str) -> str:
    """What an event says was pressed, under this name. Raises CopeError when it does not say it."""
    said = event._data
    if not isinstance(said, dict) or said.get(name) is None:
        raise CopeError("It is not clear what was pressed: load the page anew and try again.")
    return str(said[name])


def _read_fields(event: gr.EventData, *names: str) -> dict:
    """These of the fields that an event says, as the browser says them."""
    said = event._data if isinstance(event._data, dict) else {}
    return {name: said[name] for name in names if name in said}


def _read_example(event: gr.EventData) -> str:
    """An example prompt that was clicked."""
    return _read_item(event, "text")
