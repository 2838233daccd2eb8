"""Hostile ids and file names: whatever is opened, made, moved or removed lies in the users' and jobs' folders."""

import os
import random
import sys
from pathlib import Path

import pytest

from cope_demo.errors import CopeError
from cope_demo.jobs.interface import FitRequest
from cope_demo.jobs.job_folder import JobFolder, jobs_dir
from cope_demo.texts.history import read_history
from cope_demo.ui.panels import own
from cope_demo.visitors import limits
from cope_demo.visitors.owners import Access
from tests.scripted import Service, publish

EVENTS = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"}
EVENTS |= {"os.truncate", "os.chmod", "os.utime", "shutil.rmtree", "shutil.move", "shutil.copyfile"}
PIECES = [
    ".",
    "..",
    "/",
    "\\",
    "//",
    "~",
    "~root",
    "%2e%2e",
    "%2f",
    "..%c0%af",
    "\x00",
    "\n",
    "\r",
    "\t",
    " ",
    "",
    "*",
    "?",
]
PIECES += ["etc", "passwd", "var", "users", "jobs", "ada", "mine", "manifest.json", ".lock", ".mine.old", "file:", "C:"]
PIECES += [
    "\u202e",
    "\uff0e",
    "\u2215",
    "\u2044",
    "\ud800",
    "con",
    "-",
    "_",
    "|",
    ";id",
    "$(id)",
    "`id`",
    "${HOME}",
    "A" * 300,
]
CHARACTERS = "abcXYZ019._-/\\~%\x00\n \u202e\uff0e\ud800'\"$"

_seen: list[tuple[str, str]] | None = None


def _watch(event: str, args: tuple) -> None:
    """An audit hook: Python tells it of every path it touches. It cannot be removed, so it sleeps between tests."""
    if _seen is None or event not in EVENTS:
        return
    two = event in ("os.rename", "os.link", "os.symlink", "shutil.move", "shutil.copyfile")
    for path in args[: 2 if two else 1]:
        if isinstance(path, (str, bytes, os.PathLike)):
            path, folder = os.fsdecode(path), args[-1]
            if event in ("os.remove", "os.rmdir") and isinstance(folder, int) and folder >= 0:
                path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)  # as rmtree does it
            _seen.append((event, path))


@pytest.fixture
def watched():
    global _seen
    if not getattr(sys, "_cope_watch", False):
        sys.addaudithook(_watch)
        sys._cope_watch = True
    _seen = []
    yield _seen
    _seen = None


def hostile(rng: random.Random):
    """An id or file name such as people try; now and then no text at all."""
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(["", "/", "../"]) + "".join(rng.choices(PIECES, k=rng.randint(1, 6)))
    if kind < 0.97:
        return "".join(rng.choices(CHARACTERS, k=rng.randint(0, 80)))
    return rng.choice([None, 5, True, b"mine", ["mine"], {"id": "mine"}, Path("/etc/passwd"), float("nan")])


def attempts(service, strange, name) -> list:
    """Everything that takes an id or a file's name from outside."""
    store, text = service.store, name if isinstance(name, str) else str(name)
    manifest = {"user": name, "name": "", "task": "free_writing", "base": {}}
    one_of_ours = [store.open, store.owner, store.delete, store.read_save_time, store.is_sample, JobFolder]
    one_of_ours += [strange.store.open, strange.store.delete, strange.store.expires, strange.erase]
    return [
        *(lambda call=call: call(name) for call in one_of_ours),
        lambda: store.publish(store.users_dir, name, manifest),
        lambda: JobFolder.create(FitRequest(name, "", "free_writing", []), store.users_dir).remove(),
        lambda: next(strange.compare(name, "p", None)),
        lambda: strange.score(name, "p", "t", 0.1),
        lambda: strange.jobs.status(text),
        lambda: strange.jobs.cancel(text),
        lambda: store.open("ada").adapter(text),
        lambda: read_history(b"three words here", text),
        lambda: own.take_upload(text),
    ]


def test_hostile_names(tmp_path, monkeypatch, watched, long):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    monkeypatch.setattr(limits, "RATES", {kind: limits.Rate(10**9, 0.0) for kind in limits.RATES})
    service = Service(tmp_path)
    publish(service.store, tmp_path / "scratch2", "mine", "Nan")
    allowed = [service.store.users_dir, service.store.samples_dir, jobs_dir(), tmp_path / "uploads"]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    strange, rng, touched = Access(service).of("0" * 64), random.Random(11), 0
    for _ in range(10_000 if long else 150):
        name = hostile(rng)
        if name in ("mine", "ada"):
            continue
        for attempt in attempts(service, strange, name):
            watched.clear()
            try:
                attempt()
            except (CopeError, FileNotFoundError, ValueError):  # of a publish without files, of an adapter's kind
                pass
            for event, path in watched:
                real = Path(os.path.realpath(path))
                inside = any(real == place or place in real.parents for place in allowed)
                assert inside or path.endswith((".py", ".pyc")), (name, event, path)
                touched += inside
    assert touched > 1000  # the hook did see what was asked for
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == {path: data for path, data in before.items() if path.name != ".lock"}
