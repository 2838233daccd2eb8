"""What is written while one looks on: comparisons and their continuations, scores, and the blind test."""

import secrets
from collections.abc import Iterator

import gradio as gr

from cope_demo.ui.web.guard import guard_handler

from . import streams
from .component import say
from .connector import LIGHT, WRITING, Connector, read_item
from .panels import blind_test, lessons, scoring
from .settings import SLIDERS
from .visit import Visit

_STOP_VIEW = """() => {
  const view = document.querySelector('.cope-heatmap');
  if (view.querySelector('.bar-line.going')) view.dispatchEvent(new Event('cope-stop'));
  return [];
}"""
"""JavaScript that tells the token view, while something is written, that what still arrives is not wanted any more."""


class Writing(Connector):
    """The events that write. running: those that end when another person is chosen, and with what is deleted."""

    def connect(self) -> None:
        """Connects them all."""
        self.running = [*self._connect_comparison(), self._connect_score(), self._connect_blind()]

    def end(self, trigger, *more) -> None:
        """Lets an event end what is written, and `more` events. What it does besides is connected after that: then
        Gradio ends first, and nothing that was written for one person comes after the answer that shows another.
        """
        trigger(None, None, None, js=_STOP_VIEW, cancels=[*self.running, *more], **LIGHT)

    def _connect_blind(self):
        blind = self.panels.fit.blind
        begin = {"inputs_kwargs": self.parts.select("visitor"), "outputs": [blind], **WRITING}
        return blind.begin(guard_handler(self._blind), **begin)

    def _blind(
        self, profile: gr.OAuthProfile | None, request: gr.Request, event: gr.EventData, visitor
    ) -> Iterator[str]:
        """The blind test of the chosen person's fit is written."""
        visit, run = Visit(self.access, visitor, profile, request), read_item(event, "run")
        yield from blind_test.stream(visit.service, visit.visitor.chosen, visit.name_person(), run)

    def _connect_comparison(self) -> tuple:
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
        return event, branch

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
        # All that it says: its attributes would have to be asked for one by one.
        asked = event._data if isinstance(event._data, dict) else {}
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
        name = read_item(event, "id")
        view = (
            {self.panels.compare.view: lessons.render_lesson(name, secrets.token_hex(2))}
            if name in lessons.ORDER
            else {}
        )
        return {**view, **self._free_buttons()}

    def _connect_score(self):
        """Texts are scored."""
        score = self.panels.score
        self._connect_turn(score.example.click, Visit.fill_example, **LIGHT)
        inputs, shown = self.parts.select("visitor", "text_a", "text_b", "asked", "alpha"), [score.view, score.verdict]
        event = score.start.click(
            guard_handler(self._score), outputs=[*shown, score.start], inputs_kwargs=inputs, **WRITING
        )
        event.failure(lambda: gr.update(interactive=True), None, [score.start], **LIGHT)
        return event

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


def _notify_view(event: str, result: str) -> str:
    """JavaScript that tells the token view what was pressed."""
    return (
        f"(...g) => {{ document.querySelector('.cope-heatmap').dispatchEvent(new Event('{event}')); return {result}; }}"
    )


def _read_example(event: gr.EventData) -> str:
    """An example prompt that was clicked."""
    return read_item(event, "text")
