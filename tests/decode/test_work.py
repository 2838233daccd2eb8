"""Columns of a request that say the same share the rows of a step until they part, and lose nothing by it."""

from dataclasses import replace

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import Engine
from cope_demo.decode.methods import COLUMNS, name_column
from cope_demo.decode.trace import Column
from tests import tiny
from tests.decode.together import Ask, check_same, make_person, make_prompt, run, watch_steps

CONFIG = DecodeConfig(max_new_tokens=14, repetition_penalty=1.0)


@pytest.fixture(scope="module")
def engine() -> Engine:
    base, _ = tiny.make_base()
    base.__dict__["end_ids"] = frozenset()  # every column writes all its tokens
    return Engine(base)


@pytest.fixture(scope="module")
def person(engine):
    return make_person(engine.base, 0, tam=True)


def run_at(engine, ask: Ask, alphas) -> dict[str, Column]:
    request = engine.join(ask.prompt, ask.methods, ask.bank, ask.config, alphas=alphas)
    columns = {column.name: Column(column.method.name) for column in request.columns}
    for event in engine.run([request]):
        columns[event.method].record(event)
    return columns


def test_columns_at_several_alphas_are_those_of_each_alone(engine, person):
    alphas = (0.0, 0.4, 0.40001, 1.0)
    ask = Ask(make_prompt(30), (*COLUMNS, "oppu+cd"), person, CONFIG)
    columns = run_at(engine, ask, alphas)
    expected = {}
    for alpha in alphas:
        alone = run(engine, replace(ask, config=replace(CONFIG, alpha=alpha)))
        expected |= {name_column(method, alpha): alone[method] for method in ("cope", "oppu+cd")}
    expected |= {method: run(engine, replace(ask, methods=(method,)))[method] for method in ("greedy", "oppu")}
    assert set(columns) == set(expected)
    check_same({name: columns[name] for name in expected}, expected, CONFIG)
    texts = [tuple(token.id for token in column.tokens) for column in columns.values()]
    assert 3 < len(set(texts)) < len(texts)


def test_rows_are_shared_until_the_columns_part(engine, person, monkeypatch):
    """Two alphas so near that they never part, and a third that does."""
    ask = Ask(make_prompt(30), ("cope",), person, CONFIG)
    seen = watch_steps(monkeypatch, engine)
    near = run_at(engine, ask, (0.4, 0.40001))
    assert [step.texts for step in seen[-13:]] == [2] * 13
    assert len({tuple(token.id for token in column.tokens) for column in near.values()}) == 1
    seen.clear()
    three = [[token.id for token in column.tokens] for column in run_at(engine, ask, (0.4, 0.40001, 1.0)).values()]
    parted = next(n for n in range(14) if three[0][n] != three[2][n])
    assert parted < 13
    expected = [2 if n < parted else 4 for n in range(13)]
    assert [step.texts for step in seen[-13:]] == expected


def test_samples_of_a_prompt_read_it_once(engine, person, monkeypatch):
    config = replace(CONFIG, temperature=1.0, seed=3)
    prompts = [make_prompt(25, 1), make_prompt(40, 2)]
    alone = [engine.write([one], "oppu", person, replace(config, seed=3 + n)) for one in prompts for n in range(3)]
    seen = watch_steps(monkeypatch, engine)
    assert engine.write(prompts, "oppu", person, config, samples=3) == [text for (text,) in alone]
    assert sum(step.rows for step in seen) <= 25 + 40 + 6 * 13


def test_places_are_given_back(engine, person):
    before = engine.shared.free_places()
    run_at(engine, Ask(make_prompt(30), COLUMNS, person, CONFIG), (0.1, 0.5))
    assert engine.shared.free_places() == before
