"""Intervals, tests and components of variance, against numbers made to known ones."""

from itertools import product

import numpy
import pytest
from scipy import stats

from cope_demo.evaluation import replicates
from cope_demo.evaluation.replicates import (
    average_authors,
    estimate_components,
    estimate_gain,
    estimate_mean,
    flip_signs,
    subtract,
)


def make_values(authors: int, seeds: int, queries: int, spread: dict[str, float], seed: int = 0) -> dict:
    """Values with these standard deviations of author, refit, query and rest."""
    random = numpy.random.default_rng(seed)
    values = {}
    for author in range(authors):
        own, by_query = random.normal(0, spread["author"]), random.normal(0, spread["query"], queries)
        values[f"a{author}"] = {
            number: (
                own + random.normal(0, spread["refit"]) + by_query + random.normal(0, spread["rest"], queries)
            ).tolist()
            for number in range(seeds)
        }
    return values


def test_an_author_counts_once_whatever_their_seeds_and_queries():
    values = {"b": {0: [1.0, 3.0], 1: [4.0, 4.0]}, "a": {0: [1.0]}}
    assert average_authors(values).tolist() == [1.0, 3.0]


def test_one_task_has_the_textbook_interval():
    group = numpy.array([0.1, 0.4, -0.2, 0.3, 0.25])
    found, wanted = estimate_mean([group]), stats.ttest_1samp(group, 0).confidence_interval(0.95)
    assert found.ends == pytest.approx((wanted.low, wanted.high)) and found.freedom == pytest.approx(4)


def test_pooled_tasks_have_welchs_degrees_of_freedom():
    one, other = numpy.array([1.0, 2.0, 4.0, 3.0]), numpy.array([10.0, 30.0, 20.0])
    found = estimate_mean([one, -other])
    welch = stats.ttest_ind(one, other, equal_var=False)
    assert found.mean * 2 == pytest.approx(one.mean() - other.mean())
    assert found.freedom == pytest.approx(welch.df) and found.mean / found.error == pytest.approx(welch.statistic)


def test_intervals_cover_what_they_say():
    random = numpy.random.default_rng(1)
    draws = [estimate_mean([random.normal(0, 1, 6), random.normal(0, 5, 9)]).ends for _ in range(1000)]
    assert 0.93 < numpy.mean([low < 0 < high for low, high in draws]) < 0.975


def test_a_gain_is_paired_and_relative():
    over = numpy.array([1.0, 2.0, 3.0])
    sure = estimate_gain([1.1 * over], [over])
    assert sure.mean == pytest.approx(0.1) and sure.error == pytest.approx(0)
    loose = estimate_gain([over + [0.5, -0.2, 0.3]], [over])
    assert loose.mean == pytest.approx(0.1) and loose.ends[0] < 0 < loose.ends[1]


def test_signs_are_flipped_exactly():
    several = [
        [numpy.array([1.0, 2.0, 3.0, 4.0])],
        [numpy.array([1.0, 2.0]), numpy.array([3.0, 4.0])],
        [numpy.array([1.0, -1.0])],
        [numpy.zeros(4)],
        [numpy.array([2.0, 1.0, 1.0, -1.0])],
    ]
    assert flip_signs(several) == pytest.approx([2 / 16, 2 / 16, 1, 1, 8 / 16])
    assert flip_signs([]) == []


def test_ties_are_ties_after_rounding_too():
    """Shares of few pairs have many; the p is that of exact arithmetic."""
    ninetieths = [0, 0, 10, 1, 0, 1, 2, 1, 0, 0, 4, 0, -2, 0, 2, 1]
    flips = product((1, -1), repeat=len(ninetieths))
    exact = [sum(sign * one for sign, one in zip(signs, ninetieths, strict=True)) for signs in flips]
    wanted = sum(abs(one) >= sum(ninetieths) for one in exact) / len(exact)
    rounded = numpy.array([round(one / 90, 5) for one in ninetieths])
    assert flip_signs([[rounded]]) == [wanted] == flip_signs([[numpy.array(ninetieths) / 90]])
    assert wanted == pytest.approx(0.0547, abs=1e-4)


def test_drawn_flips_agree_with_all(monkeypatch):
    group = numpy.random.default_rng(5).normal(0.5, 1, 14)
    (exact,) = flip_signs([[group]])
    monkeypatch.setattr(replicates, "EXACT", 13)
    assert 0.01 < exact == pytest.approx(flip_signs([[group]])[0], abs=1e-3)


def test_of_many_authors_some_flips_are_drawn(monkeypatch):
    monkeypatch.setattr(replicates, "FLIPS", 2000)
    draws = numpy.random.default_rng(3)
    lead, none = draws.normal(0.5, 1, 40), draws.normal(0, 1, 40)
    found = flip_signs([[lead], [none], [lead]])
    assert found[0] < 0.02 < found[1] and found[0] == found[2] == flip_signs([[lead]])[0]


def test_variance_is_told_apart():
    spread = {"author": 0.4, "refit": 0.3, "query": 0.6, "rest": 0.5}
    found = estimate_components(make_values(400, 3, 8, spread))
    assert found == pytest.approx(spread, abs=0.04)
    single = estimate_components(make_values(400, 1, 8, spread | {"refit": 0.0}))
    assert single["refit"] is None and single["author"] == pytest.approx(0.4, abs=0.04)
    assert single["query"] == pytest.approx((0.6**2 + 0.5**2) ** 0.5, abs=0.04)


def test_little_data_gives_what_it_can():
    alone = estimate_mean([numpy.array([0.3])])
    assert alone.mean == 0.3 and alone.ends == (-float("inf"), float("inf"))
    assert estimate_components({"a": {0: [1.0]}})["author"] == 0
    with pytest.raises(ValueError):
        estimate_mean([numpy.array([])])


def test_methods_are_paired_within_author_and_seed():
    own, over = {"a": {0: [1.0, 2.0], 1: [3.0, 5.0]}}, {"a": {0: [0.5, 1.0], 1: [3.0, 1.0]}}
    assert subtract(own, over) == {"a": {0: [0.5, 1.0], 1: [0.0, 4.0]}}
    with pytest.raises(ValueError):
        subtract(own, {"a": {0: [0.5, 1.0]}})
