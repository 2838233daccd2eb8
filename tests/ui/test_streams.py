"""A comparison on its way to the page: increments, order, refusals; and that no value ever becomes markup."""

import json
import re
from pathlib import Path

import gradio as gr
import pytest

from cope_demo.errors import CopeError
from cope_demo.ui import component
from cope_demo.ui.page import build
from cope_demo.ui.panels import comparing, own
from cope_demo.ui.web.guard import endpoint, sentence
from cope_demo.visitors.owners import Access
from tests.scripted import HOSTILE, messages

UI = Path(own.__file__).parent.parent
VALUES = ("Write.", 0.1, 0.1, 80, 1.2, 0.0, 0)


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
    *_, last = comparing.stream(service, "ada", "Ada", *VALUES, columns=["rag", "oppu+cd"])
    kinds = [message["t"] for message in messages(last)]
    waiting, start = messages(last)[0], messages(last)[2]
    assert kinds[:3] == ["start", "wait", "start"] and kinds[-1] == "done"
    assert waiting["methods"] == start["methods"] == ["greedy", "oppu", "cope", "rag", "oppu+cd"]
    assert "prompts" not in waiting and list(start["prompts"]) == ["rag"] and start["prompts"]["rag"].endswith("Write.")
    (text,) = comparing.stream(service, "ada", "Ada", *VALUES, columns=["magic"])
    assert "no further column 'magic'" in messages(text)[-1]["message"]


def test_stream_only_grows_and_numbers_its_batches(service, monkeypatch):
    monkeypatch.setattr(comparing, "INTERVAL", 0.0)
    texts = list(comparing.stream(service, "ada", "Ada", *VALUES))
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


def test_batches_wait_for_the_interval():
    items = (number for number in range(50))
    assert [len(batch) for batch in comparing.batches(items, interval=60.0)] == [1, 49]
    assert list(comparing.batches((number for number in ()), interval=60.0)) == []


def test_leaving_a_stream_ends_the_work(service):
    stream = comparing.stream(service, "ada", "Ada", *VALUES)
    next(stream)
    run = messages(next(stream))[0]["run"]
    assert comparing.alive(run) == "here"
    stream.close()
    assert service.closed == 1
    assert comparing.alive(run) == "gone" and comparing.alive("") == "here"


def test_stream_waits_for_the_model(service):
    service.loaded = False
    stream = comparing.stream(service, "ada", "Ada", *VALUES)
    assert messages(next(stream))[-1] == {"t": "wait", "message": comparing.LOADING}
    service.loaded = True
    assert messages(list(stream)[-1])[-1]["t"] == "done"


@pytest.mark.parametrize(
    "values, words",
    [
        (("  ", 0.1, 0.1, 80, 1.2, 0.0, 0), "no prompt"),
        (("x" * 20_001, 0.1, 0.1, 80, 1.2, 0.0, 0), "20,000 are allowed"),
        (("x", 3.0, 0.1, 80, 1.2, 0.0, 0), "alpha must be"),
        (("x", 0.1, -1, 80, 1.2, 0.0, 0), "tau must be"),
        (("x", 0.1, 0.1, 5000, 1.2, 0.0, 0), "max_new_tokens must be"),
        (("x", 0.1, 0.1, 80, 9, 0.0, 0), "repetition_penalty must be"),
        (("x", 0.1, 0.1, 80, 1.2, None, 0), "temperature must be"),
        (("x", "<b>", 0.1, 80, 1.2, 0.0, 0), "alpha must be"),
        ((None, 0.1, 0.1, 80, 1.2, 0.0, 0), "no prompt"),
    ],
)
def test_bad_settings_become_a_sentence(service, values, words):
    (last,) = [messages(text)[-1] for text in comparing.stream(service, "ada", "Ada", *values)]
    assert last["t"] == "error" and words in last["message"]


def test_an_unknown_user_becomes_a_sentence(service):
    (text,) = comparing.stream(service, "nobody", "you", *VALUES)
    assert "no user 'nobody'" in messages(text)[-1]["message"]


def test_a_fault_of_ours_tells_nothing(service, caplog):
    service.fail_after = (2, RuntimeError("the visitor's words"))
    last = messages(list(comparing.stream(service, "ada", "Ada", *VALUES))[-1])[-1]
    assert last["t"] == "error" and re.search(r"on our side \(fault [0-9a-f]{6}\)", last["message"])
    (record,) = caplog.records
    assert "visitor's words" not in last["message"] + caplog.text + repr(record.fields)
    assert "RuntimeError" in repr(record.fields) and record.exc_info is None


def test_endpoints_turn_errors_into_sentences():
    @endpoint(Access(None))
    def refuse(service):
        raise CopeError("No.")

    @endpoint(Access(None))
    def break_down(service):
        yield 1
        raise KeyError("secret")

    with pytest.raises(gr.Error, match="No."):
        refuse(None)
    with pytest.raises(gr.Error) as caught:
        list(break_down(None))
    assert "our side" in caught.value.message and not caught.value.print_exception
    assert sentence(CopeError("Plain.")) == "Plain."
