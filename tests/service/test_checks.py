"""The checks of what callers give: one sentence for every text that is too long."""

import pytest

from cope_demo.errors import CopeError
from cope_demo.service.checks import MAX_PROMPT, check_length, check_text

LONG = "x" * (MAX_PROMPT + 1)


def test_a_text_may_be_as_long_as_the_limit():
    assert check_text("prompt", "x" * MAX_PROMPT) == "x" * MAX_PROMPT
    check_length("The name", "x" * 5, 5)


@pytest.mark.parametrize(
    "check, sentence",
    [
        (
            lambda: check_text("text", "x" * 20_001),
            "The text has 20,001 characters, and 20,000 are allowed; shorten it.",
        ),
        (lambda: check_length("Text A", "abc", 2), "Text A has 3 characters, and 2 are allowed; shorten it."),
        (lambda: check_text("prompt", " \n "), "The prompt is empty: write a prompt first."),
        (lambda: check_text("prompt", None), "The prompt is empty: write a prompt first."),
    ],
)
def test_what_will_not_do_is_named_in_a_sentence(check, sentence):
    with pytest.raises(CopeError) as caught:
        check()
    assert str(caught.value) == sentence
