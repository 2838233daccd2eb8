"""The chapter "Score a text": one or two given texts, token by token under the chosen person, and a verdict."""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import gradio as gr

from cope_demo.config import DecodeConfig
from cope_demo.decode.trace import TokenEvent, Trace, TraceToken
from cope_demo.decode.verdict import FEW_TOKENS, LEAST_TOKENS, Estimate, difference, preference
from cope_demo.errors import CopeError
from cope_demo.service.checks import MAX_PROMPT, check_length
from cope_demo.texts.history import MAX_RESPONSE
from cope_demo.ui.component import panel, say
from cope_demo.ui.figures import format_fixed, round_logp
from cope_demo.ui.streams import show_idle, wait_for_model
from cope_demo.ui.token_view import runs, wire
from cope_demo.ui.token_view.heatmap import heatmap
from cope_demo.ui.token_view.server_functions import SERVER_FUNCTIONS
from cope_demo.ui.web.guard import explain_error

MAX_TEXT = MAX_RESPONSE
"""Characters of a text: what a fit reads of one."""
READING = "Reading…"
LOOK = "Point at a token, or tap it, to see how likely it is for either model."
NOTHING = "There is no text yet: paste one into Text A."
EMPTY = say({"state": "empty"})


@dataclass
class ScorePanel:
    """The components of this chapter."""

    first: gr.Textbox
    second: gr.Textbox
    prompt: gr.Textbox
    start: gr.Button
    example: gr.Button
    verdict: gr.HTML
    view: gr.HTML


def score_panel() -> ScorePanel:
    """Lays the chapter out; the page wires its events."""
    with gr.Row(elem_classes="ask"):
        first = _lay_out_text("Text A", "A message, a caption, a page of a diary …", "text-a")
        second = _lay_out_text("Text B, to compare", "May stay empty", "text-b")
    prompt = gr.Textbox(
        label="What the texts answer",
        info="May stay empty for free writing: then each text’s own key words make its instruction, as in a fit.",
        max_lines=3,
        elem_id="score-prompt",
    )
    with gr.Row(elem_classes="actions"):
        start = gr.Button("Score", variant="primary", elem_id="score")
        example = gr.Button("Try a text that the fit never saw", size="sm", elem_id="score-example")
    verdict = panel("verdict", EMPTY, "verdict")
    view = heatmap(show_empty("you"), teaching=False, elem_id="score-view", server_functions=SERVER_FUNCTIONS)
    return ScorePanel(first, second, prompt, start, example, verdict, view)


def _lay_out_text(label: str, hint: str, name: str) -> gr.Textbox:
    with gr.Column(min_width=300):
        return gr.Textbox(label=label, lines=6, max_lines=12, max_length=MAX_TEXT, placeholder=hint, elem_id=name)


def show_empty(who: str) -> str:
    """The view before a text was scored: no column at all."""
    return show_idle(who, methods=())


def pick_example(service, user_id: str) -> tuple[str, str, str]:
    """One of the person's texts that was held out of the fit, base's answer to the same instruction, and that."""
    held = [pair for pair in service.fit_details(user_id)["pairs"] if pair["part"] == "held_out"]
    if not held:
        raise CopeError("None of this person’s texts are here: paste one of your own.")
    pair = random.choice(held)
    return pair["chosen"], pair["rejected"][:MAX_TEXT], pair["prompt"]


def stream(service, user_id: str, who: str, first: str, second: str, prompt: str, alpha) -> Iterator[tuple[str, str]]:
    """The values of view and verdict. It never raises: what goes wrong is the last verdict."""
    run = runs.begin(service, user_id)
    try:
        prompt, texts, config = _check(first, second, prompt, alpha)
        settings = (config.alpha, config.tau, 1.0)
        text = wire.start(run, who, Trace("", user_id, "", prompt, *settings, [], []), tuple(texts))
        for step in wait_for_model(service):
            yield text + wire.line("wait", message=step.message), EMPTY
        yield text + wire.line("wait", message=READING), EMPTY
        traces = {column: service.score(user_id, prompt, own, config.alpha) for column, own in texts.items()}
        verdict = say(judge(traces, who))
        yield _show(run, who, traces), verdict
    except Exception as error:
        yield show_empty(who), say({"state": "problem", "message": explain_error(error)})
    finally:
        runs.end(run)


