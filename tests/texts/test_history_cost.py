"""Histories of the largest size, made to be slow to read: each is read or refused in seconds, and in bounded memory."""

import time
import tracemalloc

import pytest

from cope_demo.errors import CopeError
from cope_demo.texts.formats import MAX_ENTRIES
from cope_demo.texts.history import MAX_BYTES, read_history

SECONDS = 3.0
"""Of processor time; none took more than 1.3 s on the machine of docs/faults.md."""
SIZE = MAX_BYTES - 10_000


def fill(piece: str | bytes):
    """As many of this piece as a history may hold."""
    return piece * (SIZE // len(piece.encode() if isinstance(piece, str) else piece))


SLOW = {
    "quotes that never match": ("text\n" + '"\n' * 2_000_000, "a.csv"),
    "quotes and delimiters": (fill('";,'), "a.csv"),
    "quoted columns": ("text\n" + '"\n",' * 1_000_000, "a.csv"),
    "a row a letter": ("text\n" + "a\n" * 2_400_000, "a.csv"),
    "only columns": (fill(","), "a.csv"),
    "columns in every row": ("text\n" + ("," * 99 + "\n") * 49_000, "a.csv"),
    "a record a line": (fill("{}\n"), "a.jsonl"),
    "a list of nothing": ("[" + "{}," * 1_600_000 + "{}]", "a.json"),
    "an open bracket": (fill("["), "a.json"),
    "a long number": ("[" + "1" * 4_900_000 + "]", "a.json"),
    "one long text": (fill("# "), None),
    "one long line of dashes": ("-" * 4_900_000 + "x", None),
    "spaces": ("a" + " " * 4_900_000 + "b", None),
    "thirty marks in a row": (fill("\u0301" * 30 + "a"), None),
    "joiners": (fill("é\u200d"), None),
    "a text a letter": (fill("a\n\n"), None),
    "bytes of no encoding": (fill(b"\xff"), "a.txt"),
    "bytes of every other kind": (fill(b"\x81a"), "a.txt"),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_history_takes_long(name):
    source, filename = SLOW[name]
    start = time.process_time()
    try:
        assert len(read_history(source, filename).samples) <= 1
    except CopeError as error:
        assert len(str(error)) < 500
    assert time.process_time() - start < SECONDS


def test_quotes_that_never_match_cost_nothing_in_a_small_file():
    start = time.process_time()
    with pytest.raises(CopeError, match="columns"):
        read_history('"\n' * 5000, "a.csv")
    assert time.process_time() - start < 0.5


def test_more_texts_than_can_be_looked_through_are_refused():
    for source, name in (("text\n" + "a\n" * (MAX_ENTRIES + 1), "a.csv"), ('"a"\n' * (MAX_ENTRIES + 1), "a.jsonl")):
        with pytest.raises(CopeError, match="more than 300,000 texts"):
            read_history(source, name)
    assert read_history("text\n" + "a b c\n" * MAX_ENTRIES, "a.csv").found == MAX_ENTRIES


def test_rows_do_not_multiply_in_memory():
    tracemalloc.start()
    try:
        with pytest.raises(CopeError, match="more than"):
            read_history("text\n" + "a\n" * 2_000_000, "a.csv")
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()
