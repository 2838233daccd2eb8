"""What a sentence repeats of a value is short and on one line."""

import math

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.errors import CopeError, quote

NESTED = None
for _ in range(10_000):
    NESTED = [NESTED]
HOSTILE = ["x" * 10**6, "a\nb\r\u2028c", "\n" * 100, 10**400, 10**5000, NESTED, {"a" * 99: 1}, math.nan, math.inf, True]


def test_ordinary_values_are_quoted_whole():
    assert [quote(value) for value in ("magic", 7.0, 301, None)] == ["'magic'", "7.0", "301", "None"]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_values_are_cut(number):
    text = quote(HOSTILE[number])
    assert len(text) < 300 and len(text.splitlines()) == 1
    for name in ("alpha", "max_new_tokens"):
        with pytest.raises(CopeError, match=f"^{name} must be a(?: whole)? number from") as refused:
            DecodeConfig(**{name: HOSTILE[number]})
        assert text in str(refused.value)
