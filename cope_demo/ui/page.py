"""The page: four steps on one sheet, laid out here and wired to what happens (visit.py, own.py, comparing.py …)."""

import gradio as gr

from cope_demo.saved.citation import BIBTEX
from cope_demo.ui.web.forgetful import forget_values
from cope_demo.ui.web.guard import explain_error, guard_handler
from cope_demo.ui.web.login import login_button
from cope_demo.visitors.owners import Access

from . import api, streams
from .component import panel, say, static
from .panels import behind, comparing, evidence, fitting, lessons, own, people, privacy, scoring, takeaway
from .visit import PARTS, Visit, banner
from .visitor import browser_state

TITLE = "CoPe: a language model that learns to write like one person"
POLL = 1.0
"""Seconds between two looks at the job queue while something is going on."""
HIDDEN = {"show_progress": "hidden", "api_visibility": "private"}
LIGHT = {**HIDDEN, "queue": False}
READING = {**HIDDEN, "concurrency_limit": 1, "concurrency_id": "read"}
"""For what makes instructions from texts: seconds of both cores, so one at a time."""
WRITING = {**HIDDEN, "concurrency_limit": 2, "concurrency_id": "model"}


def _tell(event: str, result: str) -> str:
    """JavaScript that tells the token view what was pressed."""
    return (
        f"(...g) => {{ document.querySelector('.cope-heatmap').dispatchEvent(new Event('{event}')); return {result}; }}"
    )


def build(service) -> gr.Blocks:
    """The whole page over a service (service.Service). Nothing here waits for the model."""
    forget_values()
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 600), fill_width=True) as blocks:
        access = Access(service, takeaway.forget)  # from here on nobody holds the service itself
        Page(access, blocks)
        api.add_endpoints(access)
    return blocks


