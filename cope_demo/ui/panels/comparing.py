"""The comparison: the prompt, the settings, and the view in which the columns stream side by side."""

from dataclasses import dataclass

import gradio as gr

from cope_demo.config import DecodeConfig
from cope_demo.ui import links
from cope_demo.ui.component import panel
from cope_demo.ui.settings import SLIDERS
from cope_demo.ui.streams import show_idle
from cope_demo.ui.token_view.heatmap import heatmap
from cope_demo.ui.token_view.server_functions import SERVER_FUNCTIONS

from . import more_columns
from .against import against_choice

SEED = "The same seed draws the same lots; at temperature 0 it changes nothing."


@dataclass
class ComparePanel:
    """The components of this chapter."""

    prompt: gr.Textbox
    examples: gr.HTML
    alpha: gr.Slider
    tau: gr.Slider
    against: gr.Dropdown
    length: gr.Slider
    penalty: gr.Slider
    temperature: gr.Slider
    seed: gr.Number
    more: gr.CheckboxGroup
    start: gr.Button
    stop: gr.Button
    view: gr.HTML


def compare_panel() -> ComparePanel:
    """Lays the chapter out; the page wires its events."""
    with gr.Row(elem_classes="ask", elem_id="ask"):
        with gr.Column(scale=7, min_width=300):
            prompt = gr.Textbox(label="Prompt", lines=2, max_lines=8, elem_id="prompt")
            with gr.Row(elem_classes="actions"):
                start = gr.Button("Compare", variant="primary", elem_id="compare")
                stop = gr.Button("Stop", interactive=False, elem_id="stop")
                examples = panel("examples", None, "examples")
        with gr.Column(scale=5, min_width=300, elem_classes="settings"):
            with gr.Row(elem_classes="pair"):
                alpha, tau = (_slider(name) for name in ("alpha", "tau"))
            against = against_choice()
            with gr.Accordion("More", open=False, elem_id="advanced"):
                further = more_columns.more_columns()
                names = ("max_new_tokens", "repetition_penalty", "temperature")
                length, penalty, temperature = (_slider(name) for name in names)
                seed = gr.Number(DecodeConfig.seed, label="Seed", info=SEED, precision=0, minimum=0, elem_id="seed")
    view = heatmap(show_idle("you"), address=links.find_address(), server_functions=SERVER_FUNCTIONS)
    sliders = alpha, tau, against, length, penalty, temperature
    return ComparePanel(prompt, examples, *sliders, seed, further, start, stop, view)


def _slider(name: str) -> gr.Slider:
    low, high, step, label, info = SLIDERS[name]
    return gr.Slider(low, high, getattr(DecodeConfig, name), step=step, label=label, info=info, elem_id=name)
