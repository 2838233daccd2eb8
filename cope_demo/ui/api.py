"""The page's functions as endpoints for programs (gradio_client, curl), with plain typed parameters.

Every endpoint's last parameter is the caller's secret. `fit` returns it; without it nobody gets at what came of a fit.
"""

import time
from dataclasses import asdict

import gradio as gr

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import with_more
from cope_demo.decode.trace import Column, ColumnEnd, TokenEvent
from cope_demo.errors import CopeError
from cope_demo.texts.history import MAX_BYTES, read_history
from cope_demo.ui.web.guard import endpoint
from cope_demo.visitors.owners import Access, OwnService

from .panels import comparing, fitting, takeaway
from .visitor import Fit

_FIRST = DecodeConfig()


def add(access: Access) -> None:
    """Adds the public endpoints to the Blocks that is being built."""
    public = endpoint(access)

    @public
    def users(service: OwnService) -> list[dict]:
        """The sample users that can be compared at once: id, name, occupation, about, task, prompts."""
        return [asdict(card) for card in service.store.samples()]

    @public
    def preview_history(service: OwnService, text: str, filename: str = "", task: str = "free_writing") -> dict:
        """How a history would be understood: samples, notes on what was cut or dropped, warnings, summary.

        text: the pasted texts or a file's content; filename: its name where it is a file's, for the format. Texts of
        free writing without a title have no prompt yet; the fit makes it from their key words.
        """
        service.caller.take("preview")
        return read_history(_sized(text), filename or None, task).to_json()

    @public
    def fit(service: OwnService, text: str, filename: str = "", task: str = "free_writing", name: str = "") -> dict:
        """Starts a fit in the job queue. Returns {"user", "job", "name", "task", "secret"}.

        secret: of an earlier fit, or none for a new one. Keep the one returned: nobody else gets at the fit, and nobody
        can give you another.
        """
        file = (filename, _sized(text).encode("utf-8", "replace")) if filename else None
        started: Fit = fitting.submit(service, _sized(text), file, task, name)
        fit = {"user": started.user, "job": started.job}
        return {**fit, "name": started.name, "task": started.task, "secret": service.secret}

    @public
    def fit_status(service: OwnService, job: str) -> dict:
        """A fit's state, queue position, stage, eta in seconds, events so far, and error sentence."""
        return asdict(service.jobs.status(_text("job", job)))

    @public
    def cancel_fit(service: OwnService, job: str) -> dict:
        """Cancels a fit that waits or runs. Returns its status."""
        service.jobs.cancel(_text("job", job))
        return asdict(service.jobs.status(job))

    @public
    def fit_report(service: OwnService, user: str) -> dict:
        """What the fit did for this user, on held-out texts: bits per token and share of pairs ranked right."""
        return service.store.open(user).report

    @public
    def fit_details(service: OwnService, user: str) -> dict:
        """What happened in the fit: curves, pairs with their rewards, which texts were held out, settings, versions."""
        return service.fit_details(_text("user", user))

    @public
    def adapters_zip(service: OwnService, user: str) -> dict:
        """The adapters as a zip with a model card: {"path", "filename", "bytes"}.

        path: below the app's address; it can be fetched once, within ten minutes, by whoever knows it.
        """
        return takeaway.offer(service, _text("user", user))

    @public
    def delete_user(service: OwnService, user: str) -> dict:
        """Deletes a fitted user with all texts and adapters. Sample users cannot be deleted."""
        service.store.delete(user)
        service.erase(user)
        return {"deleted": user}

    @public
    def delete_my_data(service: OwnService) -> dict:
        """Deletes all that belongs to this secret at once: fits, users, texts, adapters. Returns how many of each."""
        return {"deleted": service.erase()}

    @public
    def compare(
        service: OwnService,
        user: str,
        prompt: str,
        alpha: float = _FIRST.alpha,
        tau: float = _FIRST.tau,
        repetition_penalty: float = _FIRST.repetition_penalty,
        max_new_tokens: int = _FIRST.max_new_tokens,
        temperature: float = _FIRST.temperature,
        seed: int = _FIRST.seed,
        columns: list[str] | None = None,
    ) -> dict:
        """Streams a comparison: {"seq", "events": [...]} several times a second, at last the whole trace as one object.

        columns: more of them beside greedy, oppu and cope: base, rag, pag, oppu+cd, oppu+dpo. An event is {"method",
        "index", "token": {...}} or {"method", "stopped"}; fields as in the trace's JSON, in which a column that had a
        prompt of its own (rag, pag) has it as "prompt".
        """
        values = (prompt, alpha, tau, max_new_tokens, repetition_penalty, temperature, seed)
        prompt, config = comparing.settings(*values)
        methods = with_more(columns)
        for _ in comparing.wait_for_model(service):
            yield {"seq": -1, "events": []}
        source = service.compare(_text("user", user), prompt, config, methods)
        trace = next(source)
        for seq, batch in enumerate(comparing.batches(source, comparing.INTERVAL)):
            trace = batch[-1]
            yield {"seq": seq, "events": [asdict(item) for item in batch if isinstance(item, (TokenEvent, ColumnEnd))]}
        yield trace.to_json()

    @public
    def continue_from(
        service: OwnService,
        user: str,
        prompt: str,
        method: str,
        ids: list[int],
        alpha: float = _FIRST.alpha,
        tau: float = _FIRST.tau,
        repetition_penalty: float = _FIRST.repetition_penalty,
        max_new_tokens: int = _FIRST.max_new_tokens,
        temperature: float = _FIRST.temperature,
        seed: int = _FIRST.seed,
    ) -> dict:
        """Streams the rest of a column that begins with these token ids, as if the method had chosen them itself.

        method: any column's of `compare`. max_new_tokens counts the ids too. Gives what `compare` gives
        while it writes, the first token being the last of the ids; at last {"method", "text", "stopped", "tokens"}.
        """
        values = (prompt, alpha, tau, max_new_tokens, repetition_penalty, temperature, seed)
        prompt, config = comparing.settings(*values)
        for _ in comparing.wait_for_model(service):
            yield {"seq": -1, "events": []}
        column = Column(method)
        source = service.resume(_text("user", user), prompt, method, ids, config)
        for seq, batch in enumerate(comparing.batches(source, comparing.INTERVAL)):
            yield {"seq": seq, "events": [asdict(item) for item in batch]}
            for item in batch:
                column.record(item)
        yield column.to_json()

    @public
    def score(service: OwnService, user: str, prompt: str, text: str, alpha: float = _FIRST.alpha) -> dict:
        """The implicit reward of a given text, token by token, as a trace with one column.

        prompt: for free writing it may be ""; then the text's own title or key phrases make one, and the trace says it.
        """
        comparing.check_length("prompt", prompt if prompt == "" else _text("prompt", prompt))
        comparing.check_length("text", _text("text", text))
        config = DecodeConfig(alpha=alpha)
        for _ in comparing.wait_for_model(service):
            time.sleep(0)
        return service.score(_text("user", user), prompt, text, config.alpha).to_json()

    light = {"concurrency_limit": 4, "queue": True}
    quick = (users, preview_history, fit_status, cancel_fit, fit_report, fit_details, adapters_zip, delete_user)
    for function in (*quick, delete_my_data):
        gr.api(function, api_name=function.__name__, **light)
    gr.api(fit, api_name="fit", concurrency_limit=1, concurrency_id="read")
    for function in (compare, continue_from, score):
        gr.api(function, api_name=function.__name__, concurrency_limit=2, concurrency_id="model")


def _text(name: str, value) -> str:
    """The value if it is a text. Raises CopeError naming the parameter; Gradio does not check types."""
    if not isinstance(value, str) or not value:
        raise CopeError(f"{name} must be a text that is not empty, but is {type(value).__name__}.")
    return value


def _sized(text) -> str:
    """The history's text if it is one and small enough."""
    if len(_text("text", text)) >= MAX_BYTES:
        raise CopeError(
            f"The history has {len(text):,} characters, and less than {MAX_BYTES:,} can be read; give the newest texts."
        )
    return text
