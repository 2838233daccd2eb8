"""The settings of a comparison: what they are at first, and what will not do."""

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.errors import CopeError
from cope_demo.texts.tasks import TASKS
from cope_demo.ui.settings import MAX_TOKENS, SLIDERS, check_settings, choose_defaults, choose_task

GOOD = {name: getattr(DecodeConfig, name) for name in (*SLIDERS, "seed")}


def test_good_settings_come_back_as_the_decoder_takes_them():
    assert check_settings("Write.", **GOOD) == ("Write.", DecodeConfig())
    assert check_settings("Write.", **GOOD | {"max_new_tokens": MAX_TOKENS})[1].max_new_tokens == MAX_TOKENS


@pytest.mark.parametrize(
    "prompt, change, words",
    [
        (5, {}, "There is no prompt yet: write one, or choose one of the examples."),
        ("x" * 20_001, {}, "The prompt has 20,001 characters, and 20,000 are allowed; shorten it."),
        ("x", {"max_new_tokens": 301}, "max_new_tokens must be a whole number from 1 to 300, but is 301; choose"),
        ("x", {"seed": -1}, "seed must be"),
    ],
)
def test_what_will_not_do_is_named(prompt, change, words):
    with pytest.raises(CopeError, match=words):
        check_settings(prompt, **GOOD | change)


def test_a_task_brings_its_length_and_penalty():
    for task in TASKS.values():
        assert choose_task(task.name) is task
        first = choose_defaults(task)
        assert (first.max_new_tokens, first.repetition_penalty) == (task.max_new_tokens, task.repetition_penalty)
    assert choose_task("") is choose_task("no such task") is TASKS["free_writing"]
