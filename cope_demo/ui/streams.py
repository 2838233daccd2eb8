"""Comparisons and continuations while they are written, for the page and for the API.

`compare` and `resume` start the work, wait for the model and give steps: Waiting, Batch, Done, and before the first
batch of a comparison its empty Trace. The API (api.py) turns steps into JSON; for the page, `stream` and `branch` turn
them into the growing text of token_view/wire.py.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import COLUMNS, METHODS, order_columns
from cope_demo.decode.trace import ColumnEnd, TokenEvent, Trace
from cope_demo.errors import CopeError
from cope_demo.system.wanted import stop_if_unwanted
from cope_demo.ui.token_view import runs, wire
from cope_demo.ui.web.guard import explain_error

from .panels.hub import find_address
from .settings import SLIDERS, check_settings

INTERVAL = 0.1
"""Seconds between two updates."""
LOADING = "The model is loading; the comparison begins by itself."
READING = "Looking through the history for what RAG and PAG put before the prompt…"
OTHER_PERSON = "This comparison was another person's: choose that person again, or compare anew."


@dataclass(frozen=True)
class Waiting:
    """Nothing is written yet, and why: LOADING, several times a second, or READING, once."""

    message: str


@dataclass(frozen=True)
class Batch:
    """What was written since the batch before it; the last item of a comparison is its complete Trace.

    seq: the batch's number, from 0.
    """

    seq: int
    items: list[TokenEvent | ColumnEnd | Trace]


@dataclass(frozen=True)
class Done:
    """All is written. seconds: since the model was there."""

    seconds: float


def compare(
    service, user_id: str, prompt: str, config: DecodeConfig, methods: Sequence[str], against: str = ""
) -> Iterator[Waiting | Trace | Batch | Done]:
    """A comparison (Service.compare) in steps. Raises CopeError before the Trace when it cannot be done."""
    yield from wait_for_model(service)
    if any(METHODS[method].prompt for method in methods):  # seconds, the first time
        yield Waiting(READING)
    started = time.monotonic()
    with closing(service.compare(user_id, prompt, config, methods, against=against)) as items:
        yield next(items)
        yield from _number(items)
    yield _finish(started)


def resume(
    service, user_id: str, prompt: str, method: str, ids: Sequence[int], config: DecodeConfig, against: str = ""
) -> Iterator[Waiting | Batch | Done]:
    """A column that goes on from these tokens (Service.resume) in steps. Raises CopeError as `compare` does."""
    yield from wait_for_model(service)
    started = time.monotonic()
    yield from _number(service.resume(user_id, prompt, method, ids, config, against=against))
    yield _finish(started)


def wait_for_model(service) -> Iterator[Waiting]:
    """Yields a few times a second while the model loads. Raises CopeError when there is none, or nobody waits."""
    while not service.ready():
        stop_if_unwanted()
        if problem := service.problem():
            raise CopeError(problem)
        yield Waiting(LOADING)
        time.sleep(0.3)


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


def _number(items: Iterator) -> Iterator[Batch]:
    for seq, batch in enumerate(batches(items, INTERVAL)):
        yield Batch(seq, batch)


def _finish(started: float) -> Done:
    return Done(round(time.monotonic() - started, 1))


def show_idle(who: str, message: str = "", methods: Sequence[str] = COLUMNS, **chosen) -> str:
    """The view before anything has run: a frame for every method. chosen: `user` and `opening` of wire.py."""
    return wire.idle(who, methods, message=message, nonce=secrets.token_hex(2), **chosen)


def show_refusal(who: str, reason: str) -> str:
    """The view when a comparison cannot begin."""
    return show_idle(who) + wire.line("error", message=reason)


def stream(
    service,
    user_id: str,
    who: str,
    *,
    columns: list[str] | None = None,
    against: str = "",
    other: str = "",
    **settings,
) -> Iterator[str]:
    """A comparison as the growing text of wire.py. It never raises: what goes wrong is the last message.

    settings: of `check_settings`. columns: names of methods.list_optional, beside the three. against: another user to
    contrast with, and `other` how the page speaks of that person.
    """
    run, text = runs.begin(service, user_id), ""
    try:
        prompt, config = check_settings(**settings)
        methods = order_columns(columns, against)
        settings = config.alpha, config.tau, config.repetition_penalty
        empty = Trace("", user_id, "", prompt, *settings, [], [], against or None)
        for step in compare(service, user_id, prompt, config, methods, against):
            if isinstance(step, Waiting):
                text = _wait(text or wire.start(run, who, empty, methods, config, other), step.message)
            elif isinstance(step, Trace):
                address = find_address(service, user_id)
                text += wire.start(run, who, step, methods, config, other, adapter=address)
            else:
                text += _write(step)
            yield text
    except Exception as error:
        sentence = explain_error(error)
        yield text + wire.line("error", message=sentence) if text else show_refusal(who, sentence)
    finally:
        runs.end(run)


def branch(service, user_id: str, asked: dict) -> Iterator[str]:
    """One column of the shown comparison written on from some of its tokens and another one: text as of `stream`.

    user_id: whom the visitor has chosen. asked: {"user", "prompt", "method", "ids", "against" where another
    person is contrasted with, and the names of DecodeConfig}, as the browser says; what is missing of the settings is
    their default. Nothing is cut before the first token is there.
    """
    run, text = runs.begin(service, user_id), ""
    try:
        if asked.get("user") != user_id:
            raise CopeError(OTHER_PERSON)
        settings = {name: asked.get(name) for name in SLIDERS | {"seed": None}}
        settings = {n: getattr(DecodeConfig, n) if value is None else value for n, value in settings.items()}
        prompt, config = check_settings(asked.get("prompt"), **settings)
        column = asked.get("method"), asked.get("ids"), config, asked.get("against") or ""
        for step in resume(service, user_id, prompt, *column):
            if isinstance(step, Waiting):
                text = _wait(text, step.message, run=run)
            elif isinstance(step, Batch) and step.seq == 0:
                text += wire.branch(run, asked["method"], len(asked["ids"]) - 1) + _write(step)
            else:
                text += _write(step)
            yield text
    except Exception as error:
        yield text + wire.line("error", run=run, message=explain_error(error))
    finally:
        runs.end(run)


def _wait(text: str, message: str, **fields) -> str:
    """The text with this reason to wait as its last line, once."""
    line = wire.line("wait", **fields, message=message)
    return text if text.endswith(line) else text + line


def _write(step: Batch | Done) -> str:
    """A step's lines. In a batch neighbouring tokens share one. (Its complete Trace says nothing new.)"""
    if isinstance(step, Done):
        return wire.line("done", seconds=step.seconds)
    lines, tokens = [], []
    for item in step.items:
        if isinstance(item, TokenEvent):
            tokens.append(item)
        elif isinstance(item, ColumnEnd):
            lines += [wire.tokens(step.seq, tokens)] if tokens else []
            lines.append(wire.line("end", method=item.method, stopped=item.stopped))
            tokens = []
    lines += [wire.tokens(step.seq, tokens)] if tokens else []
    return "".join(lines)
