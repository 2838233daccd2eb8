"""Which comparisons still run, and whose each is."""

from types import SimpleNamespace

import pytest

from cope_demo.errors import CopeError
from cope_demo.ui.token_view import runs


@pytest.fixture(autouse=True)
def no_runs(monkeypatch):
    """As after a start."""
    monkeypatch.setattr(runs, "_runs", type(runs._runs)())
    monkeypatch.setattr(runs, "_live", set())


def test_a_run_is_alive_until_it_ends_and_known_afterwards():
    run = runs.begin("service", "ada")
    assert runs.alive(run) and runs.whose(run) == ("service", "ada")
    runs.end(run)
    assert not runs.alive(run) and runs.whose(run) == ("service", "ada")


def test_each_run_has_an_id_that_cannot_be_guessed():
    ids = {runs.begin("service", "ada") for _ in range(20)}
    assert len(ids) == 20 and {len(run) for run in ids} == {32}


@pytest.mark.parametrize("run", ["", "0" * 32, None, 5, ["x"], {}])
def test_an_unknown_id_is_refused(run):
    runs.begin("service", "ada")
    with pytest.raises(CopeError, match="too old"):
        runs.whose(run)
    assert not isinstance(run, str) or not runs.alive(run)


def test_the_oldest_run_goes_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr(runs, "KEPT_RUNS", 3)
    first, second, *_ = [runs.begin("service", f"user{number}") for number in range(4)]
    with pytest.raises(CopeError, match="too old"):
        runs.whose(first)
    assert runs.whose(second) == ("service", "user1")


def test_many_runs_of_one_address_evict_nobody_else(monkeypatch):
    """2,000 are begun: half under one secret, which costs not even its own address, half under invented ones."""

    def visitor(address: str, secret: str):
        return SimpleNamespace(caller=SimpleNamespace(address=address, visitor=secret))

    monkeypatch.setattr(runs, "KEPT_RUNS", 100)
    mine, class_mate = runs.begin(visitor("a", "me"), "ada"), runs.begin(visitor("b", "mate"), "ada")
    for _ in range(1000):
        runs.begin(visitor("b", "one"), "ada")
    assert runs.whose(mine) and runs.whose(class_mate) and len(runs._runs) == 100
    for number in range(1000):
        runs.begin(visitor("b", f"invented {number}"), "ada")
    assert runs.whose(mine) and runs.alive(mine) and len(runs._runs) == 100
