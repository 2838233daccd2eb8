"""Who gets the next step: nobody's second comparison before everybody's first; no stream waits for a long prompt."""

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.decode import engine as engine_module
from cope_demo.decode import shared_pass
from cope_demo.decode.engine import Engine
from cope_demo.decode.methods import COLUMNS
from cope_demo.decode.work import Work
from tests import tiny
from tests.decode.together import Ask, make_person, make_prompt, run, run_together, watch_steps

CONFIG = DecodeConfig(max_new_tokens=10)


@pytest.fixture(scope="module")
def base():
    made, _ = tiny.make_base()
    made.__dict__["end_ids"] = frozenset()
    return made


@pytest.fixture(scope="module")
def person(base):
    return make_person(base, 0)


@pytest.fixture
def engine(base) -> Engine:
    """One of its own, as what it has measured decides."""
    return Engine(base)


def list_begun(monkeypatch, engine: Engine, owners: list) -> list:
    """The owners of these requests in the order in which they begin; all are asked for at once and in this order."""
    begun, begin = [], Work.begin
    monkeypatch.setattr(Work, "begin", lambda work, *given: begun.append(work.outbox.owner) or begin(work, *given))
    person = make_person(engine.base, 0)
    asks = [Ask(make_prompt(8, n), ("cope",), person, CONFIG, owner) for n, owner in enumerate(owners)]
    results = run_together(engine, [lambda ask=ask: run(engine, ask) for ask in asks])
    assert all(len(columns["cope"].tokens) == 10 for columns in results)
    return begun


@pytest.mark.parametrize("limit", ["places", "time"])
def test_nobody_s_second_comparison_begins_before_everybody_s_first(base, monkeypatch, limit):
    if limit == "places":
        monkeypatch.setattr(engine_module, "PLACES", 40)  # one at a time
    else:
        monkeypatch.setattr(shared_pass, "STEP_SECONDS", 0.0)
    begun = list_begun(monkeypatch, Engine(base), ["ada", "ada", "ada", "ben", "cy", "ben"])
    assert begun == ["ada", "ben", "cy", "ada", "ben", "ada"]


def test_who_asks_on_nobody_s_behalf_comes_in_turn(base, monkeypatch):
    monkeypatch.setattr(engine_module, "PLACES", 40)
    assert list_begun(monkeypatch, Engine(base), ["ada", None, "ada", None]) == ["ada", None, None, "ada"]


def test_prompts_of_first_comparisons_are_read_first(engine, person, monkeypatch):
    """All have room, but a step has not room for all prompts."""
    monkeypatch.setattr(shared_pass, "PIECE", 30)
    monkeypatch.setattr(engine.shared, "_piece", 30)
    read = []

    def note(number):
        read.append({(work.outbox.owner, work.outbox.turn): len(work.sequences[0].pending) for work in running(engine)})

    watch_steps(monkeypatch, engine, note)
    asks = [
        Ask(make_prompt(60, n), ("greedy",), person, CONFIG, owner) for n, owner in enumerate(("ada", "ada", "ben"))
    ]
    run_together(engine, [lambda ask=ask: run(engine, ask) for ask in asks])
    assert read[2] == {("ada", 0): 15, ("ada", 1): 60, ("ben", 0): 60}  # what is left while the third step runs
    while_ben_reads = [left for left in read if left.get(("ben", 0), 0) > 1]
    assert len(while_ben_reads) >= 7 and all(left["ada", 1] == 60 for left in while_ben_reads)


def running(engine: Engine) -> list[Work]:
    return list(engine.shared._running)


@pytest.mark.parametrize("piece", [40, 16])
def test_a_long_prompt_stalls_no_stream(engine, person, monkeypatch, piece):
    """A step reads no more of it than a stream bears; the stream gets its tokens in every step."""
    joined, number_of, most = [], {}, 6 + piece
    monkeypatch.setattr(engine.shared, "_piece", piece)
    monkeypatch.setattr(engine.shared, "_learn", lambda *spent: None)

    def join(number):
        if number == 3:
            long = engine.join(make_prompt(300, 1), ("cope",), person, DecodeConfig(max_new_tokens=1))
            outbox = shared_pass.Outbox()
            joined.append(outbox)
            engine.shared.submit([shared_pass.Writing(long, outbox)])
        if joined and joined[0]._items:
            number_of.setdefault("first", number)

    monkeypatch.setattr(shared_pass, "STEP_SECONDS", 100)
    seen = watch_steps(monkeypatch, engine, join)
    length = 90
    columns = run(engine, Ask(make_prompt(8), COLUMNS, person, DecodeConfig(max_new_tokens=length)))
    assert all(len(column.tokens) == length for column in columns.values())
    assert max(rows for rows, _ in seen[1:]) <= most
    steps = number_of["first"] - 4
    assert 600 / (most - 6) <= steps <= 600 / (most - 6) + 3  # and no slower than it may
    assert len(seen) == length  # the stream has a token of each column in every step


def test_pieces_grow_and_shrink_to_what_a_stream_bears(engine):
    shared = engine.shared
    shared.step_time.fixed, shared.step_time.row, shared._piece = 0.0, 0.001, 100
    for seconds, grows in ((0.05, True), (1.0, False)):  # of a step with 24 rows that write and a whole piece
        before = shared._piece
        shared._learn(24, before, 0.024 + seconds)
        assert (shared._piece > before) == grows != (shared._piece < before)
    for _ in range(100):
        shared._learn(24, shared._piece, 5.0)
    assert shared._piece == shared_pass.LEAST
    for _ in range(100):
        shared._learn(24, shared._piece, 0.03)
    assert shared._piece == shared_pass.PIECE
    shared._learn(48, 0, 0.48)  # what reading adds is what a step without it does not take
    assert shared.step_time.predict(48) > 0.3
