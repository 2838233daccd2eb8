"""The last part of the page: what is kept of a visitor, who sees it, when it goes, and the button that removes it."""

from dataclasses import dataclass

import gradio as gr

from cope_demo.config import read_keep_days
from cope_demo.ui.component import ASSETS, panel
from cope_demo.ui.web.login import accounts

NOTE = (ASSETS / "privacy.html").read_text("utf-8")


@dataclass
class PrivacyPanel:
    """The components of this part."""

    ask: gr.Button
    sure: gr.Row
    erase: gr.Button
    keep: gr.Button
    notice: gr.HTML


def privacy_panel() -> PrivacyPanel:
    """Lays the part out; the page wires its events."""
    with gr.Accordion("Your texts: who sees them, and when they go", open=False, elem_id="privacy"):
        days = read_keep_days()  # a number, so the template stays a constant of ours
        note = NOTE.replace("KEPT", "a day" if days == 1 else f"{days} days")
        note = note.replace("WITH IT", "with it, or logged in to the same account," if accounts() else "with it")
        gr.HTML(html_template=note, apply_default_css=False, js_on_load=None)
        with gr.Row(elem_classes="actions"):
            ask = gr.Button("Delete my data", size="sm", elem_id="ask-erase")
        with gr.Row(visible=False, elem_id="sure", elem_classes="actions") as sure:
            erase = gr.Button("Yes, delete all my fits and texts now", variant="stop", size="sm", elem_id="erase")
            keep = gr.Button("Keep them", size="sm", elem_id="keep")
        notice = panel("notice", None, "notice", elem_id="erased")
    return PrivacyPanel(ask, sure, erase, keep, notice)
