"""The page's parts have names: what an answer may change, what an event reads, and that a wrong name is an error."""

from dataclasses import fields

import gradio as gr
import pytest

from cope_demo.ui import links
from cope_demo.ui.page import build, lay_out
from cope_demo.ui.panels import lessons
from cope_demo.ui.parts import ANSWERED, PageParts, make_answer
from cope_demo.ui.visit import Visit
from cope_demo.visitors.owners import Access
from tests.scripted import SECRET

NAMES = {part.name for part in fields(PageParts)}


@pytest.fixture
def parts(service) -> PageParts:
    with gr.Blocks():
        return PageParts.collect(lay_out(Access(service)))


def test_every_part_is_a_component_of_its_own(parts):
    components = [getattr(parts, name) for name in NAMES]
    assert len({component._id for component in components}) == len(NAMES) == 37


def test_every_part_is_changed_by_some_turn_or_is_read_only(service):
    def visit(chosen: str = "ada") -> Visit:
        return Visit(Access(service), {"chosen": chosen, "fits": [], "secret": SECRET})

    lesson = lessons.ORDER[0]
    turns = [visit().open(), visit().erase(), visit("new").fill_example(), visit().fill_example()]
    turns += [visit().open({"lesson": lesson}), visit().pick("ada"), visit().poll(), visit().unfold()]
    turns += [visit().offer_adapters(), visit("new").start_fit("", None, "free_writing", "")]
    changed = {name for answer in turns for name in answer}
    assert changed == set(ANSWERED)
    assert NAMES - changed == {"task"}


def test_what_no_answer_changes_is_read_by_an_event(service, parts):
    read = {getattr(block, "elem_id", None) for event in build(service).fns.values() for block in event.inputs}
    for name in NAMES - set(ANSWERED):
        assert getattr(parts, name).elem_id in read - {None}


def test_an_answer_for_what_is_no_part_is_an_error_at_once(parts):
    assert make_answer({"text": "a", "seed": 1}, {"text": "b"}, seed=2) == {"text": "b", "seed": 2}
    for wrong in ({"lenght": 5}, {"task": "free_writing"}, {"length": 5, "text": ""}):
        with pytest.raises(ValueError, match=f"cannot change {next(iter(wrong))}"):
            make_answer(wrong)
        with pytest.raises(ValueError, match="cannot change"):
            parts.resolve(wrong)


def test_a_turn_cannot_answer_what_is_no_part(service, monkeypatch):
    monkeypatch.setattr(links, "read", lambda query, cards: links.Link(user="ada", settings={"volume": 1}))
    with pytest.raises(ValueError, match="cannot change volume"):
        Visit(Access(service), None).open({"user": "ada"})


def test_an_event_cannot_read_what_is_no_part(parts):
    assert list(parts.select("visitor", "task")) == ["visitor", "task"]
    with pytest.raises(AttributeError, match="lenght"):
        parts.select("visitor", "lenght")


def test_an_answer_goes_to_its_components_and_an_empty_one_to_none(parts):
    assert parts.resolve({"text": "a", "more": []}) == {parts.text: "a", parts.more: []}
    assert parts.resolve({}) == {parts.visitor: gr.skip()}
    assert len(parts.changeable()) == len(ANSWERED) and parts.task not in parts.changeable()
