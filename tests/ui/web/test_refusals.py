"""Requests and calls that do not fit: each gets a sentence that repeats nothing, and the log neither."""

import io
import json
import logging

import httpx
import pytest

from cope_demo.system.logs import log_to
from cope_demo.ui.web.calls import UNFIT
from cope_demo.ui.web.refusals import UNREADABLE
from tests.running import read_updates

MARK = "CANARY"


@pytest.fixture
def log(monkeypatch):
    """The log as a stream."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging, "lastResort", None)
    log_to(stream := io.StringIO())
    return stream


def ask(page, path: str, body: str):
    headers = {"content-type": "application/json"}
    return httpx.post(f"{page.url}gradio_api/{path}", content=body, headers=headers, timeout=30)


@pytest.mark.parametrize(
    "path, body",
    [
        ("queue/join", '{"data": "CANARY", "session_hash": ["CANARY"]}'),
        ("queue/join", '{"data": ["CANARY"'),
        ("queue/join", '{"data": ["CANARY"], "fn_index": 9999, "session_hash": "CANARY"}'),
        ("call/compare", '["CANARY"]'),
        ("call/CANARY", '{"data": ["CANARY"]}'),
        ("call/v2/CANARY", '{"text": "CANARY"}'),
        ("call/v2/score", '{"CANARY": "CANARY"}'),
        ("component_server", '{"data": 1, "component_id": 9999, "fn_name": "alive", "session_hash": "CANARY"}'),
        ("cancel", '{"event_id": ["CANARY"]}'),
    ],
)
def test_what_cannot_be_read(page, log, path, body):
    answer = ask(page, path, body)
    assert (answer.status_code, answer.json()) == (422, {"detail": UNREADABLE})
    assert MARK not in log.getvalue()


def test_a_call_with_too_little(page, log, capfd):
    (number,) = page.events(lambda event: event.api_name == "score")
    body = {"data": [MARK], "session_hash": "s", "fn_index": number}
    assert ask(page, "queue/join", json.dumps(body)).status_code == 200
    told = httpx.get(f"{page.url}gradio_api/queue/data", params={"session_hash": "s"}, timeout=30).text
    assert read_updates(told)[0]["error"] == UNFIT and MARK not in told
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert (line["event"], line["error"], len(line["where"])) == ("unfit call", "ValueError", 3)
    assert MARK not in "".join([*capfd.readouterr(), log.getvalue()])


def test_values_of_other_types(page, log, capfd):
    for slider in (MARK, {MARK: MARK}, 10**400):
        data = [None, "Write.", slider, 0.1, 80, 1.2, 0.0, 0, [], ""]
        told = page.send(page.event("_compare"), data, f"s{str(slider)[:5]}")
        assert read_updates(told)[-1]["error"] == UNFIT and MARK not in told
    assert MARK not in "".join([*capfd.readouterr(), log.getvalue()])


def test_endpoints_name_the_parameter(page, log):
    from gradio_client import Client

    client = Client(page.url, verbose=False)
    for call, sentence in [
        ({"text": "x", "filename": [MARK], "api_name": "/fit"}, "filename must be a text, but is list."),
        ({"text": "x", "task": {}, "api_name": "/fit"}, "task must be a text, but is dict."),
        ({"secret": {MARK: 1}, "api_name": "/users"}, "secret must be a text, but is dict."),
        ({"user": 5, "api_name": "/delete_user"}, "user must be a text that is not empty, but is int."),
        (
            {"user": "ada", "prompt": "x", "alpha": 10**400, "api_name": "/compare"},
            "alpha must be a number from 0 to 2",
        ),
        ({"text": "x", "task": MARK * 99, "api_name": "/fit"}, "There is no task .{42} and so on; choose"),
    ]:
        with pytest.raises(Exception, match=sentence) as refused:
            client.predict(**call)
        assert str(refused.value).count(MARK) < 8
    assert client.predict(secret=None, api_name="/users")[0]["id"] == "ada"  # null is what was left out
    assert "our side" not in log.getvalue() and "fault" not in log.getvalue() and MARK not in log.getvalue()


def test_server_functions(page, log):
    (view, *_) = [number for number, block in page.blocks.blocks.items() if hasattr(block, "alive")]
    asked = {"component_id": view, "fn_name": "alive", "session_hash": "s"}
    answer = ask(page, "component_server", json.dumps(asked | {"data": {MARK: 1}}))
    assert (answer.status_code, answer.json()) == (422, {"detail": "A run is named by a text."})
    assert ask(page, "component_server", json.dumps(asked | {"data": "unknown"})).json() == "gone"
    told = ask(page, "component_server", json.dumps(asked | {"fn_name": "likeness", "data": [{MARK: 1}, MARK]}))
    assert told.status_code == 200 and "compare again" in told.json()["error"]


def test_events_that_say_nothing(page, log):
    for data in (None, MARK, [MARK], {MARK: MARK}):
        for name in ("_read_example", "_open_lesson"):
            told = page.send(page.event(name), [], f"s{name}{data!r:.9}", data)
            assert "It is not clear what was pressed" in told and MARK not in told
    assert "fault" not in log.getvalue()
