"""The privacy note's sentences, as far as test_owners, test_erasing and test_shield do not prove them already."""

import logging
import subprocess
import sys

import httpx
import pytest

from cope_demo.paths import ROOT
from cope_demo.ui.page import build
from cope_demo.ui.routes import app_options
from cope_demo.ui.server import launch_options
from tests.scripted import SECRET, Service

WORDS = "zebra-marked words"
TEXTS = "\n---\n".join(f"Text number {n} has {WORDS}." for n in range(4))


@pytest.fixture
def running(tmp_path, monkeypatch):
    """The running page of a scripted service, its URL and its uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    service = Service(tmp_path)
    with build(service).queue() as blocks:
        options = launch_options("127.0.0.1") | {"app_kwargs": app_options(service)}
        url = blocks.launch(prevent_thread_lock=True, **options)[1]
        yield blocks, url, tmp_path / "uploads"
        blocks.close()


def send(url: str, number: int, data: list, session: str, event=None) -> str:
    """Sends a page's event and returns all that came back."""
    body = {"data": data, "fn_index": number, "event_data": event, "trigger_id": None, "session_hash": session}
    assert httpx.post(f"{url}gradio_api/queue/join", json=body).status_code == 200
    asked = {"session_hash": session}
    with httpx.stream("GET", f"{url}gradio_api/queue/data", params=asked, timeout=60) as stream:
        return "".join(stream.iter_text())


def events(blocks, name: str) -> list[int]:
    return [number for number, event in blocks.fns.items() if event.name == name]


def test_gradio_remembers_and_writes_nothing(running, tmp_path, own_data, caplog):
    blocks, url, uploads = running
    memory = {"secret": SECRET, "chosen": "ada", "fits": []}
    with caplog.at_level(logging.DEBUG):
        (preview,) = [n for n in events(blocks, "handler") if len(blocks.fns[n].inputs) == 4][:1]
        assert WORDS in send(url, preview, [memory, TEXTS, None, "free_writing"], "one")
        (compare,) = events(blocks, "_compare")
        inputs = [f"Write about {WORDS}.", *[b.value for b in blocks.fns[compare].inputs[2:]]]
        assert WORDS in send(url, compare, [memory, *inputs], "one")
        sent = httpx.post(f"{url}gradio_api/upload", files={"files": ("a.txt", TEXTS.encode())}).json()[0]
        (take,) = events(blocks, "take_upload")
        file = {"path": sent, "orig_name": "a.txt", "meta": {"_type": "gradio.FileData"}}
        assert "process_completed" in send(url, take, [file], "one")
    held = blocks.app.state_holder.session_data
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