class Page:
    """The page's components and what happens between them."""

    def __init__(self, access: Access, blocks: gr.Blocks):
        self.access = access
        static("header")
        login_button()
        notice = panel("notice", banner(access.of()), "notice")
        link = panel("opened", say({"kind": "none"}), "notice")
        self.lessons = panel("lessons", say(lessons.cards()), "lessons")
        self.memory = browser_state()
        timer = gr.Timer(POLL)
        with gr.Column(elem_classes="step"):
            static("step1")
            cards = people.cards_panel()
            self.own = own.own_panel()
        with gr.Column(elem_classes="step"):
            static("step2")
            self.fit = fitting.fit_panel()
            self.take, self.behind = takeaway.takeaway_panel(), behind.behind_panel()
        with gr.Column(elem_classes="step"):
            static("step3")
            self.step = step = comparing.compare_panel()
        with gr.Column(elem_classes="step"):
            static("step4")
            self.score = score = scoring.score_panel()
        evidence.evidence_panel()
        self.privacy = privacy.privacy_panel()
        static("footer")
        panel("citation", say({"bibtex": BIBTEX}), "citation")
        parts = (self.memory, notice, timer, cards, self.own.box, self.fit.panel, self.fit.start, self.fit.cancel)
        parts += (self.fit.delete, step.prompt, step.examples, step.length, step.penalty, step.view)
        parts += (self.own.text, self.own.name, self.own.file, self.own.preview, self.privacy.told)
        parts += (step.alpha, step.tau, step.temperature, step.seed, step.more, link)
        parts += (score.first, score.second, score.prompt, score.view, score.verdict)
        parts += (self.take, self.behind)
        self.parts = dict(zip(PARTS, parts, strict=True))
        self._wire_choice(blocks, cards, timer)
        self._wire_own()
        self._wire_compare()
        self._wire_score()
        self._wire_privacy()

    def _answer(self, values: dict) -> dict:
        """An answer of Visit in Gradio's terms."""
        # An empty dict would be taken for a single value.
        return {self.parts[name]: value for name, value in values.items()} or {self.memory: gr.skip()}

    def _turn(self, listen, method, inputs=(), **options) -> None:
        """Lets an event call a method of Visit, for the browser that sent it, with these inputs."""

        def handler(profile: gr.OAuthProfile | None, request: gr.Request, memory, *given):
            return self._answer(method(Visit(self.access, memory, profile, request), *given))

        listen(guard_handler(handler), [self.memory, *inputs], list(self.parts.values()), **options)

    def _wire_choice(self, blocks, cards, timer) -> None:
        def picked(profile: gr.OAuthProfile | None, request: gr.Request, memory, ticked, event: gr.EventData):
            return self._answer(Visit(self.access, memory, profile, request).pick(str(event.id), ticked))

        def opened(profile: gr.OAuthProfile | None, request: gr.Request, memory):
            return self._answer(Visit(self.access, memory, profile, request).open(request.query_params))

        def live(profile: gr.OAuthProfile | None, request: gr.Request, memory, event: gr.EventData):
            return self._answer(Visit(self.access, memory, profile, request).live(str(event.lesson)))

        self.step.view.live(guard_handler(live), [self.memory], list(self.parts.values()), **LIGHT)
        cards.pick(guard_handler(picked), [self.memory, self.step.more], list(self.parts.values()), **LIGHT)
        blocks.load(guard_handler(opened), [self.memory], list(self.parts.values()), **LIGHT)
        self._turn(timer.tick, Visit.poll, **LIGHT)
        self._turn(self.behind.unfold, Visit.unfold, **LIGHT)
        self._turn(self.take.take, Visit.take, **LIGHT)
        self._turn(self.fit.cancel.click, Visit.cancel_fit, **LIGHT)
        self._turn(self.fit.delete.click, Visit.delete_fit, **LIGHT)
        given = [self.own.text, self.own.file, self.own.task, self.own.name]
        self._turn(self.fit.start.click, Visit.start_fit, given, **READING)

    def _wire_own(self) -> None:
        mine = self.own
        given, shown = [self.memory, mine.text, mine.file, mine.task], [mine.preview, self.fit.panel]
        latest = {"inputs": given, "outputs": shown, "trigger_mode": "always_last"}
        quick = {"fn": self._previewed(False), **latest, **LIGHT}
        whole = {"fn": self._previewed(True), **latest, **READING}
        # Not `input`: Gradio's text box sends that for key presses only, so a paste would go unseen.
        mine.text.change(lambda: None, None, [mine.file], **LIGHT).then(**quick)
        mine.text.blur(**whole)
        mine.task.input(**quick).then(**whole)
        mine.upload.upload(guard_handler(own.take_upload), [mine.upload], [mine.file], **LIGHT).then(**quick).then(
            **whole
        )
        mine.example.click(lambda: own.EXAMPLE, None, [mine.text], **LIGHT).then(**whole)

    def _previewed(self, whole: bool):
        """The preview's handler: how the texts were understood, and the fit's plan for them."""

        def handler(profile: gr.OAuthProfile | None, request: gr.Request, memory, text, file, task):
            try:
                Visit(self.access, memory, profile, request).service.caller.take("preview")
                data = own.preview(text, file, task, whole)
            except Exception as error:
                return say({"state": "read", "problem": explain_error(error)}), gr.skip()
            return say(data), say(fitting.plan(data.get("count", 0), data.get("seconds", 0.0)))

        return handler

    def _wire_privacy(self) -> None:
        mine, sure = self.privacy, [self.privacy.sure]
        mine.ask.click(lambda: gr.update(visible=True), None, sure, **LIGHT)
        gr.on([mine.keep.click, mine.erase.click], lambda: gr.update(visible=False), None, sure, **LIGHT)
        self._turn(mine.erase.click, Visit.erase, **LIGHT)

    def _wire_compare(self) -> None:
        step, buttons = self.step, [self.step.start, self.step.stop]
        step.examples.use(_used, None, [step.prompt], **LIGHT)
        triggers, inputs = [step.start.click, step.prompt.submit], [self.memory, *step.settings]
        shown, begin = [step.view, *buttons], {"js": _tell("cope-begin", "g"), **WRITING}
        event = gr.on(triggers, guard_handler(self._compare), inputs, shown, **begin)
        on = step.view.branch(guard_handler(self._branch), [self.memory], shown, **begin)
        for one in (event, on):
            one.failure(_idle_buttons, None, buttons, js=_tell("cope-failed", "[]"), **LIGHT)
        cancels = {"cancels": [event, on]}
        self.lessons.open(_lesson, None, shown, js=_tell("cope-begin", "g"), **cancels, **LIGHT)
        step.stop.click(_idle_buttons, None, buttons, js=_tell("cope-stop", "[]"), **cancels, **LIGHT)

    def _compare(self, profile: gr.OAuthProfile | None, request: gr.Request, memory, *given):
        visit = Visit(self.access, memory, profile, request)
        who, refusal = visit.who(), visit.refusal()
        texts = [streams.show_refusal(who, refusal)] if refusal else None
        *values, columns = given
        yield from _written(texts or streams.stream(visit.service, visit.visitor.chosen, who, *values, columns=columns))

    def _branch(self, profile: gr.OAuthProfile | None, request: gr.Request, memory, event: gr.EventData):
        visit = Visit(self.access, memory, profile, request)
        asked = event._data or {}  # all of it; its attributes would have to be asked for one by one
        yield from _written(streams.branch(visit.service, visit.visitor.chosen, asked))

    def _wire_score(self) -> None:
        score = self.score
        inputs = [self.memory, score.first, score.second, score.prompt, self.step.alpha]
        self._turn(score.example.click, Visit.example, **LIGHT)
        event = score.start.click(
            guard_handler(self._score), inputs, [score.view, score.verdict, score.start], **WRITING
        )
        event.failure(lambda: gr.update(interactive=True), None, [score.start], **LIGHT)

    def _score(self, profile: gr.OAuthProfile | None, request: gr.Request, memory, *values):
        visit = Visit(self.access, memory, profile, request)
        yield gr.skip(), gr.skip(), gr.update(interactive=False)
        if refusal := visit.refusal():
            yield gr.skip(), say({"state": "problem", "message": refusal}), gr.skip()
        else:
            for view, verdict in scoring.stream(visit.service, visit.visitor.chosen, visit.who(), *values):
                yield view, verdict, gr.skip()
        yield gr.skip(), gr.skip(), gr.update(interactive=True)


def _written(texts):
    """Updates of the view and the two buttons while something is being written."""
    yield gr.skip(), gr.update(interactive=False), gr.update(interactive=True)
    for text in texts:
        yield text, gr.skip(), gr.skip()
    yield gr.skip(), *_idle_buttons()


def _idle_buttons() -> tuple:
    return gr.update(interactive=True), gr.update(interactive=False)


def _lesson(event: gr.EventData) -> tuple:
    """The lesson that was pressed; a comparison that runs ends."""
    name = str(event.id)
    return lessons.opened(name) if name in lessons.ORDER else gr.skip(), *_idle_buttons()


def _used(event: gr.EventData) -> str:
    """An example prompt that was clicked."""
    return str(event.text)
