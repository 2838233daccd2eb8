"""Numbers as the page's scripts write them, so that one value has one form wherever it stands; and long texts cut."""

from decimal import ROUND_HALF_UP, Decimal

WIRE_DIGITS = 4
"""Decimals of a logarithm on its way to the browser (token_view/wire.py), and of those that are written here."""


def round_logp(value: float) -> float:
    """A logarithm as the browser reads it."""
    return round(value, WIRE_DIGITS)


def format_fixed(value: float, digits: int) -> str:
    """A number with so many decimals: halves away from zero, as JavaScript's toFixed, and with a real minus sign."""
    text = str(Decimal(abs(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
    return f"\u2212{text}" if value < 0 and float(text) else text


def shorten_text(text: str, limit: int = 200) -> str:
    """A text on one line, of `limit` characters at most and an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit].rsplit(' ', 1)[0]} …"
