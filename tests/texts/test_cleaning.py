"""Encodings, clean text and cuts."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cope_demo.errors import CopeError
from cope_demo.texts.cleaning import check_printable, clean, count_words, cut, decode, shorten

FRENCH = "Voilà l'été : les cafés étaient fermés, et ma mère préférait rester à la maison, où elle lisait. "
ENGLISH = "It’s raining “again” – and the café is shut. "


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"]
)
def test_encodings(encoding):
    text, warning = decode(FRENCH.encode(encoding))
    assert text.lstrip("\ufeff") == FRENCH
    assert (warning is None) == encoding.startswith("utf")


@pytest.mark.parametrize(
    "text,encoding",
    [
        (ENGLISH, "cp1252"),
        ("café", "latin-1"),
        ("Сегодня утром я опять опоздал на работу, кот спрятал ключи.", "cp1251"),
        ("今日は朝から雨が降っていて、駅まで歩くのが大変でした。", "shift_jis"),
        ("ÄÖÜ. Über Äpfel läßt sich nicht streiten – „schön“, sagte er.", "cp1252"),
        ("Καλημέρα, σήμερα βρέχει πολύ στην Αθήνα και άργησα.", "cp1253"),
        ("오늘 아침에 비가 와서 또 지각했다. 고양이가 열쇠를 숨겼다.", "cp949"),
        ("Źle się czuł, bo zjadł całą kiełbasę sąsiada i śpi pod stołem.", "cp1250"),
    ],
)
def test_other_encodings_are_found_and_said(text, encoding):
    found, warning = decode(text.encode(encoding))
    assert found == text and "not UTF-8" in warning


def test_a_file_cut_inside_a_character_is_still_utf8():
    text, warning = decode(FRENCH.encode()[:-1] + "é".encode()[:1])
    assert text.startswith("Voilà l'été") and "damaged" in warning


def test_a_replacement_character_in_the_file_is_not_damage():
    assert decode("it was �".encode()) == ("it was �", None)


@pytest.mark.parametrize(
    "data,what",
    [
        (b"%PDF-1.7\nhello", "PDF"),
        (b"PK\x03\x04\x14\x00", "Word"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"{\\rtf1 hello}", "RTF"),
        (b"plain\x00and zeros\x00", "no text"),
        (bytes(range(256)) * 20, "no text"),
        (b"\x01\x02\x03 hello \x04\x05", "no text"),
    ],
)
def test_binary_is_refused_with_a_remedy(data, what):
    with pytest.raises(CopeError, match=what) as error:
        decode(data)
    assert "save it as .txt" in str(error.value)


def test_random_bytes_are_refused():
    import random

    with pytest.raises(CopeError, match="plain text"):
        decode(random.Random(1).randbytes(4000))


def test_printable():
    assert check_printable("tabs\tand\nlines") == "tabs\tand\nlines"
    with pytest.raises(CopeError):
        check_printable("\x00\x01\x02\x03")


@pytest.mark.parametrize(
    "given_text,expected",
    [
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("cafe\u0301", "café"),
        ("a\x00b\x07c\x1b[0m", "abc[0m"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("zero\u200bwidth\ufeff and\u00ad soft\u2060", "zerowidth and soft"),
        ("\u202eevil\u202c", "evil"),
        ("x\u200dy \u200d 👍", "xy  👍"),
        ("👩\u200d👩\u200d👧 ok", "👩\u200d👩\u200d👧 ok"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e007f!", "\U0001f3f4\U000e0067\U000e0062\U000e007f!"),
        ("hid\U000e0068\U000e0069den", "hidden"),
        ("no\xa0break\tand  two", "no break and  two"),
        ("end  \n\n\n\n next ", "end\n\n next"),
        ("${alert(1)} <img src=x>", "${alert(1)} <img src=x>"),
    ],
)
def test_clean(given_text, expected):
    assert clean(given_text) == expected


ODD = (
    "ab .\n\t-#'\u200d\u200c\u0301\u0316\ufe0f\U0001f3f4\U000e0067\U000e007fé😀\u212a\u037e\u0958"
    "\r\x85\u2028\xa0\ud800\ufeff。漢"
)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text(st.sampled_from(ODD), max_size=60))
@example("é\u200d\u200da")
def test_cleaning_twice_changes_nothing_and_the_result_can_be_written(text):
    once = clean(text)
    assert clean(once) == once
    once.encode()
    for limit in (1, 7, 30):
        short, where = cut(once, limit)
        assert once.startswith(short) and len(short) <= limit and bool(where) == (len(once) > limit)


def test_cleaning_takes_time_in_proportion_to_the_text():
    """Each of these takes minutes to hours where a pattern or the normalisation is quadratic."""
    start = time.process_time()
    for text in ["a" + " " * 400_000 + "b", "é" + "\u200d" * 400_000 + "a", "e" + "\u0301\u0316" * 200_000]:
        clean(text)
    assert time.process_time() - start < 5


def test_cut():
    assert cut("One. Two. Three.", 99) == ("One. Two. Three.", "")
    assert cut("One here. Two here. Three here.", 22) == ("One here. Two here.", "at the end of a sentence")
    assert cut('He said "no." Then he left the room at once.', 16) == ('He said "no."', "at the end of a sentence")
    assert cut("no sentence end in sight at all", 14) == ("no sentence", "between two words")
    assert cut("今日は雨です。明日は晴れです。", 9) == ("今日は雨です。", "at the end of a sentence")
    assert cut("x" * 50, 20) == ("x" * 20, "inside a word")
    family = "👩\u200d👩\u200d👧"
    assert cut("x" * 10 + family, 12)[0] == "x" * 10


def test_words_and_excerpts():
    assert count_words("three little words") == 3
    assert count_words("今日は朝から雨") >= 3
    assert count_words("") == 0
    assert shorten("a  b\nc") == "a b c"
    assert shorten("word " * 40, 20) == "word word word word…"
