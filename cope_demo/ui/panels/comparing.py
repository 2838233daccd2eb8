"""Step 3: the prompt, the settings, and the three columns that stream together."""

import secrets
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import gradio as gr

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import METHODS, OWN_PROMPT, with_more
from cope_demo.decode.trace import ColumnEnd, TokenEvent, Trace
from cope_demo.errors import CopeError
from cope_demo.service.service import MAX_PROMPT
from cope_demo.texts.tasks import TASKS, Task
from cope_demo.ui.component import PANELS, panel
from cope_demo.ui.token_view import runs, wire
from cope_demo.ui.token_view.heatmap import heatmap
from cope_demo.ui.token_view.standalone import empty_page
from cope_demo.ui.web.guard import sentence

from . import more_columns

MAX_TOKENS = 300
INTERVAL = 0.1
"""Seconds between two updates of the page."""
LOADING = "The model is loading; the comparison begins by itself."
READING = "Looking through the history for what RAG and PAG put before the prompt…"

SLIDERS = {
    "alpha": (0, 1.5, 0.05, "Contrast, alpha", "How strongly the base model’s opinion is subtracted. 0: not at all."),
    "tau": (0, 1, 0.01, "Plausibility, tau", "A token counts from this share of the likeliest one’s probability on."),
    "max_new_tokens": (10, MAX_TOKENS, 10, "Length in tokens", "Where a column stops if it has not ended by itself."),
    "repetition_penalty": (
        1,
        2,
        0.05,
        "Repetition penalty",
        "Makes tokens already used less likely, in every column.",
    ),
    "temperature": (0, 2, 0.1, "Temperature", "0 takes the best token; above 0 draws lots among the plausible ones."),
}
"""Lowest, highest, step, label, and one plain sentence; the names are DecodeConfig's, and so are the defaults."""
SEED = "The same seed draws the same lots; at temperature 0 it changes nothing."

OTHER_PERSON = "This comparison was another person's: choose that person again in step 1, or compare anew."


@dataclass
class ComparePanel:
    """The components of step 3."""

    prompt: gr.Textbox
    examples: gr.HTML
    alpha: gr.Slider
    tau: gr.Slider
    length: gr.Slider
    penalty: gr.Slider
    temperature: gr.Slider
    seed: gr.Number
    more: gr.CheckboxGroup
    start: gr.Button
    stop: gr.Button
    view: gr.HTML


def compare_panel() -> ComparePanel:
    """Lays step 3 out; the page wires its events."""
    with gr.Row(elem_classes="ask"):
        with gr.Column(scale=7, min_width=300):
            prompt = gr.Textbox(label="Prompt", lines=5, max_lines=8, elem_id="prompt")
            examples = panel("examples", None, PANELS / "examples.js")
            with gr.Row(elem_classes="actions"):
                start = gr.Button("Compare", variant="primary", elem_id="compare")
                stop = gr.Button("Stop", interactive=False, elem_id="stop")
        with gr.Column(scale=5, min_width=300, elem_classes="settings"):
            alpha, tau, length = (_slider(name) for name in ("alpha", "tau", "max_new_tokens"))
            further = more_columns.more_columns()
            with gr.Accordion("Advanced", open=False, elem_id="advanced"):
                penalty, temperature = (_slider(name) for name in ("repetition_penalty", "temperature"))
                seed = gr.Number(DecodeConfig.seed, label="Seed", info=SEED, precision=0, minimum=0, elem_id="seed")
    view = heatmap(idle("you"), server_functions=[alive, likeness, empty_page])
    return ComparePanel(prompt, examples, alpha, tau, length, penalty, temperature, seed, further, start, stop, view)


def _slider(name: str) -> gr.Slider:
    low, high, step, label, info = SLIDERS[name]
    return gr.Slider(low, high, getattr(DecodeConfig, name), step=step, label=label, info=info, elem_id=name)


def idle(who: str, message: str = "", methods: tuple[str, ...] = METHODS, **chosen) -> str:
    """The view before anything has run: a frame for every method. chosen: `user` and `opening` of wire.py."""
    return wire.line("idle", who=who, message=message, methods=methods, nonce=secrets.token_hex(2), **chosen)


def refused(who: str, reason: str) -> str:
    """The view when a comparison cannot begin."""
    return idle(who) + wire.line("error", message=reason)


def alive(run: str) -> str:
    """For the page's watchdog: "gone" when this comparison no longer runs here, else "here"."""
    return "gone" if run and not runs.alive(run) else "here"


def likeness(asked) -> dict:
    """For the page, as `server.likeness(run, {method: text})`: {method: {"topic", "style"}}, or {"error": sentence}.

    Under "history" stands what the history's own texts reach on average, the scale to read the numbers by.
    topic, in the page's words: how near the text is to what the person writes about (1: the same direction), by the
    cosine of its sentence embedding (all-MiniLM-L6-v2) with the mean of the history's.
    style: how near it is to the way they write, whatever the subject, by the cosine of the character trigrams, with
    every word that is not a function word masked but for its length and capitals.
    """
    try:
        if not isinstance(asked, list) or len(asked) != 2:
            raise CopeError("A run and its texts are needed.")
        service, user_id = runs.whose(asked[0])
        return service.likeness(user_id, asked[1])
    except Exception as error:
        return {"error": sentence(error)}


