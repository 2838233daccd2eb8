"""What base finds unusual about pasted texts, as it comes."""

import json

import pytest

from cope_demo.errors import CopeError
from cope_demo.service.surprise import MAX_TEXTS
from cope_demo.texts.tasks import Sample
from cope_demo.ui.panels import surprise
from cope_demo.visitors.limits import RATES
from cope_demo.visitors.owners import Access
from tests.scripted import SECRET, Service


@pytest.fixture
def service(tmp_path) -> Service:
    return Service(tmp_path)


def read(service, text, name=None, task="free_writing") -> list[dict]:
    return [json.loads(value) for value in surprise.stream(service, text, name, task)]


def test_each_text_is_there_as_soon_as_it_is_read(service):
    values = read(service, "\n---\n".join(f"the ferry {n}" for n in range(MAX_TEXTS + 2)))
    assert [len(value["texts"]) for value in values] == [*range(MAX_TEXTS + 1), MAX_TEXTS]
    assert values[-1]["state"] == "done" and values[-1]["more"] == 2
    assert values[1]["texts"][0] == {"tokens": [[" the", 6.0], [" ferry", 10.0], [" 0", 2.0]], "cut": False}
    assert values[-1]["instruction"] == surprise.INSTRUCTION


@pytest.mark.parametrize("text,name", [("", None), (" \n", None), (b"\x00\xff", "x.csv"), ("{", "x.json")])
def test_what_is_no_history_is_the_preview_s_to_explain(service, text, name):
    assert read(service, text, name) == [{"state": "empty"}]


def test_a_model_that_loads_is_waited_for_and_one_that_is_missing_is_told(service, monkeypatch):
    service.loaded = False
    stream = surprise.stream(service, "the ferry sank", None, "free_writing")
    assert [json.loads(next(stream)).get("message") for _ in range(2)] == [None, surprise.LOADING]
    service.trouble = "There is no model."
    assert json.loads(next(stream))["message"] == "There is no model."


def test_a_visitor_s_limits_apply(service):
    mine = Access(service).of(SECRET)
    for _ in range(RATES["surprise"].burst):
        assert read(mine, "the ferry sank")[-1]["state"] == "done"
    refused = read(mine, "the ferry sank")[-1]
    assert refused["state"] == "problem" and "That was a lot in a short time" in refused["message"]
    assert read(Access(service).of("1" * 64), "the ferry sank")[-1]["state"] == "done"


def test_at_most_two_of_a_visitor_s_are_read_at_once(service):
    samples = [Sample("", "the ferry"), Sample("", "the soup")]
    one, two, three = (Access.of(access, SECRET).surprise(samples, "free_writing") for access in 3 * [Access(service)])
    next(one), next(two)
    with pytest.raises(CopeError, match="already"):
        next(three)
    one.close()
    assert len(list(two)) == 1
