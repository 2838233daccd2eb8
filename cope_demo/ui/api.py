"""The page's functions as endpoints for programs (gradio_client, curl), with plain typed parameters.

Every endpoint's last parameter is the caller's secret. `fit` returns it; without it nobody gets at what came of a fit.
"""

from collections.abc import Iterator
from dataclasses import asdict

import gradio as gr

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import order_columns
from cope_demo.decode.trace import Column, ColumnEnd, TokenEvent
from cope_demo.errors import CopeError
from cope_demo.service.checks import check_length
from cope_demo.texts.history import read_history
from cope_demo.ui.web.guard import endpoint
from cope_demo.ui.web.joins import AT_ONCE, SURPRISES_AT_ONCE
from cope_demo.visitors.owners import Access, OwnService

from . import streams
from .panels import fitting, takeaway
from .settings import check_settings, choose_task
from .streams import LOADING, Batch, Waiting
from .visitor import Fit

_FIRST = DecodeConfig()


def users(service: OwnService) -> list[dict]:
    """The sample users that can be compared at once: id, name, occupation, about, task, prompts."""
    return [asdict(card) for card in service.store.samples()]


def preview_history(service: OwnService, text: str, filename: str = "", task: str = "free_writing") -> dict:
    """How a history would be understood: samples, notes on what was cut or dropped, warnings, summary.

    text: the pasted texts or a file's content; filename: its name where it is a file's, for the format. Texts of
    free writing without a title have no prompt yet; the fit makes it from their key words.
    """
    service.caller.take("preview")
    return read_history(_check_parameter("text", text), filename or None, task).to_json()


def surprise(service: OwnService, text: str, filename: str = "", task: str = "free_writing") -> Iterator[dict]:
    """How surprising texts are to base, each as soon as it is read: {"tokens": [[text, bits], ...], "cut"}.

    text, filename: as for preview_history. Bits are -log2 of a token's probability. cut: whether the text goes on; at
    most 8 texts of 160 tokens are read.
    """
    samples = read_history(_check_parameter("text", text), filename or None, task).samples
    for _ in streams.wait_for_model(service):
        pass
    for one in service.surprise(samples, task):
        yield asdict(one)


def fit(service: OwnService, text: str, filename: str = "", task: str = "free_writing", name: str = "") -> dict:
    """Starts a fit in the job queue. Returns {"user", "job", "name", "task", "secret"}.

    secret: of an earlier fit, or none for a new one. Keep the one returned: nobody else gets at the fit, and nobody
    can give you another.
    """
    text = _check_parameter("text", text)
    file = (filename, text.encode("utf-8", "replace")) if filename else None
    started: Fit = fitting.submit(service, text, file, task, name)
    answer = {"user": started.user, "job": started.job}
    return {**answer, "name": started.name, "task": started.task, "secret": service.secret}


def fit_status(service: OwnService, job: str) -> dict:
    """A fit's state, queue position, stage, eta in seconds, events so far, and error sentence."""
    return asdict(service.jobs.status(_check_parameter("job", job)))


def cancel_fit(service: OwnService, job: str) -> dict:
    """Cancels a fit that waits or runs. Returns its status."""
    service.jobs.cancel(_check_parameter("job", job))
    return asdict(service.jobs.status(job))


def fit_report(service: OwnService, user: str) -> dict:
    """What the fit did for this user, on held-out texts: bits per token and share of pairs ranked right."""
    return service.store.open(user).report


def fit_details(service: OwnService, user: str) -> dict:
    """What happened in the fit: curves, pairs with their rewards, which texts were held out, settings, versions."""
    return service.fit_details(_check_parameter("user", user))


def adapters_zip(service: OwnService, user: str) -> dict:
    """The adapters as a zip with a model card: {"path", "filename", "bytes"}.

    path: below the app's address; it can be fetched once, within ten minutes, by whoever knows it.
    """
    return takeaway.offer(service, _check_parameter("user", user))


