"""The privacy note's sentences, as far as test_owners, test_erasing and test_shield do not prove them already."""

import logging
import subprocess
import sys

import httpx
import pytest

from cope_demo.paths import ROOT
from cope_demo.ui.page import build
from cope_demo.ui.server import launch_options
from tests.scripted import SECRET, Service

WORDS = "zebra-marked words"
TEXTS = "\n---\n".join(f"Text number {n} has {WORDS}." for n in range(4))


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    """Where a page that starts from now on keeps uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return tmp_path / "uploads"


def test_gradio_remembers_and_writes_nothing(uploads, page, tmp_path, own_data, caplog):
    memory = {"secret": SECRET, "chosen": "ada", "fits": []}
    with caplog.at_level(logging.DEBUG):
        preview = page.events(lambda event: event.name == "handler" and len(event.inputs) == 4)[0]
        assert WORDS in page.send(preview, [memory, TEXTS, None, "free_writing"], "one")
        compare = page.event("_compare")
        inputs = [f"Write about {WORDS}.", *[b.value for b in page.blocks.fns[compare].inputs[2:]]]
        assert WORDS in page.send(compare, [memory, *inputs], "one")
        sent = httpx.post(f"{page.url}gradio_api/upload", files={"files": ("a.txt", TEXTS.encode())}).json()[0]
        file = {"path": sent, "orig_name": "a.txt", "meta": {"_type": "gradio.FileData"}}
        assert "process_completed" in page.send(page.event("take_upload"), [file], "one")
    held = page.blocks.app.state_holder.session_data
    assert "one" in held
    for session in held.values():
        assert WORDS not in repr(session.config_values) and SECRET not in repr(session.config_values)
    assert any(WORDS.encode() in value[1] for value in held["one"].state_data.values() if value)  # until the fit starts
    written = [path for path in tmp_path.rglob("*") if path.is_file() and WORDS.encode() in path.read_bytes()]
    assert written == [] and not [path for path in uploads.rglob("*") if path.is_file() and path.stat().st_size]
    assert WORDS not in caplog.text and SECRET not in caplog.text


def test_the_page_says_when_things_go(tmp_path, monkeypatch):
    for days, words in ((None, "7 days"), ("1", "a day"), ("30", "30 days")):
        if days:
            monkeypatch.setenv("COPE_KEEP_DAYS", days)
        place = tmp_path / (days or "default")
        place.mkdir()
        text = repr(build(Service(place)).get_config_file())
        assert f"deletes itself {words} after it was saved" in text
        if days != "1":
            assert f"{words} at most" in text


def test_options_that_keep_gradio_from_keeping(tmp_path):
    options = launch_options()
    assert options["run_history"] is False and options["enable_monitoring"] is False
    assert build(Service(tmp_path)).analytics_enabled is False
    code = "import os, cope_demo.ui.server; print(*(os.environ[name] for name in "
    code += "('GRADIO_ANALYTICS_ENABLED', 'HF_HUB_DISABLE_TELEMETRY')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() in (["False", "1"], ["False", "True"])
