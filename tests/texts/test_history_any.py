"""Any input, whatever it is, gives a history or a sentence."""

import json
import re

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cope_demo.errors import CopeError
from cope_demo.texts import history as module
from cope_demo.texts.cleaning import clean
from cope_demo.texts.history import parse_history, read_history
from cope_demo.texts.tasks import TASKS
from tests.texts.test_history import paste

# Totality

FIELDS = ["text", "title", "prompt", "response", "abstract", "overall", "summary", "description", "reviewText"]
FIELDS += ["content", "profile", "id"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=15,
)
CELLS = st.lists(st.sampled_from([*FIELDS, 'x;"y"', '"', "\n", "three words here", "\ufeff"]), max_size=5)
SOURCES = (
    st.binary(max_size=300)
    | st.text(max_size=200)
    | VALUES.map(json.dumps)
    | st.lists(CELLS, max_size=5).map(lambda rows: "\n".join(map(";".join, rows)))
)
NAMES = st.sampled_from([None, "", "h", "h.txt", "h.md", "h.json", "h.jsonl", "h.csv", "h.tsv", "h.docx", ".", "\x00"])


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(SOURCES, NAMES, st.sampled_from(list(TASKS)))
@example(b"\xff\xfe", None, "free_writing")
@example('{"profile": null}', "h.json", "free_writing")
@example("text,\x00\r\n", "h.csv", "news_headline")
def test_any_input_gives_a_history_or_a_sentence(source, filename, task):
    try:
        history = read_history(source, filename, task)
    except CopeError as error:
        assert len(str(error)) > 30 and re.sub("[\u200c\u200d]", "", str(error)).isprintable()
        return
    dropped = sum(note.count for note in history.notes if note.action == "dropped")
    assert history.found == len(history.samples) + dropped
    data = json.loads(json.dumps(history.to_json()))
    assert data["kept"] == len(data["samples"]) and data["summary"]
    for sample in history.samples:
        assert sample.response.strip() and (sample.prompt or task == "free_writing")
        assert clean(sample.response) == sample.response and len(sample.response) <= module.MAX_RESPONSE
        (sample.prompt + sample.response).encode()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(min_size=5, max_size=80), min_size=5, max_size=8))
def test_any_pasted_texts_get_instructions(items):
    try:
        history = parse_history(paste(items))
    except CopeError:
        return
    assert all(sample.prompt.startswith("Write a post ") and sample.prompt.endswith(".") for sample in history.samples)
