"""Whoever listens to a stream keeps it, however many others join."""

import json
import threading
from contextlib import suppress

import gradio.queueing
import httpx
import pytest

from cope_demo.ui.web.open_streams import SessionMessages, _open
from tests.fits import eventually
from tests.running import read_updates


def test_only_sessions_that_nobody_listens_to_are_dropped(monkeypatch):
    monkeypatch.setitem(_open, "mine", 1)
    kept = SessionMessages(3)
    for session in ("mine", "a", "b", "c", "d"):
        kept[session] = session
    assert list(kept) == ["mine", "c", "d"]
    kept["c"] = "again"
    assert list(kept) == ["mine", "c", "d"] and kept["c"] == "again"
    monkeypatch.setitem(_open, "c", 1)
    monkeypatch.setitem(_open, "d", 2)
    kept["e"] = "e"
    assert list(kept) == ["mine", "c", "d", "e"]  # all are listened to
    kept["f"] = "f"
    assert list(kept) == ["mine", "c", "d", "f"]


def test_joins_of_others_end_no_stream(page, service, monkeypatch):
    """More sessions join than messages are kept for, while a comparison is written."""
    messages = page.blocks._queue.pending_messages_per_session
    assert type(messages) is gradio.queueing.LRUCache is SessionMessages
    monkeypatch.setattr(messages, "max_size", 20)
    others_have_joined = threading.Event()
    service.pause = lambda step: others_have_joined.wait(30)
    data = [{"chosen": "ada", "fits": []}, "Write.", 0.1, 0.1, 80, 1.2, 0.0, 0, [], ""]
    preview = page.events(lambda event: event.name == "handler" and len(event.inputs) == 4)[0]
    with page.open(page.event("_compare"), data, "mine") as stream:
        rows = stream.iter_lines()
        first = next(row for row in rows if "process_generating" in row)
        for number in range(30):
            body = {"data": ["text", "", "", ""], "fn_index": preview, "session_hash": f"other{number}"}
            httpx.post(f"{page.url}gradio_api/queue/join", json=body)
        assert "mine" in messages and len(messages) == 20
        others_have_joined.set()
        rest = "\n".join([first, *rows])
    assert read_updates(rest, ("process_completed",)) and "unexpected_error" not in rest
    eventually(lambda: not _open)
    assert json.loads(rest.split("data:")[-1])["msg"] == "close_stream"


@pytest.mark.parametrize("query", ["", "?session_hash=", "?session_hash=x", "?session_hash=a&session_hash=b"])
def test_a_stream_that_has_ended_is_not_counted(page, query):
    with suppress(httpx.RemoteProtocolError):  # Gradio breaks the answer off where it knows no such session
        httpx.get(f"{page.url}gradio_api/queue/data{query}")
    eventually(lambda: not _open)