def open_adapters(service: OwnService, adapter: str) -> dict:
    """Opens adapters of the Hugging Face hub that everybody may read: {"user", "name", "task", "adapter", "secret"}.

    adapter: owner/name or owner/name@revision; in the answer that of the commit. `user` compares and scores as a fit
    does, for whoever has the secret, and is deleted as one.
    """
    user = service.open_adapters(_check_parameter("adapter", adapter))
    address = f"{user.origin['repo']}@{user.origin['revision']}"
    return {"user": user.id, "name": user.name, "task": user.task, "adapter": address, "secret": service.secret}


def delete_user(service: OwnService, user: str) -> dict:
    """Deletes a fitted user with all texts and adapters. Sample users cannot be deleted."""
    service.store.delete(user)
    service.erase(user)
    return {"deleted": user}


def delete_my_data(service: OwnService) -> dict:
    """Deletes all that belongs to this secret at once: fits, users, texts, adapters. Returns how many of each."""
    return {"deleted": service.erase()}


def compare(
    service: OwnService,
    user: str,
    prompt: str,
    alpha: float = _FIRST.alpha,
    tau: float = _FIRST.tau,
    repetition_penalty: float | None = None,
    max_new_tokens: int | None = None,
    temperature: float = _FIRST.temperature,
    seed: int = _FIRST.seed,
    columns: list[str] | None = None,
    against: str = "",
) -> dict:
    """Streams a comparison: {"seq", "events": [...]} several times a second, at last the whole trace as one object.

    columns: more of them beside greedy, oppu and cope: base, rag, pag, oppu+cd, oppu+dpo. An event is {"method",
    "index", "token": {...}} or {"method", "stopped"}; fields as in the trace's JSON, in which a column that had a
    prompt of its own (rag, pag) has it as "prompt". against: another user, for one more column of that name, which
    contrasts with them in the place of base; the trace names them. repetition_penalty, max_new_tokens: None for what
    the user's task starts with, as on the page.
    """
    given = {"repetition_penalty": repetition_penalty, "max_new_tokens": max_new_tokens}
    prompt, config = _check_settings(
        service, user, prompt, given, alpha=alpha, tau=tau, temperature=temperature, seed=seed
    )
    methods, against = order_columns(columns, against), _check_other(against)
    for step in streams.compare(service, user, prompt, config, methods, against):
        if isinstance(step, Batch):
            last = step.items[-1]
        yield from _report(step)
    yield last.to_json()


def continue_from(
    service: OwnService,
    user: str,
    prompt: str,
    method: str,
    ids: list[int],
    alpha: float = _FIRST.alpha,
    tau: float = _FIRST.tau,
    repetition_penalty: float | None = None,
    max_new_tokens: int | None = None,
    temperature: float = _FIRST.temperature,
    seed: int = _FIRST.seed,
    against: str = "",
) -> dict:
    """Streams the rest of a column that begins with these token ids, as if the method had chosen them itself.

    method: any column's of `compare`; for "against" that user must be named again. max_new_tokens counts the ids too;
    None is what the user's task starts with, as of repetition_penalty. Gives what `compare` gives while it writes, the
    first token being the last of the ids; at last {"method", "text", "stopped", "tokens"}.
    """
    given = {"repetition_penalty": repetition_penalty, "max_new_tokens": max_new_tokens}
    prompt, config = _check_settings(
        service, user, prompt, given, alpha=alpha, tau=tau, temperature=temperature, seed=seed
    )
    column, against = Column(method), _check_other(against)
    for step in streams.resume(service, user, prompt, method, ids, config, against):
        for item in step.items if isinstance(step, Batch) else ():
            column.record(item)
        yield from _report(step)
    yield column.to_json()


