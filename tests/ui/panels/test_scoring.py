"""Scoring given texts on the page, over a scripted service."""

import pytest

from cope_demo.errors import CopeError
from cope_demo.texts.history import instruct_text
from cope_demo.texts.tasks import Sample
from cope_demo.ui.page import build
from cope_demo.ui.panels import scoring
from cope_demo.ui.visit import Visit
from cope_demo.visitors.owners import Access
from tests.scripted import HOSTILE, PAIRS, SECRET, messages


def lines(service, first, second="", prompt="", alpha=0.1):
    return list(scoring.stream(service, "ada", "Ada", first, second, prompt, alpha))


def test_two_texts_side_by_side(service):
    service.loaded = True
    *_, (view, verdict) = lines(service, "LOUD " * 40, "quiet " * 40)
    start, *rest = messages(view)
    assert start["methods"] == ["a", "b"] and start["prompt"] == "Write a post about LOUD. / Write a post about quiet."
    assert [line["t"] for line in rest] == ["tokens", "end", "tokens", "end", "done"]
    (data,) = messages(verdict)
    assert data["lead"] == (
        "Text A sounds more like Ada than text B: on average a token of A is 2.00 nats likelier for Ada than "
        "for base, one of B 0.50 nats less likely."
    )
    rows = [(row["name"], row["tokens"], row["mean"]) for row in data["rows"]]
    assert rows == [("Text A", 40, 2.0), ("Text B", 40, -0.5)]
    assert "guess" not in data["caveat"] and "not who wrote it" in data["caveat"]


@pytest.mark.parametrize(
    "first, second, words",
    [
        ("LOUD " * 40, "", "This sounds more like Ada than like base"),
        ("quiet " * 40, "", "This does not sound like Ada"),
        ("LOUD LOUD and so it goes until we see", "", "leaves it open"),
        ("quiet " * 40, "LOUD " * 40, "Text B sounds more like Ada than text A"),
        ("LOUD quiet " * 9, "quiet LOUD " * 9, "Which of the two sounds more like Ada cannot be told"),
    ],
)
def test_the_verdict_in_a_sentence(service, first, second, words):
    *_, (_, verdict) = lines(service, first, second, "Write.")
    (data,) = messages(verdict)
    assert words in data["lead"] and {row["prompt"] for row in data["rows"]} == {"Write."}
    assert ("little more than a guess" in data["caveat"]) == (len(first.split()) < 30)


def test_you_are_addressed(service):
    *_, (_, verdict) = scoring.stream(service, "ada", "you", "LOUD " * 40, "", "", 0.1)
    assert "more like you" in messages(verdict)[0]["lead"] and "likelier for you" in messages(verdict)[0]["lead"]


@pytest.mark.parametrize(
    "values, words",
    [
        (("", "something"), "no text yet"),
        ((" \n", ""), "no text yet"),
        ((None, None, None), "no text yet"),
        (("x" * 2001, ""), "Text A has 2,001 characters, and 2,000 are allowed"),
        (("x", "y" * 2001), "Text B has 2,001"),
        (("x", "y", "p" * 20_001), "prompt has 20,001"),
        ((5, ""), "Text A must be a text"),
        (("long enough to be read by us", "too short"), "Text B is too short for a verdict: give at least 5 tokens"),
        (("x", "", "", 9.0), "alpha must be"),
    ],
)
def test_what_cannot_be_scored_is_a_sentence(service, values, words):
    *_, (view, verdict) = lines(service, *values)
    assert messages(view)[0]["methods"] == [] and words in messages(verdict)[0]["message"]
    assert messages(verdict)[0]["state"] == "problem"


def test_the_model_is_waited_for(service):
    service.loaded = False
    stream = scoring.stream(service, "ada", "Ada", "LOUD " * 9, "", "", 0.1)
    assert messages(next(stream)[0])[-1]["t"] == "wait"
    service.loaded = True
    assert messages(list(stream)[-1][1])[0]["state"] == "done"


def test_hostile_texts_stay_data(service):
    *_, (view, verdict) = lines(service, " ".join(HOSTILE * 3), f"so it goes on and on {HOSTILE[0]}")
    assert "<" not in view + verdict and messages(verdict)[0]["state"] == "done"


def test_a_text_is_read_as_a_fit_would_read_it():
    titled = "The Ferry\n\nIt was late again, and nobody on the quay had so much as a word to say about it to anyone."
    assert instruct_text(titled) == Sample('Write a post titled "The Ferry".', titled.split("\n\n")[1])
    plain = instruct_text("The ferry was late again, so the ferry crew made soup of potatoes.")
    assert plain.prompt.startswith("Write a post about ") and "soup" in plain.prompt
    for bad, words in (("no", "shorter than 3 words; give"), ("word " * 500, "longer than 2,000")):
        with pytest.raises(CopeError, match=words):
            instruct_text(bad)


def test_an_example_is_a_text_that_was_held_out(service):
    answer = Visit(Access(service), {"chosen": "ada", "fits": [], "secret": SECRET}).fill_example()
    (pair,) = [pair for pair in PAIRS if pair["part"] == "held_out"]
    assert answer == {"text_a": pair["chosen"], "text_b": pair["rejected"], "asked": pair["prompt"]}
    refused = Visit(Access(service), {"chosen": "new", "fits": [], "secret": SECRET}).fill_example()
    assert "Fit this writing first" in messages(refused["verdict"])[0]["message"]


def test_the_page_has_the_section(service):
    ids = {block.elem_id for block in build(service).blocks.values() if getattr(block, "elem_id", None)}
    assert {"text-a", "text-b", "score-prompt", "score", "score-view", "heatmap-view", "verdict-view"} <= ids
