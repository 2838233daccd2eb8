"""The remaining time of a fit: nothing before something was measured, and then what was measured."""

import pytest

from cope_demo.config import FitConfig
from cope_demo.fit import eta
from cope_demo.fit.eta import Eta, estimate_work
from cope_demo.fit.events import FitEvent
from cope_demo.fit.examples import Example

WORK = {"oppu": 100.0, "negatives": 50.0, "dpo": 200.0}


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets: clock[0], in seconds."""
    now = [100.0]
    monkeypatch.setattr(eta.time, "monotonic", lambda: now[0])
    return now


def test_nothing_is_said_before_anything_was_measured(clock):
    left = Eta(WORK, {})
    assert left.seconds(FitEvent("oppu", 1, 10)) is None
    clock[0] += 1
    assert left.seconds(FitEvent("oppu", 2, 10)) is None, "too short a time to go by"
    assert left.seconds(FitEvent("publish", 0, 1)) is None


def test_the_steps_of_the_stage_tell_its_rest_and_what_comes_after(clock):
    left = Eta(WORK, {})
    left.seconds(FitEvent("oppu", 1, 10))
    clock[0] += 40  # four steps: 1 unit a second
    assert left.seconds(FitEvent("oppu", 5, 10)) == pytest.approx(50 + 50 + 200)


def test_a_stage_that_is_slower_than_those_before_counts_by_its_own_steps(clock):
    left = Eta(WORK, {"oppu": 10.0})  # 10 units a second
    assert left.seconds(FitEvent("negatives", 1, 10)) == pytest.approx(45 / 10 + 200 / 10)
    clock[0] += 50  # one step of 5 units: 0.1 a second
    assert left.seconds(FitEvent("negatives", 2, 10)) == pytest.approx(40 / 0.1 + 200 / ((10 + 0.1) / 2))


def test_few_texts_do_not_sample_in_proportion():
    """A step costs nearly as much for few candidates as for many, and the longest takes as many steps either way."""
    examples = [Example([1] * 40, [2] * length) for length in (130, *[60] * 39)]
    few, many = (estimate_work(texts[1:], texts[:1], FitConfig()) for texts in (examples[:8], examples))
    assert many["negatives"] < 3 * few["negatives"] and many["oppu"] == pytest.approx(39 / 7 * few["oppu"])
    short = estimate_work(examples[1:], [], FitConfig(candidates=1))
    assert short["negatives"] < many["negatives"] and short["dpo"] == many["dpo"]
