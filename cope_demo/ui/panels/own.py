"""One's own history: paste or upload, choose the task, and see at once how it was understood."""

import contextlib
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from cope_demo.config import read_fit_config, read_keep_days
from cope_demo.errors import CopeError, quote
from cope_demo.fit.speeds import estimate_fit
from cope_demo.service.checks import check_length
from cope_demo.texts.history import MIN_TEXTS, History, parse_history, read_history
from cope_demo.texts.tasks import TASKS, Sample
from cope_demo.ui.component import ASSETS, panel, say
from cope_demo.ui.visitor import MAX_NAME
from cope_demo.ui.web.guard import explain_error

from .surprise import surprise_panel

FILE_TYPES = [".txt", ".md", ".json", ".jsonl", ".csv"]
EXAMPLE = (ASSETS / "example.txt").read_text("utf-8")
SHOWN = 40
"""Texts listed in the preview."""
FIRST_WORDS = 14
EMPTY_FILE = "The file {name} holds no text: choose another one with at least 5 texts, or paste them."
SLOW_SECONDS = 570
SLOW = " That is slow: you can leave the page meanwhile, and the fit goes on."
FIRST_SLOW = (
    " This server is slow: by the time in which its model read a text when it was loaded, a fit of yours may take "
    "{time}. You can leave the page meanwhile, and the fit goes on."
)
FILE_SECONDS = 3600
"""How long an uploaded file's bytes wait in memory for the fit to start."""


@dataclass
class OwnPanel:
    """The components of this part."""

    box: gr.Column
    task: gr.Dropdown
    text: gr.Textbox
    upload: gr.UploadButton
    example: gr.Button
    name: gr.Textbox
    surprise: gr.HTML
    preview: gr.HTML
    file: gr.State


def own_panel() -> OwnPanel:
    """Lays the part out; the page wires its events."""
    with gr.Column(visible=False, elem_id="own") as box, gr.Row(elem_classes="own-row"):
        with gr.Column(scale=5, min_width=300):
            task = gr.Dropdown(
                [(task.label, task.name) for task in TASKS.values()],
                value="free_writing",
                label="What kind of writing",
                elem_id="task",
                filterable=False,
            )
            text = gr.Textbox(
                label="Your texts",
                # Word joiners keep a line's end out of the dashes.
                info="At least 5, better 20 to 40, the newest last. A blank line or a line of "
                "-\u2060-\u2060- stands between two.",
                placeholder="Paste posts, letters, notes, captions …",
                lines=12,
                max_lines=12,
                elem_id="history",
            )
            with gr.Row(elem_classes="actions"):
                upload = gr.UploadButton(
                    "Upload a file", file_types=FILE_TYPES, type="filepath", size="sm", elem_id="upload"
                )
                example = gr.Button("Load an example", size="sm", elem_id="load-example")
            gr.Markdown(
                ".txt, .md, .json, .jsonl or .csv, up to 5 MB. The texts stay on this server, for you alone, until you "
                f"delete the fit, {read_keep_days()} days at most.",
                elem_classes="small",
            )
            name = gr.Textbox(
                label="A name for the card", placeholder="You", max_lines=1, max_length=MAX_NAME, elem_id="name"
            )
        with gr.Column(scale=7, min_width=300):
            surprise, preview = surprise_panel(), panel("preview", say({"state": "empty"}), "preview")
    file = gr.State(None, time_to_live=FILE_SECONDS)
    return OwnPanel(box, task, text, upload, example, name, surprise, preview, file)


def take_upload(path: str | None) -> tuple[str, bytes] | None:
    """An uploaded file's name and bytes; the file itself is removed at once. Raises CopeError for any other file."""
    if not path:
        return None
    try:
        file = Path(path).resolve()
        mine = Path(get_upload_folder()).resolve() in file.parents and file.is_file()
    except (OSError, ValueError):
        mine = False
    if not mine:
        raise CopeError("This file is not here any more: upload it again.")
    try:
        return file.name, file.read_bytes()
    finally:
        with contextlib.suppress(OSError):
            file.unlink()
            file.parent.rmdir()


