"""A comparison on its way to the page: increments, order, refusals; and that no value ever becomes markup."""

import json
import re
from pathlib import Path

import gradio as gr
import pytest

from cope_demo.decode.trace import TokenEvent
from cope_demo.ui import component, streams
from cope_demo.ui.page import build
from cope_demo.ui.panels import own
from cope_demo.ui.settings import check_settings
from cope_demo.ui.token_view import server_functions
from tests.scripted import HOSTILE, messages

UI = Path(own.__file__).parent.parent
SETTINGS = {
    **{"prompt": "Write.", "alpha": 0.1, "tau": 0.1, "max_new_tokens": 80},
    **{"repetition_penalty": 1.2, "temperature": 0.0, "seed": 0},
}


def test_values_are_json_without_markup():
    text = component.say({"texts": HOSTILE})
    assert json.loads(text) == {"texts": HOSTILE}
    assert "<" not in text and text.isascii()


def test_templates_are_constants(service):
    found = [block for block in build(service).blocks.values() if isinstance(block, gr.HTML)]
    assert len(found) >= 9
    for block in found:
        assert "${" not in block.html_template and "{{" not in block.html_template
        assert not block.css_template


def test_scripts_never_build_markup():
    scripts = [*UI.rglob("*.js")]
    assert len(scripts) >= 9
    for path in scripts:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
        )


def test_a_stream_with_further_columns_says_what_it_looks_for_and_what_it_gave(service):
    *_, last = streams.stream(service, "ada", "Ada", **SETTINGS, columns=["rag", "oppu+cd"])
    kinds = [message["t"] for message in messages(last)]
    waiting, start = messages(last)[0], messages(last)[2]
    assert kinds[:3] == ["start", "wait", "start"] and kinds[-1] == "done"
    assert waiting["methods"] == start["methods"] == ["greedy", "oppu", "cope", "rag", "oppu+cd"]
    assert "prompts" not in waiting and list(start["prompts"]) == ["rag"] and start["prompts"]["rag"].endswith("Write.")
    (text,) = streams.stream(service, "ada", "Ada", **SETTINGS, columns=["magic"])
    assert "no further column 'magic'" in messages(text)[-1]["message"]


def test_stream_only_grows_and_numbers_its_batches(service, monkeypatch):
    monkeypatch.setattr(streams, "INTERVAL", 0.0)
    texts = list(streams.stream(service, "ada", "Ada", **SETTINGS))
    for shorter, longer in zip(texts, texts[1:], strict=False):
        assert longer.startswith(shorter)
    lines = messages(texts[-1])
    assert lines[0]["t"] == "start" and lines[0]["who"] == "Ada" and lines[0]["alpha"] == 0.1
    numbers = [line["seq"] for line in lines if line["t"] == "tokens"]
    assert numbers == sorted(numbers) and len(set(numbers)) > 1
    rows = [row for line in lines if line["t"] == "tokens" for row in line["rows"]]
    assert [row[3] for row in rows if row[0] == "cope"] == service.pieces["cope"]
    assert [line["method"] for line in lines if line["t"] == "end"] == ["greedy", "oppu", "cope"]
    assert lines[-1]["t"] == "done"


def test_page_and_api_get_the_same_steps(service, monkeypatch):
    monkeypatch.setattr(streams, "INTERVAL", 0.0)
    service.loaded = False
    steps = streams.compare(service, "ada", *check_settings(**SETTINGS), ("cope", "rag"))
    assert next(steps) == streams.Waiting(streams.LOADING)
    service.loaded = True
    reading, trace, *written, done = steps
    assert reading == streams.Waiting(streams.READING) and [column.tokens for column in trace.columns] == [[], []]
    assert [batch.seq for batch in written] == list(range(len(written)))
    *events, whole = (item for batch in written for item in batch.items)
    tokens = [event for event in events if isinstance(event, TokenEvent)]
    for column in whole.columns:
        assert [event.token for event in tokens if event.method == column.method] == column.tokens
    assert isinstance(done, streams.Done) and 0 <= done.seconds < 5


def test_steps_stop_the_work_when_they_are_no_longer_asked_for(service):
    for count in (1, 2):  # after the empty trace, and in the middle of writing
        steps = streams.compare(service, "ada", *check_settings(**SETTINGS), ("cope",))
        for _ in range(count):
            next(steps)
        steps.close()
        assert service.closed == count


def test_batches_wait_for_the_interval():
    items = (number for number in range(50))
    assert [len(batch) for batch in streams.batches(items, interval=60.0)] == [1, 49]
    assert list(streams.batches((number for number in ()), interval=60.0)) == []


def test_leaving_a_stream_ends_the_work(service):
    stream = streams.stream(service, "ada", "Ada", **SETTINGS)
    next(stream)
    run = messages(next(stream))[0]["run"]
    assert server_functions.alive(run) == "here"
    stream.close()
    assert service.closed == 1
    assert server_functions.alive(run) == "gone" and server_functions.alive("") == "here"


def test_stream_waits_for_the_model(service):
    service.loaded = False
    stream = streams.stream(service, "ada", "Ada", **SETTINGS)
    assert messages(next(stream))[-1] == {"t": "wait", "message": streams.LOADING}
    service.loaded = True
    assert messages(list(stream)[-1])[-1]["t"] == "done"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"prompt": "  "}, "no prompt"),
        ({"prompt": "x" * 20_001}, "20,000 are allowed"),
        ({"alpha": 3.0}, "alpha must be"),
        ({"tau": -1}, "tau must be"),
        ({"max_new_tokens": 5000}, "max_new_tokens must be"),
        ({"repetition_penalty": 9}, "repetition_penalty must be"),
        ({"temperature": None}, "temperature must be"),
        ({"alpha": "<b>"}, "alpha must be"),
        ({"prompt": None}, "no prompt"),
    ],
)
def test_bad_settings_become_a_sentence(service, change, words):
    (last,) = [messages(text)[-1] for text in streams.stream(service, "ada", "Ada", **SETTINGS | change)]
    assert last["t"] == "error" and words in last["message"]


def test_an_unknown_user_becomes_a_sentence(service):
    (text,) = streams.stream(service, "nobody", "you", **SETTINGS)
    assert "no user 'nobody'" in messages(text)[-1]["message"]


def test_a_fault_of_ours_tells_nothing(service, caplog):
    service.fail_after = (2, RuntimeError("the visitor's words"))
    last = messages(list(streams.stream(service, "ada", "Ada", **SETTINGS))[-1])[-1]
    assert last["t"] == "error" and re.search(r"on our side \(fault [0-9a-f]{6}\)", last["message"])
    (record,) = caplog.records
    assert "visitor's words" not in last["message"] + caplog.text + repr(record.fields)
    assert "RuntimeError" in repr(record.fields) and record.exc_info is None