def settings(prompt, alpha, tau, max_new_tokens, repetition_penalty, temperature, seed) -> tuple[str, DecodeConfig]:
    """The prompt and the decoding's settings, checked. Raises CopeError naming what will not do."""
    if not isinstance(prompt, str) or not prompt.strip():
        raise CopeError("There is no prompt yet: write one, or choose one of the examples.")
    check_length("prompt", prompt)
    if isinstance(max_new_tokens, (int, float)) and max_new_tokens > MAX_TOKENS:
        raise CopeError(
            f"max_new_tokens must be a whole number from 1 to {MAX_TOKENS}, but is {max_new_tokens:g}; choose a "
            "smaller one."
        )
    whole = {"max_new_tokens": max_new_tokens, "seed": seed}
    config = DecodeConfig(alpha=alpha, tau=tau, repetition_penalty=repetition_penalty, temperature=temperature, **whole)
    return prompt, config


def check_length(what: str, text: str) -> None:
    """Raises CopeError when a prompt or text is too long."""
    if len(text) > MAX_PROMPT:
        raise CopeError(f"The {what} has {len(text):,} characters, and {MAX_PROMPT:,} are allowed; shorten it.")


def defaults(task: Task | None) -> DecodeConfig:
    """The settings that a task starts with."""
    first = DecodeConfig()
    if task is None:
        return first
    return DecodeConfig(repetition_penalty=task.repetition_penalty, max_new_tokens=task.max_new_tokens)


def task_of(name: str) -> Task:
    """A task by name; free writing for one we do not know."""
    return TASKS.get(name) or TASKS["free_writing"]


def batches(items: Iterator, interval: float) -> Iterator[list]:
    """Groups what a comparison yields into lists, one about every `interval` seconds; the first one comes at once."""
    waiting, last = [], 0.0
    with closing(items):
        try:
            for item in items:
                waiting.append(item)
                now = time.monotonic()
                if now - last >= interval:
                    yield waiting
                    waiting, last = [], now
        except Exception:
            if waiting:  # what was written before it broke off is shown
                yield waiting
            raise
    if waiting:
        yield waiting


def stream(service, user_id: str, who: str, *values, columns: list[str] | None = None, **named) -> Iterator[str]:
    """A comparison as the growing text of wire.py. It never raises: what goes wrong is the last message.

    values, named: of `settings`. columns: names of columns.MORE, beside the three.
    """
    run, text = runs.begin(service, user_id), ""
    try:
        prompt, config = settings(*values, **named)
        methods = with_more(columns)
        empty = Trace("", user_id, "", prompt, config.alpha, config.tau, config.repetition_penalty, [], [])
        for waited in wait_for_model(service):
            text = text or wire.start(run, who, empty, methods, config) + wire.line("wait", message=waited)
            yield text
        if set(methods) & set(OWN_PROMPT):  # seconds, the first time
            text += "" if text else wire.start(run, who, empty, methods, config)
            text += wire.line("wait", message=READING)
            yield text
        started = time.monotonic()
        source = service.compare(user_id, prompt, config, methods)
        text += wire.start(run, who, next(source), methods, config)
        yield text
        for seq, batch in enumerate(batches(source, INTERVAL)):
            text += "".join(_messages(batch, seq))
            yield text
        yield text + wire.line("done", seconds=round(time.monotonic() - started, 1))
    except Exception as error:
        yield text + wire.line("error", message=sentence(error)) if text else refused(who, sentence(error))
    finally:
        runs.end(run)


def branch(service, user_id: str, asked: dict) -> Iterator[str]:
    """One column of the shown comparison written on from some of its tokens and another one: text as of `stream`.

    user_id: whom the visitor has chosen. asked: {"user", "prompt", "method", "ids", and the names of DecodeConfig}, as
    the browser says; what is missing of the settings is their default. Nothing is cut before the first token is there.
    """
    run, text = runs.begin(service, user_id), ""
    try:
        if asked.get("user") != user_id:
            raise CopeError(OTHER_PERSON)
        given = {name: asked.get(name) for name in SLIDERS | {"seed": None}}
        given = {name: getattr(DecodeConfig, name) if value is None else value for name, value in given.items()}
        prompt, config = settings(asked.get("prompt"), **given)
        for waited in wait_for_model(service):
            text = text or wire.line("wait", run=run, message=waited)
            yield text
        started = time.monotonic()
        source = service.resume(user_id, prompt, asked.get("method"), asked.get("ids"), config)
        for seq, batch in enumerate(batches(source, INTERVAL)):
            if seq == 0:
                text += wire.branch(run, asked["method"], len(asked["ids"]) - 1)
            text += "".join(_messages(batch, seq))
            yield text
        yield text + wire.line("done", seconds=round(time.monotonic() - started, 1))
    except Exception as error:
        yield text + wire.line("error", run=run, message=sentence(error))
    finally:
        runs.end(run)


def wait_for_model(service) -> Iterator[str]:
    """Yields a sentence a few times a second while the model loads. Raises CopeError when there is none."""
    while not service.ready():
        if problem := service.problem():
            raise CopeError(problem)
        yield LOADING
        time.sleep(0.3)


def _messages(batch: list, seq: int) -> Iterator[str]:
    """One batch in its order; neighbouring tokens share a message. (The complete trace at the end is known already.)"""
    pending: list[TokenEvent] = []
    for item in batch:
        if isinstance(item, TokenEvent):
            pending.append(item)
        elif isinstance(item, ColumnEnd):
            if pending:
                yield wire.tokens(seq, pending)
                pending = []
            yield wire.line("end", method=item.method, stopped=item.stopped)
    if pending:
        yield wire.tokens(seq, pending)
