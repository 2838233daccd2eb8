"""Which comparisons still run, and whose each is."""

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
