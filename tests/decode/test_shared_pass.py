"""One pass for everybody: numbers do not depend on who else writes, and whoever ends, leaves or fails does so alone."""

import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial

import pytest
import torch

from cope_demo.config import DecodeConfig
from cope_demo.decode import engine as engine_module
from cope_demo.decode import forward, shared_pass
from cope_demo.decode.attention import TorchPool
from cope_demo.decode.engine import Engine
from cope_demo.decode.methods import COLUMNS, METHODS
from cope_demo.decode.outbox import FULL
from cope_demo.decode.trace import Column
from cope_demo.errors import CopeError
from cope_demo.model import adapter_slots
from cope_demo.model.adapters import Lora, LoraBank
from cope_demo.model.base_model import BaseModel
from cope_demo.paths import ROOT
from tests import tiny
from tests.decode.together import (
    Ask,
    check_same,
    count_tokens,
    make_person,
    make_prompt,
    run,
    run_together,
    watch_steps,
)
from tests.fits import eventually
from tests.model.test_adapter_slots import dress_by_torch

CONFIG = DecodeConfig(max_new_tokens=12)
MANY = (*(name for name, method in METHODS.items() if method.paper), "oppu-scaled", "against-mean")


WRITE_AND_END = """
import atexit, threading
names = lambda: [thread.name for thread in threading.enumerate()]
atexit.register(lambda: print("ends", names()))  # is called last

from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import Engine
from cope_demo.decode.methods import COLUMNS
from tests import tiny
from tests.decode.together import make_person, make_prompt

base, _ = tiny.make_base()
base.__dict__["end_ids"] = frozenset()
stream = Engine(base).decode(make_prompt(9), COLUMNS, make_person(base, 0), DecodeConfig(max_new_tokens=200))
next(stream)
print("writes", "decode" in names())
"""


@pytest.fixture(scope="module")
def base() -> BaseModel:
    made, _ = tiny.make_base()
    made.__dict__["end_ids"] = frozenset()  # every column writes all its tokens
    return made


@pytest.fixture(scope="module")
def engine(base) -> Engine:
    return Engine(base)


@pytest.fixture(scope="module")
def people(base) -> list[LoraBank]:
    return [make_person(base, 0), make_person(base, 1, rank=11), make_person(base, 2, tam=True)]


@pytest.fixture(scope="module")
def asks(people) -> list[Ask]:
    """Requests of different prompts, lengths, adapters, settings and methods."""
    hot = DecodeConfig(temperature=1.0, seed=5, max_new_tokens=9)
    return [
        Ask(make_prompt(7), COLUMNS, people[0]),
        Ask(make_prompt(90, 1), COLUMNS, people[1], DecodeConfig(alpha=0.5, repetition_penalty=1.0, max_new_tokens=20)),
        Ask(make_prompt(1, 2), ("cope",), people[2], DecodeConfig(alpha=1.0, tau=0.0, max_new_tokens=1)),
        Ask(make_prompt(33, 3), MANY, people[0], DecodeConfig(alternatives=0, max_new_tokens=5)),
        Ask(make_prompt(20, 4), COLUMNS, people[2], hot),
        Ask(make_prompt(20, 4), COLUMNS, people[2], replace(hot, seed=6)),
    ]


@pytest.fixture(scope="module")
def alone(engine, asks) -> list[dict[str, Column]]:
    """What each request gives when nobody else writes."""
    return [run(engine, ask) for ask in asks]


def test_many_at_once_give_what_each_gives_alone(engine, asks, alone, monkeypatch):
    """While prompts are written for a table and a text is scored, too."""
    seen = watch_steps(monkeypatch, engine)
    prompts, text = [make_prompt(n, n) for n in (4, 25)], make_prompt(70, 9)
    table = lambda: engine.write(prompts, "cope", asks[0].bank, CONFIG)  # noqa: E731
    score = lambda: engine.score(prompts[0], text, "cope", asks[1].bank, CONFIG)  # noqa: E731
    written, scored = table(), score()
    steps = len(seen)
    works = [*(lambda ask=ask: run(engine, ask) for ask in asks), table, score]
    *together, table_together, score_together = run_together(engine, works)
    for ask, one, other in zip(asks, alone, together, strict=True):
        check_same(one, other, ask.config)
    assert table_together == written
    for one, other in zip(scored, score_together, strict=True):
        assert one.id == other.id and one.logp_user == pytest.approx(other.logp_user, abs=2e-3)
    most = max(texts for _, texts in seen[steps:])
    assert most > 1.5 * max(2 * len(ask.methods) for ask in asks) and len(seen) - steps < 40
    assert [ids(columns) for columns in together[4:5]] != [ids(columns) for columns in together[5:]]


