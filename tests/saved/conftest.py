"""A store, and a fit that waits to be published."""

import hashlib
import json
import random
from pathlib import Path

import pytest

from cope_demo.saved.folder import FILES
from cope_demo.saved.store import Store

BASE = {"name": "tiny-llama", "identity": "abc123"}


def fill_scratch(folder: Path, mark: str = "one") -> Path:
    """A finished fit's scratch folder, as far as a publish looks at it."""
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(mark + name).randbytes(2000))
    rows = [{"prompt": "Say", "response": f"{mark} \u2028 line"}, {"prompt": "", "response": "two"}]
    (folder / "history.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    (folder / "report.json").write_text(json.dumps({"held_out": 4, "mark": mark}), "utf-8")
    (folder / "request.json").write_text("not to be published", "utf-8")
    return folder


def manifest(user: str) -> dict:
    return {
        "format": 1,
        "user": user,
        "name": "Ada Ö",
        "task": "free_writing",
        "base": BASE,
        "task_adapter": None,
        "settings": {"seed": 0},
        "report": {"held_out": 4},
        "versions": {},
        "created": "2026-01-01T00:00:00Z",
    }


def snapshot(folder: Path) -> dict[str, str]:
    """Path -> hash of every file below a folder, hidden ones too, but for the lock."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "users", tmp_path / "samples")


@pytest.fixture
def scratch(tmp_path):
    return fill_scratch(tmp_path / "scratch")