def _check(first, second, prompt, alpha) -> tuple[str, dict[str, str], DecodeConfig]:
    """The prompt, the texts by column, and the settings. Raises CopeError naming what will not do."""
    limits = {"Text A": (first, MAX_TEXT), "Text B": (second, MAX_TEXT), "The prompt": (prompt, MAX_PROMPT)}
    for name, (text, limit) in limits.items():
        if not isinstance(text or "", str):
            raise CopeError(f"{name} must be a text.")
        check_length(name, text or "", limit)
    if not (first or "").strip():
        raise CopeError(NOTHING)
    filled = {name: text for name, text in (("a", first), ("b", second)) if text and text.strip()}
    return prompt or "", filled, DecodeConfig(alpha=alpha)


def _show(run: str, who: str, traces: dict[str, Trace]) -> str:
    """The traces as the view's columns. Where each text has an instruction of its own, the header names both."""
    first = next(iter(traces.values()))
    prompts = " / ".join(dict.fromkeys(trace.prompt for trace in traces.values()))
    header = replace(first, prompt=prompts, columns=[])
    text = wire.start(run, who, header, tuple(traces))
    for seq, (name, trace) in enumerate(traces.items()):
        text += wire.tokens(seq, [TokenEvent(name, n, token) for n, token in enumerate(trace.columns[0].tokens)])
        text += wire.line("end", method=name, stopped="given")
    return text + wire.line("done", seconds=None, message=LOOK)


def judge(traces: dict[str, Trace], who: str) -> dict:
    """What the verdict panel draws: a sentence, a caveat, and each text's mean with its interval.

    The end token is left out: that a text is over says nothing of its sound.
    """
    tokens = {name: [_round(token) for token in trace.columns[0].tokens[:-1]] for name, trace in traces.items()}
    for name, own in tokens.items():
        if len(own) < LEAST_TOKENS:
            raise CopeError(f"Text {name.upper()} is too short for a verdict: give at least {LEAST_TOKENS} tokens.")
    rows = [
        {"name": f"Text {name.upper()}", "prompt": traces[name].prompt, "tokens": len(own), **asdict(preference(own))}
        for name, own in tokens.items()
    ]
    least = min(len(own) for own in tokens.values())
    caveat = f"This weighs {who} against base: how a text sounds, not who wrote it."
    if least < FEW_TOKENS:
        caveat = f"With only {least} tokens this is little more than a guess. {caveat}"
    lead = _describe_one(preference(tokens["a"]), who) if len(tokens) == 1 else _describe_two(tokens, who)
    return {"state": "done", "lead": lead, "caveat": caveat, "rows": rows}


def _round(token: TraceToken) -> TraceToken:
    """The token with the numbers that the view has of it: its mean and the verdict's are one."""
    return replace(token, logp_user=round_logp(token.logp_user), logp_base=round_logp(token.logp_base))


def _describe_one(own: Estimate, who: str) -> str:
    by = f"a token is {_format_nats(own.mean)} for {who} than for base"
    if not own.sure:
        return f"This text leaves it open: on average {by}, which may be chance."
    if own.mean > 0:
        return f"This sounds more like {who} than like base: on average {by}."
    return f"This does not sound like {who}: on average {by}."


def _describe_two(tokens: dict, who: str) -> str:
    a, b = preference(tokens["a"]), preference(tokens["b"])
    gap = difference(tokens["a"], tokens["b"])
    means = f"on average a token of A is {_format_nats(a.mean)} for {who} than for base"
    means += f", one of B {_format_nats(b.mean)}"
    if not gap.sure:
        return f"Which of the two sounds more like {who} cannot be told: {means}, and a gap like this may be chance."
    nearer, other = ("A", "B") if gap.mean > 0 else ("B", "A")
    return f"Text {nearer} sounds more like {who} than text {other}: {means}."


def _format_nats(mean: float) -> str:
    return f"{format_fixed(abs(mean), 2)} nats {'likelier' if mean >= 0 else 'less likely'}"
