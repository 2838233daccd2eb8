"""Copying and repetition."""

import pytest

from cope_demo.evaluation.copying import measure_copying, measure_repetition

HISTORY = ["Nobody asked the goose what it wanted", "soup on monday, soup on tuesday"]


def test_only_runs_of_words_count_as_copied():
    assert measure_copying("asked the goose what", HISTORY) == 1
    assert measure_copying("we ASKED the goose what now", HISTORY) == pytest.approx(4 / 6)
    assert measure_copying("asked the goose soup on monday,", HISTORY) == 0  # three words each
    assert measure_copying("", HISTORY) == measure_copying("asked the goose what", []) == 0


def test_repetition_is_of_pairs():
    assert measure_repetition("a b a b a") == pytest.approx(0.5)
    assert measure_repetition("one") == measure_repetition("no pair comes twice") == 0
