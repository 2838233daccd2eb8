"""The page's part on what was measured: the published numbers, sentences that they bear out, and the page behind it."""

import json

import httpx
import pytest

from cope_demo.evaluation import published
from cope_demo.texts.tasks import TASKS
from cope_demo.ui.panels import evidence
from tests.evaluation.test_published import NEWS, REVIEWS, run


@pytest.fixture
def data(tmp_path) -> dict:
    """Two tasks: CoPe better than TAM for every author, worse than OPPU, or neither; one task with a sweep."""
    by = {"tam": 0.1, "oppu": 0.3, "cope": 0.2}
    values = {(m, u, q): by[m] + 0.01 * u for m in by for u in range(4) for q in range(3)}
    run(tmp_path, "news", NEWS, ("tam", "oppu", "cope"), values=values)
    run(tmp_path, "news-0.5", NEWS, ("cope",), alpha=0.5)
    mixed = values | {("cope", u, q): 0.3 + (0.05 if u % 2 else -0.05) + 0.01 * u for u in range(4) for q in range(3)}
    run(tmp_path, "reviews", REVIEWS, ("base", "tam", "oppu", "cope"), values=mixed)
    return published.gather(published.read_runs(tmp_path)[0])


def test_every_published_number_is_shown(data):
    shown = json.loads(json.dumps(evidence.describe_results(data)))
    mean, news, reviews = shown["groups"]
    assert [one["label"] for one in shown["groups"]] == ["Mean of tasks", "News headlines", "Product reviews"]
    assert [row["name"] for row in mean["rows"]] == ["TAM", "OPPU", "CoPe"]
    row = next(row for row in news["rows"] if row["name"] == "CoPe")
    numbers = data["tasks"][NEWS]
    assert row["value"] == numbers["methods"]["cope"]["rougeL"]
    assert [row["low"], row["high"]] == numbers["ci95"]["cope"]["rougeL"]
    absent = [row["name"] for row in news["rows"] if row["value"] is None]
    assert absent == ["Base without task adapter", "RAG", "PAG", "OPPU with contrast", "CoPe without contrast"]
    assert shown["absent"] == [TASKS[name].label for name in published.MEASURED if name not in (NEWS, REVIEWS)]
    assert "24, of 4 authors a task" in shown["intro"] and "by tiny in 4 bit" in shown["intro"]
    (part,) = shown["sweeps"][0]["parts"]
    assert [row["at"] for row in part["rows"]] == ["0.1", "0.5"] and part["fixed"] == "tau 0.1"
    against = numbers["sweep"]["against"]
    assert shown["sweeps"][0]["against"][1] == {"name": "OPPU", "value": against["oppu"]["rougeL"]}


def test_what_opens_first_has_the_method_that_this_is_about(data):
    del data["pooled"]["methods"]["cope"]
    data["pooled"]["relative_gain"] = {}
    assert [one["label"] for one in evidence.describe_results(data)["groups"]][-1] == "Mean of tasks"


def test_a_verdict_says_what_the_interval_says(data):
    _, news, reviews = evidence.describe_results(data)["groups"]
    assert "above TAM’s by +" in news["lead"] and "below OPPU’s, by −" in news["lead"]
    assert "above TAM’s" in reviews["lead"] and "cannot be told from OPPU" in reviews["lead"]


def test_rows_lead_to_their_texts_where_there_are_any(data):
    example = {"rule": "worst", "author": "author 1", "source": "made up", "gold": "Mine", "cut": True}
    example |= {name: {"text": f"by {name}", "rougeL": 0.5} for name in ("tam", "oppu", "cope")}
    data["tasks"][NEWS]["examples"] = [example]
    mean, news, reviews = evidence.describe_results(data)["groups"]
    assert [row["method"] for row in news["rows"] if row["texts"]] == ["tam", "oppu", "cope"]
    assert not any(row["texts"] for row in (*mean["rows"], *reviews["rows"]))
    (shown,) = news["examples"]
    assert shown["title"].endswith("against OPPU: author 1")
    assert [text["text"] for text in shown["texts"]] == ["Mine […]", "by tam", "by oppu", "by cope"]


def test_without_numbers_it_says_so():
    shown = evidence.describe_results({"tasks": {}})
    assert shown["state"] == "none" and len(shown["absent"]) == 5
    assert evidence.describe_evidence({"tasks": {}}, {"tasks": {}}, {"comparisons": []})["answer"] is None


def test_what_is_published_can_be_shown_and_read(page):
    assert evidence.describe_results(published.read_published())["state"] in ("none", "open")
    answer = httpx.get(f"{page.url}docs/RESULTS.md")  # as evidence.js links to it
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
