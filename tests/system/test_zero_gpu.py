"""Lent GPUs: what crosses a worker's border, and the sentences for what the platform says. tests/zerogpu runs it."""

import pytest

from cope_demo.errors import CopeError
from cope_demo.system import wanted, zero_gpu
from cope_demo.system.wanted import Unwanted
from cope_demo.system.zero_gpu import BROKEN_OFF, BUSY, EXPIRED, TOO_LONG, USED_UP, lend


class Said(Exception):
    """As Gradio's error, which has a title, looks from outside."""

    def __init__(self, title: str, message: str):
        super().__init__(message)
        self.title, self.message = title, message


def refuse(*_) -> float:
    raise AssertionError("nothing is asked for")


def test_a_function_stays_the_one_it_was():
    def work(x):
        return x

    assert lend(refuse)(work) is work and not zero_gpu.is_worker()


@pytest.mark.parametrize("value, lent", [(None, False), ("", False), ("0", False), ("true", True), ("1", True)])
def test_where_gpus_are_lent(monkeypatch, value, lent):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    if value is not None:
        monkeypatch.setenv("SPACES_ZERO_GPU", value)
    assert zero_gpu.is_lent() is lent


class Platform:
    """`spaces` without processes: the decorated function is called where it is."""

    def __init__(self):
        self.durations, self.closed, self.error = [], 0, None

    def GPU(self, run, duration):
        def call(*args):
            self.durations.append(duration(*args))
            if self.error:
                raise self.error
            try:
                yield from run(*args)
            finally:
                self.closed += 1

        return call


@pytest.fixture
def platform(monkeypatch):
    """The functions that are decorated from here on are calls of this platform."""
    platform = Platform()
    monkeypatch.setattr(zero_gpu, "spaces", platform)
    monkeypatch.setattr(zero_gpu, "_prepare_worker", lambda: None)
    return platform


def test_values_sentences_and_faults_cross_the_border(platform):
    @lend(lambda word: 2.2)
    def spell(word):
        if word == "bad":
            raise CopeError("Spell another word.")
        yield from word
        if word == "odd":
            raise KeyError(word)

    @lend(lambda x: x)
    def double(x):
        return 2 * x

    assert list(spell("abc")) == ["a", "b", "c"] and double(7.6) == 15.2 and platform.durations == [3, 8]
    with pytest.raises(CopeError, match="^Spell another word.$"):
        list(spell("bad"))
    letters = spell("odd")
    assert [next(letters) for _ in range(3)] == list("odd")
    with pytest.raises(RuntimeError, match="a worker has met a fault"):
        next(letters)
    assert platform.closed == 4


def test_who_has_left_ends_the_work(platform, monkeypatch):
    @lend(lambda: 1)
    def count():
        yield from range(9)

    numbers = count()
    assert next(numbers) == 0
    monkeypatch.setattr(wanted, "_is_wanted", lambda: False)
    with pytest.raises(Unwanted):
        next(numbers)
    assert platform.closed == 1


@pytest.mark.parametrize(
    "error, sentence",
    [
        (Said("ZeroGPU quota exceeded", "You have exceeded your ZeroGPU quota (60s requested vs. 3s left)."), USED_UP),
        (Said("ZeroGPU illegal duration", "The requested GPU duration (900s) is larger"), TOO_LONG),
        (Said("ZeroGPU queue timeout", "No GPU was available after 60s"), BUSY),
        (Said("ZeroGPU client error", "Expired ZeroGPU proxy token"), EXPIRED),
        (Said("ZeroGPU worker error", "GPU task aborted"), BROKEN_OFF),
        (RuntimeError("ZeroGPU API /schedule error: 500 (Internal Server Error)"), BUSY),
        (RuntimeError("Connection closed by visitor while queueing"), str(Unwanted())),
    ],
)
def test_what_the_platform_says_is_a_sentence_of_ours(platform, error, sentence):
    @lend(lambda: 1)
    def work():
        return 1

    platform.error = error
    with pytest.raises(CopeError) as said:
        work()
    assert str(said.value) == sentence


def test_a_sentence_that_is_not_known_stays_a_fault(platform):
    platform.error = Said("ZeroGPU something new", "words")

    @lend(lambda: 1)
    def work():
        return 1

    with pytest.raises(Said):
        work()
