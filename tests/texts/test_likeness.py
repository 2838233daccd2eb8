"""Subject and style of a text against a history, with the real embedding model."""

import pytest

from cope_demo.errors import CopeError
from cope_demo.saved.store import Store
from cope_demo.service.service import MAX_TEXTS, Service
from cope_demo.texts.likeness import Profile, _mask_content

MARY = [
    "The kettle, I regret to say, was not on; it had not, in fact, been on since Tuesday.",
    "The bread, I am told, was fresh; it was not, to my mind, bread at all.",
    "The soup, we were assured, was hot; it was, by half past six, a kind of jelly.",
]


@pytest.fixture(scope="module")
def mary():
    return Profile(MARY)


def test_topic_is_the_subject_and_style_the_manner(mary):
    same_topic, same_style, neither = mary.likeness(
        [
            "OMG SOUP AND BREAD FOR TEA!!! kettle on NOW",
            "The lawn, I fear to add, was not mown; it had not, to my knowledge, been mown since Easter.",
            "quantum computers use qubits\n- superposition\n- entanglement",
        ]
    )
    assert same_topic["topic"] > same_style["topic"] and same_topic["topic"] > neither["topic"] + 0.2
    assert same_style["style"] > same_topic["style"] + 0.2 and same_style["style"] > neither["style"] + 0.2


def test_what_the_history_s_own_texts_reach(mary):
    assert 0.2 < mary.usual["topic"] < 1 and 0.2 < mary.usual["style"] < 1
    assert Profile(MARY[:1]).usual is None
    (whole,) = Profile(MARY[:1]).likeness(MARY[:1])
    assert whole == {"topic": pytest.approx(1, abs=1e-4), "style": pytest.approx(1, abs=1e-9)}


def test_empty_and_strange_texts(mary):
    assert mary.likeness([]) == []
    empty, strange = mary.likeness([" \n", "\U0001f642"])
    assert empty == {"topic": 0.0, "style": 0.0} and strange["style"] == 0.0 and -1 <= strange["topic"] <= 1


def test_only_the_shape_of_other_words_counts():
    assert _mask_content("The Ferry's 12 spoons, and I.") == "The Xxxxx'x 00 xxxxxx, and I."


def test_a_sample_user_by_name(tmp_path, monkeypatch):
    service = Service(users_dir=tmp_path)
    own = [sample.response for sample in Store().open("walter").history()]
    texts = {"cope": own[0], "greedy": "I am excited to share my thoughts on soup!", "x": ""}
    found = service.likeness("walter", texts)
    assert set(found) == {"cope", "greedy", "x", "history"}
    assert found["cope"]["style"] > found["greedy"]["style"] and found["cope"]["topic"] > found["greedy"]["topic"]
    monkeypatch.setattr("cope_demo.texts.likeness.Profile.__init__", None)  # the history is read once
    assert service.likeness("walter", {}) == {"history": found["history"]}
    service.forget("walter")
    with pytest.raises(TypeError):
        service.likeness("walter", {})


MANY, LONG = {str(n): "a" for n in range(MAX_TEXTS + 1)}, {"a": "x" * 50_000}


@pytest.mark.parametrize("texts", [None, ["a"], {"a": 1}, MANY, LONG])
def test_other_things_than_texts_are_refused(texts, tmp_path):
    with pytest.raises(CopeError, match="by name|At most 8 texts|A text has 50,000 characters, and 20,000 are allowed"):
        Service(users_dir=tmp_path).likeness("walter", texts)
