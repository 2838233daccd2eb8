"""The embedding model and the key phrases it chooses."""

import re
import shutil
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cope_demo.errors import CopeError
from cope_demo.texts import embedding
from cope_demo.texts.embedding import get_embedder
from cope_demo.texts.history import instruct_text
from cope_demo.texts.key_phrases import _rank_candidates, extract_key_phrases, extract_tfidf_phrases, is_past_form

POSTS = [
    "The driver of the tram had a birthday cake on the dashboard, in a box with a window. Nobody rang the bell.",
    "Mr Okafor has measured the water butt for fourteen days. It loses two gallons every night, and Okafor is cross.",
    "I finally fixed the camera bug! The camera no longer goes inside the hedgehog's head when he buys a ticket.",
]


def stands_in(phrase: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase.casefold())}(?!\w)", text.casefold()) is not None


def test_the_embedder_knows_what_belongs_together():
    vectors = get_embedder().encode(["a cat on a mat", "a kitten on a rug", "quarterly tax returns"])
    assert vectors.shape == (3, 384) and vectors.dtype == np.float32
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > 0.5 > 0.2 > far
    assert get_embedder() is get_embedder() and get_embedder().device.type == "cpu"


def test_a_text_s_own_control_tokens_are_letters_to_the_embedder():
    embedder = get_embedder()
    hostile = embedder.preprocess(["a [SEP] b [MASK] [CLS] [PAD] [UNK]"])["input_ids"][0].tolist()
    assert [token for token in hostile if token in embedder.tokenizer.all_special_ids] == [hostile[0], hostile[-1]]
    ordinary = embedder.preprocess(["a post of soup [sic]"])["input_ids"][0].tolist()
    assert embedder.tokenizer.decode(ordinary) == "[CLS] a post of soup [ sic ] [SEP]"


@pytest.mark.parametrize("find", [extract_key_phrases, extract_tfidf_phrases])
def test_phrases_stand_in_their_text_and_share_no_word(find):
    found = find(POSTS)
    assert [len(phrases) for phrases in found] == [3, 3, 3]
    for phrases, text in zip(found, POSTS, strict=True):
        assert all(stands_in(phrase, text) for phrase in phrases)
        words = [word for phrase in phrases for word in phrase.casefold().split()]
        assert len(words) == len(set(words)) and not {"the", "a", "it", "has"} & {words[0], words[-1]}


def test_the_most_telling_phrase_comes_first_as_the_author_writes_it():
    found = extract_key_phrases(POSTS)
    assert "cake" in found[0][0] and "water butt" in found[1] and "camera bug" in found[2]
    assert "Okafor" in " ".join(found[1])


def test_one_text_and_equal_texts_and_none():
    alone = extract_key_phrases(POSTS[1:2])
    assert len(alone) == 1 and "water butt" in alone[0]
    twice = extract_key_phrases([POSTS[0], POSTS[0]])
    assert twice[0] == twice[1] and twice[0]
    assert extract_key_phrases([]) == [] and extract_tfidf_phrases([]) == []


def test_texts_without_phrases():
    empty = [
        "",
        "🎉 🎉",
        "12 345 6",
        "and so it was",
        "x " * 50,
        "今日は雨が降っていて駅まで歩くのがとても大変でした長い長い長い一日",
    ]
    for find in (extract_key_phrases, extract_tfidf_phrases):
        assert find(empty) == [[] for _ in empty]
        assert [bool(phrases) for phrases in find(["🎉", POSTS[0], ""])] == [False, True, False]


def test_a_short_text_is_not_about_a_verb():
    forms = ["walked", "missed", "drifted", "bed", "seed", "speed", "tram", "late tram", "Ted"]
    assert [is_past_form(phrase) for phrase in forms] == [True] * 3 + [False] * 6
    assert instruct_text("missed the 19. walked.").prompt.startswith("Write a post that begins with")
    assert instruct_text("missed the tram to the harbour. walked.").prompt.startswith("Write a post about ")


def test_another_language_has_its_own_stop_words():
    german = [
        "Der Hund von nebenan bellt schon wieder, und die Nachbarin schimpft mit der Leiter.",
        "Die Katze schläft auf dem Ofen, und der Tee ist mit Honig noch immer heiß.",
        "Wir fahren mit dem Rad an die See, und der Wind ist wie immer gegen uns.",
        "Auf der Treppe liegt ein Brief, und die Schrift ist mit Tinte verwischt.",
        "Im Garten blüht der Flieder, und die Bienen summen mit dem Radio.",
    ]
    for phrases, text in zip(extract_key_phrases(german), german, strict=True):
        assert phrases and all(stands_in(phrase, text) for phrase in phrases)
        assert not {"der", "die", "und", "mit"} & {word for p in phrases for word in (p.split()[0], p.split()[-1])}


def test_forty_texts_take_seconds():
    words = " ".join(POSTS).split()
    texts = [" ".join((words[i:] + words[:i] + words)[:60]) for i in range(40)]
    extract_key_phrases(POSTS)  # loads the model
    start = time.process_time()
    assert all(extract_key_phrases(texts))
    assert time.process_time() - start < 20, "CPU seconds; measured 4, which is 2 s on two free cores"


def test_many_long_texts_share_a_budget_of_candidates():
    words = [f"{a}{b}ing" for a in "bcdfghklmnprst" for b in ("a", "e", "i", "o", "u", "ai", "ou", "ea")]
    texts = [" ".join(words[(7 * i + j * (1 + i % 5)) % len(words)] for j in range(300)) for i in range(200)]
    assert sum(map(len, _rank_candidates(texts))) <= 3000


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_texts(texts):
    for found in (extract_key_phrases(texts), extract_tfidf_phrases(texts)):
        assert len(found) == len(texts) and all(len(phrases) <= 3 for phrases in found)


@pytest.fixture
def fresh_embedder():
    """Loads the model anew in the test, and again after it."""
    embedding._load_embedder.cache_clear()
    yield
    embedding._load_embedder.cache_clear()


def test_a_damaged_model_is_refused(tmp_path, monkeypatch, fresh_embedder):
    real = embedding.find_packaged_file(embedding.EMBEDDER_PACKAGE, embedding.EMBEDDER_FILE)
    copy = tmp_path / "model" / real.name
    shutil.copytree(real.parent, copy.parent, copy_function=lambda a, b: shutil.copyfile(a, b))
    with open(copy, "r+b") as file:
        file.seek(1_000_000)
        file.write(b"\x01\x02\x03\x04")
    monkeypatch.setattr(embedding, "find_packaged_file", lambda package, name: copy)
    with pytest.raises(CopeError, match="damaged .* reinstall it"):
        get_embedder()


def test_without_package_and_hub_it_is_said_what_to_do(monkeypatch, fresh_embedder):
    monkeypatch.setattr(embedding, "EMBEDDER_PACKAGE", "no-such-package-here")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(embedding, "EMBEDDER", "nobody/no-such-model")
    with pytest.raises(CopeError, match="make setup"):
        get_embedder()
