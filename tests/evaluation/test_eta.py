"""How long a study will still take: by the work of its parts, at the speed that was seen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cope_demo.evaluation.eta import (
    CONTROLS,
    TEXTS,
    Progress,
    estimate_controls,
    estimate_fit,
    estimate_texts,
)
from cope_demo.evaluation.evaluate import make_settings, prepare_measurement
from cope_demo.evaluation.study import run_study
from cope_demo.texts.lamp import USERS, read_authors
from tests import tiny
from tests.evaluation.test_evaluate import TASK, author
from tests.fit.test_pipeline import FAST


class Study:
    """A study whose authors take a second a unit of work (of controls two), seen by a Progress with a clock."""

    PACE = {TEXTS: 1.0, CONTROLS: 2.0}

    def __init__(self, processes: int):
        self.now, self.processes, self.told = 0.0, processes, []
        self.progress = Progress(lambda *said: self.told.append((self.now, *said)), processes, lambda: self.now)

    def run(self, part: tuple[int, str], works: dict[str, float], done: int = 0) -> None:
        """Whoever is free takes the next author."""
        self.progress.begin(part, works, done)
        free, ends = [self.now] * self.processes, []
        for name, work in works.items():
            place = free.index(min(free))
            free[place] += (seconds := work * self.PACE[part[1]])
            ends.append((free[place], name, seconds))
        for self.now, name, seconds in sorted(ends):
            self.progress.count(name, seconds)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_author_already_tells_how_long_all_take(processes):
    study, works = Study(processes), {f"a{n}": 10.0 + n % 2 for n in range(16)}
    for seed in (0, 1):
        study.progress.expect((seed, TEXTS), works)
    for seed in (0, 1):
        study.run((seed, TEXTS), works)
    assert [said[1:3] for said in study.told[:16]] == [(n + 1, 16) for n in range(16)]
    for when, _, _, eta in study.told:
        assert when + eta == pytest.approx(study.now, rel=0.05)  # the last may leave a process idle
    assert study.told[-1][-1] == 0


def test_controls_go_as_fast_as_texts_until_one_is_measured():
    study = Study(1)
    study.progress.expect((0, CONTROLS), {"a": 30.0, "b": 30.0})
    study.run((0, TEXTS), {"a": 10.0, "b": 10.0})
    study.run((0, CONTROLS), {"a": 30.0, "b": 30.0})
    assert [eta for *_, eta in study.told] == [70.0, 60.0, 60.0, 0.0]


def test_a_run_that_goes_on_counts_what_it_lacks():
    study = Study(1)
    study.run((0, TEXTS), {"c": 10.0, "d": 20.0}, done=2)
    assert study.told == [(10.0, 3, 4, 20.0), (30.0, 4, 4, 0.0)]


def test_whoever_cannot_be_measured_tells_no_speed():
    study = Study(1)
    study.progress.begin((0, TEXTS), {"a": 10.0, "b": 10.0, "c": 10.0}, 0)
    study.progress.count("a", None)
    assert study.told == [(0.0, 1, 3, 0.0)]  # nothing can be said yet
    study.now = 10.0
    study.progress.count("b", 10.0)
    assert study.told[-1] == (10.0, 2, 3, 10.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A folder with the tiny model and three authors, one of them without a history."""
    root = tmp_path_factory.mktemp("eta")
    tiny.make(root / "model")
    (root / USERS).write_text(json.dumps([author(1), author(2, records=0), author(3)]))
    return root


def test_work_is_counted_once_and_grows_with_what_there_is_to_do(root, monkeypatch, tmp_path):
    monkeypatch.setenv("COPE_DATA", str(root / "data"))
    monkeypatch.setenv("COPE_CACHE", str(root / "cache"))
    given = {"model": str(root / "model"), "config": FAST, "decode": {"max_new_tokens": 4}}
    settings = make_settings(TASK, ["oppu", "cope"], 0, **given)
    run, (first, without, other) = prepare_measurement(settings), read_authors(root, USERS)
    assert estimate_fit(run, first) > 0 and estimate_fit(run, without) == 0
    empty = replace(first, queries=[replace(first.queries[0], input=" ")])
    assert estimate_texts(run, empty) == estimate_controls(run, empty, 2, 0) == 0
    longer = prepare_measurement(replace(settings, decode=(("max_new_tokens", 8),)))
    assert estimate_texts(run, first) < estimate_texts(longer, first)
    assert estimate_controls(run, first, 2, 0) < estimate_controls(run, first, 3, 0)
    assert estimate_controls(run, first, 2, 0) < estimate_controls(run, first, 2, 8)
    told = []
    run_study(TASK, root, ["oppu", "cope"], tmp_path, samples=0, tell=lambda *said: told.append(said), **given)
    assert [said[:2] for said in told] == [(number, of) for of in (3, 2) for number in range(1, of + 1)]
    etas = [eta for *_, eta in told]
    assert etas[-1] == 0 and etas[0] > etas[-2] > 0
    assert estimate_fit(run, first) == estimate_fit(run, other) == 0  # they are kept
