"""Numbers as JavaScript's toFixed writes them."""

import pytest

from cope_demo.ui.figures import format_fixed, round_logp, shorten_text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-1.625, 2, "\u22121.63"),
        (1.625, 2, "1.63"),
        (1.005, 2, "1.00"),
        (-0.001, 2, "0.00"),
        (2.5, 0, "3"),
        (12, 1, "12.0"),
    ],
)
def test_halves_go_away_from_zero_and_zero_has_no_sign(value, digits, text):
    assert format_fixed(value, digits) == text  # as (1.625).toFixed(2) is "1.63" and (1.005).toFixed(2) "1.00"


def test_a_logarithm_is_rounded_once():
    assert round_logp(-1.62496) == -1.625


def test_a_long_text_is_shortened_between_words():
    assert shorten_text("one  two\nthree", 13) == "one two three"
    assert shorten_text("one two three", 12) == "one two …"
