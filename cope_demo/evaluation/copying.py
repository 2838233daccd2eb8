"""What a text takes over word by word from a history, and how much it repeats itself: guards beside attribution.

A text that copies its author is easy to attribute, and one that says the same words again and again keeps the letters
of an author, too.
"""

from collections.abc import Sequence

RUN = 4
"""Words in a row that count as copied; fewer are phrases that everybody uses."""


def measure_copying(text: str, history: Sequence[str]) -> float:
    """The share of the text's words that stand in a run of at least RUN words which some text of the history has too.

    Words are compared without case; 0 for a text without words.
    """
    words = text.lower().split()
    known = {run for other in history for run in _list_runs(other.lower().split(), RUN)}
    copied = set()
    for start, run in enumerate(_list_runs(words, RUN)):
        if run in known:
            copied.update(range(start, start + RUN))
    return len(copied) / len(words) if words else 0.0


def measure_repetition(text: str) -> float:
    """The share of the text's pairs of words in a row that it has had before; 0 for a text of fewer than two words."""
    pairs = _list_runs(text.lower().split(), 2)
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0


def _list_runs(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + length]) for start in range(len(words) - length + 1)]