def ids(columns):
    return [[token.id for token in column.tokens] for column in columns.values()]


def test_several_threads_ask_one_engine_again_and_again(engine, asks, alone):
    found = {number: [] for number in range(4)}

    def ask_thrice(number):
        found[number] = [run(engine, asks[number]) for _ in range(3)]

    threads = [threading.Thread(target=ask_thrice, args=(number,)) for number in found]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    for number, columns in found.items():
        assert len(columns) == 3
        for own in columns:
            check_same(alone[number], own, asks[number].config)


def test_a_model_that_is_loaded_meanwhile_changes_nothing(engine, asks, alone):
    torch.set_default_dtype(torch.bfloat16)  # as transformers does for that time, and for all threads
    try:
        found = [run(engine, one) for one in asks[:2]]
    finally:
        torch.set_default_dtype(torch.float32)
    for own, one, ask in zip(alone, found, asks, strict=False):
        check_same(own, one, ask.config)


def test_one_joins_within_a_step_while_another_writes(engine, asks, alone, monkeypatch):
    joined = []

    def join(number):
        if number == 4:
            thread = threading.Thread(target=lambda: joined.append(run(engine, asks[0])))
            thread.start()
            joined.append(thread)
            eventually(lambda: engine.shared._waiting)

    seen = watch_steps(monkeypatch, engine, join)
    check_same(alone[1], run(engine, asks[1]), asks[1].config)
    thread = joined.pop(0)
    thread.join(60)
    check_same(alone[0], joined[0], asks[0].config)
    assert [texts for _, texts in seen[3:7]] == [6, 6, 6 + 3, 6 + 6]  # its prompt with three sets of adapters, its rows


@pytest.mark.parametrize("read", [1, 20])
def test_who_stops_reading_for_good_leaves_within_a_step(engine, asks, monkeypatch, read):
    """After so many of its events; the places are free again, and others go on."""
    free = engine.shared.free_places()
    cut = []
    seen = watch_steps(monkeypatch, engine, lambda number: cut.append(number) if outbox_is_cancelled() else None)
    request = engine.join(make_prompt(9), COLUMNS, asks[0].bank, replace(CONFIG, max_new_tokens=200))
    events = engine.run([request])

    def outbox_is_cancelled():
        return any(work.outbox.cancelled for work in engine.shared._running)

    for _ in range(read):
        next(events)
    events.close()
    assert eventually(lambda: not engine.shared.is_busy())
    assert engine.shared.free_places() == free and len(cut) <= 1 and len(seen) < 60


@pytest.mark.parametrize("fault", ["another shape", "no adapter of that name"])
def test_an_adapter_that_does_not_fit_ends_its_request_alone(engine, asks, alone, fault):
    broken = Lora({"model.layers.0.mlp.down_proj": (torch.ones(4, 7), torch.ones(64, 4))}, 4)
    loras = {"oppu": broken, "cope": broken} if fault == "another shape" else {"oppu": asks[0].bank.loras["oppu"]}
    bad = replace(asks[0], bank=LoraBank(loras, torch.float32, torch.device("cpu")))
    free = engine.shared.free_places()
    asked = [asks[0], bad, asks[1]]
    one, error, other = run_together(engine, [lambda ask=ask: run(engine, ask) for ask in asked])
    assert isinstance(error, CopeError if fault == "another shape" else KeyError), error
    check_same(alone[0], one, CONFIG)
    check_same(alone[1], other, asks[1].config)
    assert eventually(lambda: engine.shared.free_places() == free)


@pytest.fixture(params=["CPU", "GPU"])
def device_engine(request, base, monkeypatch) -> Engine:
    """An engine that is new, by the means of a CPU and of a GPU (on this CPU)."""
    if request.param == "GPU":
        make_pool = partial(TorchPool, device=torch.device("cpu"), dtype=torch.float32)
        monkeypatch.setattr(forward, "CpuPool", make_pool)
        monkeypatch.setattr(adapter_slots, "DressedOnCpu", dress_by_torch)
    return Engine(base)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("huge", ["its numbers", "its adapter"])
