"""The preference of a text and the difference of two, with their certainty."""

import numpy
import pytest

from cope_demo.decode.verdict import difference, preference
from tests.scripted import token


def text(values):
    return [token("x", user=value - 3.0, base=-3.0) for value in values]


def test_a_preference_is_the_mean_with_its_interval():
    values = numpy.random.default_rng(0).normal(0.5, 1.0, 400)
    found = preference(text(values))
    assert found.mean == pytest.approx(values.mean()) and found.low < found.mean < found.high
    assert found.high - found.low == pytest.approx(4 * 1.0 / 20, rel=0.25) and found.sure
    assert preference(text(values)) == found  # the same for the same text
    assert not preference(text([2.0, -2.0] * 5)).sure


def test_neighbours_that_hang_together_make_less_certain():
    alone = numpy.random.default_rng(1).normal(0, 1.0, 400)
    runs = numpy.repeat(alone[:50], 8)
    one, other = preference(text(alone)), preference(text(runs))
    assert other.high - other.low > 2 * (one.high - one.low)


def test_an_interval_covers_the_truth_as_often_as_it_says():
    random = numpy.random.default_rng(2)
    for count in (12, 60):
        found = [preference(text(random.normal(0, 1, count))) for _ in range(200)]
        assert 0.84 <= numpy.mean([one.low <= 0 <= one.high for one in found]) <= 0.98


def test_a_difference_of_two_texts():
    a, b = text([1.0] * 20 + [0.5] * 20), text([0.0] * 20 + [-0.5] * 20)
    assert difference(a, b).mean == pytest.approx(1.0) and difference(a, b).sure
    assert difference(b, a).mean == pytest.approx(-1.0) and not difference(a, a).sure
