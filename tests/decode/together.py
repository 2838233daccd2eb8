"""Requests of several people at once: made, run alone and run together, and what is seen of the steps."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import METHODS
from cope_demo.decode.request import list_models
from cope_demo.decode.trace import Column, TokenEvent
from cope_demo.model.adapters import TAM, LoraBank, average_loras, name_mean
from cope_demo.model.compiling import running_loops
from tests import tiny
from tests.decode.naive import check_same_up_to_ties
from tests.fits import eventually

TIE = 2e-3
"""Nats: what a number may depend on who else is writing."""


@dataclass(frozen=True)
class Ask:
    """A request of somebody."""

    prompt: list[int]
    methods: tuple[str, ...]
    bank: LoraBank
    config: DecodeConfig = DecodeConfig(max_new_tokens=12)
    owner: object = None
    amateur: list[int] | None = None
    """The amateurs' prompt, where it is another one."""


class Seen(NamedTuple):
    """A step: its token rows, and how many texts they belong to."""

    rows: int
    texts: int


def make_prompt(length: int, seed: int = 0) -> list[int]:
    return torch.randint(10, 300, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def make_person(base, seed: int, rank: int = 4, tam: bool = False) -> LoraBank:
    """The adapters of somebody, and the mean of two others'; with tam, of a task whose adapter is part of base."""
    loras = {name: tiny.make_lora(base.model, 3 * seed + n, rank) for n, name in enumerate(("oppu", "cope"))}
    mean = average_loras([tiny.make_lora(base.model, 90 + n, rank) for n in range(2)])
    loras |= {name_mean(name): mean for name in ("oppu", "cope")}
    return make_bank(base, loras | ({TAM: tiny.make_lora(base.model, 3 * seed + 2)} if tam else {}))


def run(engine: Engine, ask: Ask) -> dict[str, Column]:
    """The request's columns."""
    columns = {method: Column(method) for method in ask.methods}
    request = engine.join(ask.prompt, ask.methods, ask.bank, ask.config, amateur_prompt_ids=ask.amateur)
    for event in engine.run([request], ask.owner):
        columns[event.method].record(event)
    return columns


def run_together(engine: Engine, works: Sequence) -> list:
    """What each of these calls gives, an error as itself; all are asked for before the first step."""
    found: list = [None] * len(works)

    def call(number: int) -> None:
        try:
            found[number] = works[number]()
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=call, args=(number,), daemon=True) for number in range(len(works))]
    with running_loops():  # no step meanwhile
        for asked, thread in enumerate(threads, 1):
            thread.start()
            eventually(lambda asked=asked: len({id(one.outbox) for one in engine.shared._waiting}) == asked)
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return found


def watch_steps(monkeypatch, engine: Engine, before=lambda number: None) -> list[Seen]:
    """The steps from here on. before: is called in each of them, with its number."""
    seen: list[Seen] = []
    step = engine.shared.forward.run

    def watched(ids, worn, layout, *rest):
        before(len(seen))
        seen.append(Seen(len(ids), len(layout.places)))
        return step(ids, worn, layout, *rest)

    monkeypatch.setattr(engine.shared.forward, "run", watched)
    return seen


def check_same(one: dict[str, Column], other: dict[str, Column], config: DecodeConfig) -> None:
    """The same columns but for TIE."""
    assert list(one) == list(other)
    for method, column in one.items():
        assert column.stopped == other[method].stopped is not None
        check_same_up_to_ties(column, other[method], tie=TIE, config=config)
        for left, right in zip(column.tokens, other[method].tokens, strict=False):
            if left.id != right.id:
                break
            assert abs(left.logp_user - right.logp_user) < TIE and abs(left.logp_base - right.logp_base) < TIE


def count_rows(columns: dict[str, Column]) -> int:
    """The token rows that it takes to write these, after the prompt: columns that say the same share theirs."""
    rows = {
        (names, tuple(token.id for token in column.tokens[:count]))
        for method, column in columns.items()
        for names in list_models(METHODS[method], True)
        for count in range(1, len(column.tokens))
    }
    return len(rows)


def count_tokens(events: list) -> int:
    return sum(isinstance(event, TokenEvent) for event in events)