def test_numbers_that_are_none_end_their_request_alone(device_engine, base, asks, temperature, huge):
    """An adapter may be finite and yet lead to no number; sampled columns of others draw as without it."""
    engine = device_engine
    if huge == "its numbers":
        huge = tiny.make_lora(base.model, 1, scale=1e25)
    else:  # which is too much for anybody's input
        huge = tiny.make_lora(base.model, 1)
        huge = Lora({path: (down.sign() * 3e38, up) for path, (down, up) in huge.weights.items()}, huge.rank)
    bad = replace(asks[4], bank=LoraBank({"oppu": huge, "cope": huge}, torch.float32, torch.device("cpu")))
    bad = replace(bad, config=replace(bad.config, temperature=temperature))
    score = lambda: engine.score(bad.prompt, make_prompt(5), "cope", bad.bank, bad.config)  # noqa: E731
    asked = [lambda ask=ask: run(engine, ask) for ask in (bad, asks[4], asks[1])]
    one, other = asked[1](), asked[2]()  # of different lengths
    for works in ([score, *asked], asked):  # the score takes the pool's first places, where its numbers stay
        *refused, first, second = run_together(engine, works)
        for refusal in refused:
            assert isinstance(refusal, CopeError) and "infinite or none at all" in str(refusal)
        assert [ids(first), ids(second)] == [ids(one), ids(other)]


def test_a_fault_of_the_machine_ends_what_runs_and_nothing_else(engine, asks, alone, monkeypatch):
    failed = []

    def fail(number):
        if number == 3 and not failed:
            failed.append(number)
            raise MemoryError("no memory")

    free = engine.shared.free_places()
    watch_steps(monkeypatch, engine, fail)
    found = run_together(engine, [lambda: run(engine, asks[0]), lambda: run(engine, asks[1])])
    assert [type(one) for one in found] == [MemoryError, MemoryError]
    check_same(alone[0], run(engine, asks[0]), CONFIG)
    assert eventually(lambda: engine.shared.free_places() == free)


def test_one_whose_events_nobody_fetches_pauses_alone(engine, asks, alone, monkeypatch):
    slow = Ask(make_prompt(6), ("cope",), asks[0].bank, DecodeConfig(max_new_tokens=FULL + 60))
    expected = run(engine, slow)
    events = engine.run([engine.join(slow.prompt, slow.methods, slow.bank, slow.config)])
    fetched = [next(events)]
    eventually(lambda: any(work.outbox.is_full for work in engine.shared._running))
    seen = watch_steps(monkeypatch, engine)
    check_same(alone[1], run(engine, asks[1]), asks[1].config)
    assert max(texts for _, texts in seen) == 6
    work = next(iter(engine.shared._running))
    assert len(work.outbox._items) == FULL
    fetched += events
    column = Column("cope")
    [column.record(event) for event in fetched]
    assert count_tokens(fetched) == FULL + 60
    check_same(expected, {"cope": column}, slow.config)


def test_what_the_pool_never_holds_is_refused_at_once(base, asks, monkeypatch):
    monkeypatch.setattr(engine_module, "PLACES", 200)
    small = Engine(base)
    with pytest.raises(CopeError, match="takes the memory of 342 tokens.*has room for 200; ask for fewer columns"):
        run(small, Ask(make_prompt(90), COLUMNS, asks[0].bank))
    assert not small.shared.is_busy() and small.shared.free_places() == 200
    columns = run(small, asks[0])  # 93 places
    assert all(len(column.tokens) == 12 for column in columns.values())


def test_the_thread_ends_when_nobody_writes_and_begins_again(base, asks, alone, monkeypatch):
    monkeypatch.setattr(shared_pass, "IDLE_SECONDS", 0.02)
    own = Engine(base)
    for _ in range(2):
        check_same(alone[0], run(own, asks[0]), CONFIG)
        assert eventually(lambda: not own.shared._serving)


def test_a_process_that_ends_while_somebody_writes_ends_well():
    """Else the thread might be within torch, which breaks off with an abort."""
    command = [sys.executable, "-c", WRITE_AND_END]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split("\n")[-3:] == ["writes True", "ends ['MainThread']", ""]
