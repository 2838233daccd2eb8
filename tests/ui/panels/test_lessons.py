"""The saved lessons and the links: what a lesson says is what its trace holds, and no link opens what it must not."""

import json
from dataclasses import replace

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.errors import CopeError
from cope_demo.paths import SAMPLE_USERS
from cope_demo.saved.store import Card, Store
from cope_demo.ui import links
from cope_demo.ui.panels import lessons
from cope_demo.ui.settings import SLIDERS
from tests.scripted import messages

CARDS = [Card("ada", "Ada Lint", "Tester", "", "free_writing", (), True)]


@pytest.mark.parametrize("name", lessons.ORDER)
def test_what_a_lesson_says_its_trace_bears_out(name):
    lesson = lessons.read_lesson(name)
    history = "\n".join(sample.response for sample in Store().open(lesson.user).history())
    assert lesson.title and lesson.teaser and 3 <= len(lesson.steps) <= 5
    for step in lesson.steps:
        facts = lesson.collect_facts(step) if "column" in step else {}
        texts = {column["method"]: column["text"] for column in lesson.trace["columns"]}
        facts |= {"history": history, "text": texts.get(step.get("column"), "")}
        for claim in step["claims"]:
            assert eval(claim, {"__builtins__": {"abs": abs}}, facts), (step["text"], claim)
        told = lesson.fill_text(step)
        assert 60 < len(told) < 480 and "{" not in told


@pytest.mark.parametrize("name", lessons.ORDER)
def test_a_lessons_trace_is_what_its_settings_make(name):
    lesson = lessons.read_lesson(name)
    trace = lesson.trace
    assert (lessons.FOLDER / "traces" / f"{name}.json").stat().st_size <= 300_000
    assert (trace["user"], trace["prompt"]) == (lesson.user, lesson.prompt) and trace["model"].startswith("SmolLM2")
    assert [column["method"] for column in trace["columns"]] == list(lesson.columns)
    config = lesson.config
    assert (trace["alpha"], trace["tau"]) == (config.alpha, config.tau)
    assert trace["repetition_penalty"] == config.repetition_penalty and config.max_new_tokens % 10 == 0
    card = json.loads((SAMPLE_USERS / lesson.user / "card.json").read_text())
    assert lesson.who == card["name"].split()[0]
    for column in trace["columns"]:
        method, alpha, tau = lesson.find_settings(column["method"])
        assert "".join(token["text"] for token in column["tokens"]) == column["text"]
        assert 5 < len(column["tokens"]) <= config.max_new_tokens
        for token in column["tokens"]:
            assert token["reward"] == pytest.approx(token["logp_user"] - alpha * token["logp_base"], abs=2e-4)
            assert (token["in_head"] or method == "greedy") and (tau > 0 or token["head_size"] > 40_000)


def test_a_lesson_reaches_the_view_with_its_steps():
    sent = messages(lessons.render_lesson("plausible-head"))
    assert [sent[0]["t"], sent[-2]["t"], sent[-1]["t"]] == ["start", "done", "lesson"]
    assert sent[0]["variants"]["cope-tau-0"] == {"of": "cope", "tau": 0, "name": "CoPe, \u03c4 0"}
    steps = sent[-1]["steps"]
    assert steps[1]["show"] == "token" and steps[1]["index"] == 0 and steps[-1]["tau"] == 0.01
    assert [card["id"] for card in lessons.describe_cards()] == list(lessons.ORDER)


def test_percentages_are_written_as_in_the_view():
    given = (1.0, 0.9996, 0.5, 0.0523, 0.0004, 0.00005)
    told = ["100\u202f%", "100\u202f%", "50\u202f%", "5.2\u202f%", "0.04\u202f%", "<\u202f0.01\u202f%"]
    assert [lessons.format_percent(p) for p in given] == told


def test_a_link_is_read():
    assert links.read({}, CARDS) is None and links.read({"__theme": "dark"}, CARDS) is None
    assert links.read({"lesson": "alpha"}, CARDS) == links.Link(lesson="alpha")
    link = links.read({"user": "ada", "prompt": "Why?", "alpha": "0.3", "seed": "7", "other": "x"}, CARDS)
    assert link == links.Link(user="ada", prompt="Why?", settings={"alpha": 0.3, "seed": 7})
    assert links.read({"user": "ada", "columns": "pag,base"}, CARDS).columns == ("base", "pag")
    two = [*CARDS, replace(CARDS[0], id="bob")]
    assert links.read({"user": "ada", "against": "bob"}, two).against == "bob"
    for name in lessons.ORDER:
        filled = links.from_lesson(lessons.read_lesson(name)).settings
        assert set(filled) == {*SLIDERS, "seed"} and DecodeConfig(**filled)
        assert all(SLIDERS[key][0] <= value <= SLIDERS[key][1] for key, value in filled.items() if key in SLIDERS)


def test_links_lead_to_the_page_that_shows_a_space(monkeypatch):
    assert links.find_address() == ""
    for space, address in (("ada/cope.1", "https://huggingface.co/spaces/ada/cope.1"), ("a/b?x", ""), ("ada", "")):
        monkeypatch.setenv("SPACE_ID", space)
        assert links.find_address() == address


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"lesson": "../alpha"}, "does not exist; the lessons are reward,"),
        ({"user": "0123456789abcdef0123456789abcdef"}, "not a sample user; links can open ada."),
        ({"user": "ada", "alpha": "nan"}, "alpha must be a number from 0 to 1.5"),
        ({"user": "ada", "tau": "-1"}, "tau must be a number from 0 to 1"),
        ({"user": "ada", "max_new_tokens": "40.5"}, "max_new_tokens must be a whole number from 10 to 300"),
        ({"user": "ada", "seed": "9" * 5000}, "seed must be a whole number from 0 to 2,147,483,647"),
        ({"user": "ada", "prompt": "x" * 20_001}, "prompt has 20,001 characters"),
        ({"user": "ada", "columns": "rag,magic"}, "no further column 'magic'"),
        ({"user": "ada", "against": "ada"}, "not another sample user"),
        ({"user": "ada", "against": "0123456789abcdef0123456789abcdef"}, "not another sample user"),
    ],
)
def test_a_bad_link_is_refused_with_a_sentence(query, said):
    with pytest.raises(CopeError, match="This link") as refused:
        links.read(query, CARDS)
    assert said in str(refused.value)
