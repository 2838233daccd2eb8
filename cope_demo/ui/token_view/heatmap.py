"""The token view as a Gradio component; its value is the growing text that wire.py writes."""

from pathlib import Path

import gradio as gr

from cope_demo.ui.component import panel

HERE = Path(__file__).parent
CSS = [HERE / f"{name}.css" for name in ("heatmap", "inspector", "rows", "steps", "lesson", "lesson_present")]
BUNDLE = "token_view"


def heatmap(value: str, teaching: bool = True, address: str = "", **options) -> gr.HTML:
    """Shows a streamed comparison, or given texts.

    teaching: with the parts for a class, which only make sense where something is decoded.
    address: what links to a comparison begin with, where that is not the page's own address.
    value: lines of JSON (wire.py). A longer value with the same beginning adds to what is shown, any other value starts
        anew; Gradio sends only what was appended, so a stream is sent in increments and still cannot lose one.
    """
    return panel("heatmap", value, BUNDLE, {"teaching": teaching, "address": address}, **options)
