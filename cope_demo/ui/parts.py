"""The page's parts by name: what the panels are made of, and which of it an answer to the browser may change."""

from dataclasses import dataclass, field, fields

import gradio as gr

from .panels.comparing import ComparePanel
from .panels.fitting import FitPanel
from .panels.own import OwnPanel
from .panels.privacy import PrivacyPanel
from .panels.scoring import ScorePanel

INPUT_ONLY = {"input_only": True}
"""Marks a part that is read and never changed."""


@dataclass(frozen=True)
class Panels:
    """The panels as page.py lays them out, each with its own components."""

    banner: gr.HTML
    link: gr.HTML
    lessons: gr.HTML
    visitor: gr.BrowserState
    timer: gr.Timer
    people: gr.HTML
    hub: gr.HTML
    own: OwnPanel
    fit: FitPanel
    key: gr.HTML
    take: gr.HTML
    behind: gr.HTML
    compare: ComparePanel
    score: ScorePanel
    privacy: PrivacyPanel
    ways: gr.HTML


@dataclass(frozen=True)
class PageParts:
    """The components that follow from what a visitor does. Events and answers call them by these names.

    Those of a comparison's settings are DecodeConfig's. against: whom to contrast with; columns: the view of a
    comparison; more: which further columns it is to have; scored: the view of given texts; text_a, text_b, asked: the
    texts to score and what they answer; ways: where the window goes (answers.go_to).
    """

    visitor: gr.BrowserState
    banner: gr.HTML
    link: gr.HTML
    timer: gr.Timer

    people: gr.HTML
    hub: gr.HTML
    own: gr.Column
    text: gr.Textbox
    name: gr.Textbox
    file: gr.State
    preview: gr.HTML
    task: gr.Dropdown = field(metadata=INPUT_ONLY)

    fit: gr.HTML
    start_fit: gr.Button
    cancel_fit: gr.Button
    delete_fit: gr.Button
    key: gr.HTML
    take: gr.HTML
    behind: gr.HTML

    prompt: gr.Textbox
    examples: gr.HTML
    alpha: gr.Slider
    tau: gr.Slider
    against: gr.Dropdown
    max_new_tokens: gr.Slider
    repetition_penalty: gr.Slider
    temperature: gr.Slider
    seed: gr.Number
    more: gr.CheckboxGroup
    columns: gr.HTML

    text_a: gr.Textbox
    text_b: gr.Textbox
    asked: gr.Textbox
    scored: gr.HTML
    verdict: gr.HTML

    erased: gr.HTML
    ways: gr.HTML

    @classmethod
    def collect(cls, panels: Panels) -> "PageParts":
        """The parts out of their panels."""
        own, fit, compare, score = panels.own, panels.fit, panels.compare, panels.score
        return cls(
            visitor=panels.visitor,
            banner=panels.banner,
            link=panels.link,
            timer=panels.timer,
            people=panels.people,
            hub=panels.hub,
            own=own.box,
            text=own.text,
            name=own.name,
            file=own.file,
            preview=own.preview,
            task=own.task,
            fit=fit.panel,
            start_fit=fit.start,
            cancel_fit=fit.cancel,
            delete_fit=fit.delete,
            key=panels.key,
            take=panels.take,
            behind=panels.behind,
            prompt=compare.prompt,
            examples=compare.examples,
            alpha=compare.alpha,
            tau=compare.tau,
            against=compare.against,
            max_new_tokens=compare.length,
            repetition_penalty=compare.penalty,
            temperature=compare.temperature,
            seed=compare.seed,
            more=compare.more,
            columns=compare.view,
            text_a=score.first,
            text_b=score.second,
            asked=score.prompt,
            scored=score.view,
            verdict=score.verdict,
            erased=panels.privacy.notice,
            ways=panels.ways,
        )

    def select(self, *names: str) -> dict[str, gr.components.Component]:
        """These parts by name, for an event's `inputs_kwargs`. Raises AttributeError for a name that no part has."""
        return {name: getattr(self, name) for name in names}

    def changeable(self) -> list[gr.components.Component]:
        """The parts that an answer may change, for an event's `outputs`."""
        return list(self.select(*ANSWERED).values())

    def resolve(self, answer: "Answer") -> dict:
        """An answer in Gradio's terms, by component."""
        # An empty dict would be taken for a single value.
        return {getattr(self, name): value for name, value in make_answer(answer).items()} or {self.visitor: gr.skip()}


ANSWERED = tuple(part.name for part in fields(PageParts) if not part.metadata.get("input_only"))
"""The names of the parts that an answer may change."""

Answer = dict[str, object]
"""New values of parts of the page, by their names."""


def make_answer(*answers: Answer, **values) -> Answer:
    """Joins answers and further new values; of two for one part the later counts.

    Raises ValueError when one is for something that is no part of the page, or that no answer may change.
    """
    joined = {name: value for answer in (*answers, values) for name, value in answer.items()}
    if unknown := sorted(joined.keys() - set(ANSWERED)):
        raise ValueError(f"an answer cannot change {', '.join(unknown)}")
    return joined