def read_source(text: str, file: tuple[str, bytes] | None) -> tuple[str | bytes, str | None]:
    """The history's source and file name: the uploaded file, else the pasted text."""
    return (file[1], file[0]) if file else (text or "", None)


def preview(
    text: str,
    file: tuple[str, bytes] | None,
    task: str,
    whole: bool = False,
    pass_seconds: float | None = None,
) -> dict:
    """What the preview draws. `whole` also makes the instructions and applies the rules of a fit (seconds, not ms).

    pass_seconds: what was measured of this host when its model was loaded (Service.pass_seconds). "of" tells texts from
    others: a whole preview may arrive when there are other ones by then.
    """
    source, filename = read_source(text, file)
    parts = (source, f"{filename}\0{task}")
    content = b"\0".join(part if isinstance(part, bytes) else part.encode("utf-8", "replace") for part in parts)
    of = {"of": hashlib.sha256(content).hexdigest()[:16]}
    if not source.strip():
        told = {"state": "read", "problem": EMPTY_FILE.format(name=quote(filename))} if filename else {"state": "empty"}
        return told | of
    history, problem = None, None
    try:
        history = read_history(source, filename, task)
        if whole:
            history = parse_history(source, filename, task)
    except Exception as error:
        problem = explain_error(error)
    described = describe_history(history, filename, pass_seconds) if history else {}
    return {"problem": problem, "whole": whole, **of, **described}


def describe_history(history: History, filename: str | None = None, pass_seconds: float | None = None) -> dict:
    """A history as the preview's data, at most SHOWN texts of it."""
    notes = [asdict(note) for note in history.notes]
    return {
        "state": "read",
        "summary": (f"{filename}: " if filename else "")
        + history.summary()
        + say_duration(history.samples, pass_seconds),
        "warnings": history.warnings,
        "notes": notes[:SHOWN],
        "samples": [_shorten_sample(sample.prompt, sample.response) for sample in history.samples[:SHOWN]],
        "more": max(0, len(history.samples) - SHOWN),
        "count": len(history.samples),
    }


def say_duration(samples: list[Sample], pass_seconds: float | None = None) -> str:
    """How long a fit of these texts takes, by the fits that this host has done.

    Before the first of them nothing, but for a host that is slow by its own reading of a text (pass_seconds).
    """
    if len(samples) < MIN_TEXTS:
        return ""
    config = read_fit_config()
    seconds = estimate_fit(samples, None, config)
    if seconds is not None:
        slow = SLOW if seconds >= SLOW_SECONDS else ""
        return f" A fit of these texts takes {_say_time(seconds)} here, by the last fits on this server.{slow}"
    if pass_seconds is None:
        return ""
    from cope_demo.fit.first_estimate import estimate_first_fit

    roughly = estimate_first_fit(samples, config, pass_seconds)
    return FIRST_SLOW.format(time=_say_time(roughly)) if roughly >= SLOW_SECONDS else ""


def _say_time(seconds: float) -> str:
    """About how long that is."""
    minutes = round(seconds / 60)
    if seconds < 45 or minutes < 2:
        return "less than a minute" if seconds < 45 else "about a minute"
    return f"about {minutes} minutes" if minutes < 90 else f"about {round(minutes / 60)} hours"


def _shorten_sample(prompt: str, response: str) -> dict:
    words = response.split()
    start = " ".join(words[:FIRST_WORDS])[:160]
    return {"prompt": prompt[:160], "start": start, "cut": len(words) > FIRST_WORDS or len(start) == 160}


def check_name(name: str) -> str:
    """The card's name: one short line, "You" when empty. Raises CopeError when it is too long."""
    name = " ".join((name or "").split())
    check_length("The name", name, MAX_NAME)
    return name or "You"
