"""What all prompts begin with is read once for each set of adapters, and changes nobody's numbers."""

import gc
import threading

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.decode import shared_pass
from cope_demo.decode.engine import Engine
from cope_demo.decode.methods import COLUMNS
from cope_demo.errors import CopeError
from tests import tiny
from tests.decode.together import (
    Ask,
    check_same,
    count_rows,
    make_person,
    make_prompt,
    run,
    run_together,
    watch_steps,
)

CONFIG = DecodeConfig(max_new_tokens=4)
BEGINNING = make_prompt(20, 99)
KINDS = 3
"""Sets of adapters of a comparison: two personal ones, and none."""


def make_engine(beginning) -> Engine:
    base, _ = tiny.make_base()
    base.__dict__.update(end_ids=frozenset(), prompt_beginning=beginning)
    return Engine(base)


def ask(engine, seed: int, person=None, length: int = 10) -> Ask:
    bank = person or make_person(engine.base, seed)
    return Ask(BEGINNING + make_prompt(length, seed), COLUMNS, bank, CONFIG)


@pytest.fixture
def engine() -> Engine:
    return make_engine(BEGINNING)


def test_it_is_read_once_and_the_numbers_are_those_without(engine, monkeypatch):
    plain = make_engine([])
    person = make_person(engine.base, 1)
    seen = watch_steps(monkeypatch, engine)
    for seed in (1, 2):
        check_same(run(plain, ask(plain, seed, person)), run(engine, ask(engine, seed, person)), CONFIG)
    rows = [step.rows for step in seen]
    assert rows[:2] == [KINDS * len(BEGINNING), KINDS * 10]
    assert rows.count(KINDS * len(BEGINNING)) == 1 and rows.count(KINDS * 10) == 2


@pytest.mark.parametrize("length", [1, 2])
def test_a_prompt_may_go_on_by_a_single_token(engine, length):
    plain = make_engine([])
    one = ask(engine, 3, length=length)
    check_same(run(plain, one), run(engine, one), CONFIG)


def test_who_come_at_once_wait_for_one_reading(engine, monkeypatch):
    people = [make_person(engine.base, seed) for seed in (1, 2)]
    asks = [ask(engine, seed, people[seed % 2]) for seed in range(6)]
    alone = [run(make_engine([]), one) for one in asks]
    seen = watch_steps(monkeypatch, engine)
    together = run_together(engine, [lambda one=one: run(engine, one) for one in asks])
    for one, other in zip(alone, together, strict=True):
        check_same(one, other, CONFIG)
    written = sum(count_rows(columns) for columns in alone)
    assert sum(step.rows for step in seen) == 5 * len(BEGINNING) + KINDS * 10 * len(asks) + written


def test_other_prompts_and_short_beginnings_are_read_whole(engine, monkeypatch):
    seen = watch_steps(monkeypatch, engine)
    run(engine, Ask(make_prompt(30, 4), COLUMNS, make_person(engine.base, 1), CONFIG))
    assert seen[0].rows == KINDS * 30
    short = make_engine(BEGINNING[:3])
    seen = watch_steps(monkeypatch, short)
    run(short, ask(short, 1))
    assert seen[0].rows == KINDS * 30


def test_its_places_come_back_when_adapters_go_or_places_are_short(engine):
    free = engine.shared._places.free
    whole = free()
    run(engine, ask(engine, 1))
    kept = whole - free()
    assert kept == KINDS * len(BEGINNING)
    gc.collect()  # the person's adapters are gone
    run(engine, ask(engine, 2))
    assert whole - free() == kept
    assert engine.shared.free_places() == whole


def test_who_needs_all_places_gets_those_of_unused_beginnings(engine):
    small = shared_pass.SharedPass(engine.base, engine.shared.forward, KINDS * 30 + 6 * CONFIG.max_new_tokens)
    engine.shared = small
    for seed in (1, 2):
        columns = run(engine, ask(engine, seed))
        assert all(len(column.tokens) == CONFIG.max_new_tokens for column in columns.values())


def test_a_step_that_fails_leaves_no_half_read_beginning(engine, monkeypatch):
    forward, step = engine.shared.forward, engine.shared.forward.run
    failing = threading.Event()
    failing.set()

    def fail(*given):
        if failing.is_set():
            raise MemoryError("no memory")
        return step(*given)

    monkeypatch.setattr(forward, "run", fail)
    one = ask(engine, 1)
    with pytest.raises((MemoryError, CopeError)):
        run(engine, one)
    failing.clear()
    check_same(run(make_engine([]), one), run(engine, one), CONFIG)


def test_the_model_says_what_its_prompts_begin_with():
    base, _ = tiny.make_base()
    beginning = base.prompt_beginning
    for text in ("Write a post about cats.", "", "  x", "<|im_start|>"):
        assert base.prompt_ids(text)[: len(beginning)] == beginning
