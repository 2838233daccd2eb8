"""What base finds unusual about one's own texts: token by token, as soon as they are pasted, before any fit."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from cope_demo.errors import CopeError
from cope_demo.service.surprise import INSTRUCTION, MAX_TEXTS, SurprisingText
from cope_demo.texts.history import read_history
from cope_demo.ui.component import panel, say
from cope_demo.ui.streams import wait_for_model
from cope_demo.ui.web.guard import explain_error

CSS = Path(__file__).with_name("surprise.css")
EMPTY = say({"state": "empty"})
LOADING = "The model is loading; your texts are read by themselves once it is there."


def surprise_panel() -> gr.HTML:
    """The panel; `stream` gives its values."""
    return panel("surprise", EMPTY, "surprise")


def stream(service, source: str | bytes, filename: str | None, task: str) -> Iterator[str]:
    """The panel's values while base reads these texts (own.read_source), with one more text each time.

    It never raises. What cannot be read as a history says why in the preview, and here is nothing.
    """
    try:
        samples = read_history(source, filename, task).samples if source.strip() else []
    except CopeError:
        samples = []
    if not samples:
        yield EMPTY
        return
    shown: list[dict] = []
    facts = {"run": secrets.token_hex(4), "of": min(len(samples), MAX_TEXTS), "texts": shown}
    facts["more"] = len(samples) - facts["of"]
    if not all(sample.prompt for sample in samples[:MAX_TEXTS]):
        facts["instruction"] = INSTRUCTION
    try:
        yield say({"state": "reading", **facts})
        for _ in wait_for_model(service):
            yield say({"state": "reading", "message": LOADING, **facts})
        for text in service.surprise(samples, task):
            shown.append(_describe_text(text))
            yield say({"state": "reading", **facts})
        yield say({"state": "done", **facts})
    except Exception as error:
        yield say({"state": "problem", "message": explain_error(error), **facts})


def _describe_text(text: SurprisingText) -> dict:
    return {"tokens": [[piece, round(bits, 1)] for piece, bits in text.tokens], "cut": text.cut}