def score(
    service: OwnService, user: str, prompt: str, text: str, alpha: float = _FIRST.alpha, against: str = ""
) -> dict:
    """The implicit reward of a given text, token by token, as a trace with one column.

    prompt: for free writing it may be ""; then the text's own title or key phrases make one, and the trace says it.
    against: another user in the place of base.
    """
    check_length("The prompt", prompt if prompt == "" else _check_parameter("prompt", prompt))
    check_length("The text", _check_parameter("text", text))
    config = DecodeConfig(alpha=alpha)
    for _ in streams.wait_for_model(service):
        pass
    user, against = _check_parameter("user", user), _check_other(against)
    return service.score(user, prompt, text, config.alpha, against=against).to_json()


def look_up(
    service: OwnService, user: str, prompt: str, method: str, ids: list[int], word: str, against: str = ""
) -> list[dict]:
    """Both models' numbers of any word as the next one of a column, after these token ids of it (none at its start).

    Gives, of the word as it is and after a space, the token that it begins with: {"id", "text", "whole": whether that
    is all of the word, "logp_user", "logp_base", "rank_user", "rank_base", "of": the vocabulary's size}.
    """
    user, prompt, word = (_check_parameter(*one) for one in (("user", user), ("prompt", prompt), ("word", word)))
    for _ in streams.wait_for_model(service):
        pass
    return service.look_up(user, prompt, method, ids, word, against=_check_other(against))


_LIGHT = {"concurrency_limit": 4, "queue": True}
_HUB = {"concurrency_limit": 4, "concurrency_id": "hub"}
_READ = {"concurrency_limit": 1, "concurrency_id": "read"}
_SURPRISE = {"concurrency_limit": SURPRISES_AT_ONCE, "concurrency_id": "surprise"}
_MODEL = {"concurrency_limit": AT_ONCE, "concurrency_id": "model"}
ENDPOINTS = (
    (users, _LIGHT),
    (preview_history, _LIGHT),
    (surprise, _SURPRISE),
    (fit_status, _LIGHT),
    (cancel_fit, _LIGHT),
    (fit_report, _LIGHT),
    (fit_details, _LIGHT),
    (adapters_zip, _LIGHT),
    (open_adapters, _HUB),
    (delete_user, _LIGHT),
    (delete_my_data, _LIGHT),
    (fit, _READ),
    (compare, _MODEL),
    (continue_from, _MODEL),
    (score, _MODEL),
    (look_up, _MODEL),
)
"""The public functions in their order in the schema, with how Gradio queues them. A function's name is its endpoint's,
its docstring the endpoint's description."""


def add_endpoints(access: Access) -> None:
    """Adds the public endpoints to the Blocks that is being built."""
    public = endpoint(access)
    for function, options in ENDPOINTS:
        gr.api(public(function), api_name=function.__name__, **options)


def _report(step) -> Iterator[dict]:
    """A step of streams.py as programs get it; nothing for one that only the page shows."""
    if step == Waiting(LOADING):
        yield {"seq": -1, "events": []}
    elif isinstance(step, Batch):
        events = [asdict(item) for item in step.items if isinstance(item, (TokenEvent, ColumnEnd))]
        yield {"seq": step.seq, "events": events}


def _check_settings(service: OwnService, user: str, prompt: str, given: dict, **others) -> tuple[str, DecodeConfig]:
    """The prompt and the settings, checked; what is None in `given` is what the user's task starts with."""
    task = choose_task(service.store.open(_check_parameter("user", user)).task)
    chosen = {name: getattr(task, name) if value is None else value for name, value in given.items()}
    return check_settings(prompt, **chosen, **others)


def _check_parameter(name: str, value) -> str:
    """The value if it is a text. Raises CopeError naming the parameter; Gradio does not check types."""
    if not isinstance(value, str) or not value:
        raise CopeError(f"{name} must be a text that is not empty, but is {type(value).__name__}.")
    return value


def _check_other(against) -> str:
    """The other user's id, "" for nobody. Raises CopeError for what is no text."""
    return _check_parameter("against", against) if against else ""
