"""Generated histories of every kind: reading and parsing give a history or a sentence, and nothing else ever."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cope_demo.errors import CopeError
from cope_demo.texts import key_phrases
from cope_demo.texts.history import MAX_PROMPT, MAX_RESPONSE, MAX_TEXTS, parse_history, read_history
from cope_demo.texts.tasks import TASKS
from cope_demo.ui import component
from cope_demo.ui.panels import own

FIELDS = ["text", "title", "prompt", "response", "abstract", "overall", "summary", "reviewText", "content", "profile"]
NASTY = (
    "\u202e\u2066\u2069\u200f\u200b\u200c\u200d\u2060\ufeff\xad\u0301\u0338\ud800\udfff\x00\x1b\x85\u2028\u2029\u3000"
    "\U000e0041\U0001f3f4\U0001f469\U0001f1e9\ufdfd\U0001d54f'\"`${}<>&%\\/#-—\t\r\n "
)
TEXT = st.text(st.sampled_from(NASTY) | st.characters(), max_size=60)
WORDS = st.lists(st.sampled_from(["seam", "der", "a", "针线", "שלום", "e\u0301", "---", "\n\n", "\n---\n", "# T", "."]))
PASTED = st.lists(TEXT | WORDS.map(" ".join), max_size=8).map("\n---\n".join)
HUGE = st.builds(lambda piece, count: piece * count, st.text(min_size=1, max_size=3), st.integers(1, 20_000))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | TEXT, inner, max_size=4),
    max_leaves=12,
)
JSON = VALUES.map(json.dumps) | st.lists(VALUES.map(json.dumps), max_size=6).map("\n".join)
CELLS = st.lists(st.sampled_from([*FIELDS, 'x;"y"', '"', "\n", "three words here", "\ufeff"]) | TEXT, max_size=4)
CSV = st.tuples(st.sampled_from(",;\t|"), st.lists(CELLS, max_size=6)).map(
    lambda table: "\n".join(table[0].join(row) for row in table[1])
)
TEXTS = PASTED | HUGE | JSON | CSV
CODES = st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-7", "cp1252", "koi8-r", "shift_jis", "gb18030"])
FILES = st.builds(lambda text, code: text.encode(code, "replace"), TEXTS, CODES)
BROKEN = st.builds(lambda data, cut, junk: data[:cut] + junk, FILES, st.integers(0, 200), st.binary(max_size=20))
SOURCES = TEXTS | FILES | BROKEN | st.binary(max_size=400)
NAMES = st.sampled_from([None, "", "h", "h.txt", "h.md", "h.json", "h.jsonl", "h.csv", "h.tsv", "h.exe", ".", "\x00"])
NAMES |= st.text(max_size=12)
RUNS = {"derandomize": True, "database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}


def check(source, filename, task) -> None:
    """Whatever comes out of it can be shown, stored as UTF-8 and trained on."""
    for read in (read_history, parse_history):
        try:
            history = read(source, filename, task)
        except CopeError as error:
            str(error).encode()
            continue
        dropped = sum(note.count for note in history.notes if note.action == "dropped")
        assert history.found == len(history.samples) + dropped and len(history.samples) <= MAX_TEXTS
        json.dumps(history.to_json()).encode()
        for sample in history.samples:
            sample.prompt.encode(), sample.response.encode()
            assert sample.response.strip() and len(sample.response) <= MAX_RESPONSE and len(sample.prompt) <= MAX_PROMPT
    file = (filename or "", source) if isinstance(source, bytes) else None
    shown = component.say(own.preview("" if file else source, file, task, whole=True))
    assert shown.isascii() and "<" not in shown


@pytest.fixture
def no_embedder(monkeypatch):
    """Topics come from word counts, as where the embedding model is missing: the model is no part of reading."""

    def refuse(texts):
        raise CopeError("There is no embedding model.")

    monkeypatch.setattr(key_phrases, "extract_key_phrases", refuse)


def test_generated_histories(no_embedder, long):
    @settings(max_examples=10_000 if long else 80, **RUNS)
    @given(SOURCES, NAMES, st.sampled_from([*TASKS, "no such task"]))
    def total(source, filename, task):
        check(source, filename, task)

    total()
