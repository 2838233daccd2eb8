"""The settings of a comparison: their ranges and words on the page, their defaults, and the check of what is given."""

from cope_demo.config import DecodeConfig
from cope_demo.errors import CopeError, quote
from cope_demo.service.checks import check_length
from cope_demo.texts.tasks import TASKS, Task

MAX_TOKENS = 300

SLIDERS = {
    "alpha": (0, 1.5, 0.05, "Contrast, alpha", "How strongly base is subtracted. 0: not at all."),
    "tau": (0, 1, 0.01, "Plausibility, tau", "A token counts from this share of the likeliest one’s probability on."),
    "max_new_tokens": (10, MAX_TOKENS, 10, "Length in tokens", "Where a column stops if it has not ended by itself."),
    "repetition_penalty": (
        1,
        2,
        0.05,
        "Repetition penalty",
        "Makes tokens already used less likely, in every column.",
    ),
    "temperature": (0, 2, 0.1, "Temperature", "0 takes the best token; above 0 draws lots among the plausible ones."),
}
"""Lowest, highest, step, label, and one plain sentence; the names are DecodeConfig's, and so are the defaults."""


def check_settings(
    prompt, *, alpha, tau, repetition_penalty, max_new_tokens, temperature, seed
) -> tuple[str, DecodeConfig]:
    """The prompt and the decoding's settings, checked. Raises CopeError naming what will not do."""
    if not isinstance(prompt, str) or not prompt.strip():
        raise CopeError("There is no prompt yet: write one, or choose one of the examples.")
    check_length("The prompt", prompt)
    if isinstance(max_new_tokens, (int, float)) and max_new_tokens > MAX_TOKENS:
        raise CopeError(
            f"max_new_tokens must be a whole number from 1 to {MAX_TOKENS}, but is {quote(max_new_tokens)}; choose a "
            "smaller one."
        )
    whole = {"max_new_tokens": max_new_tokens, "seed": seed}
    config = DecodeConfig(alpha=alpha, tau=tau, repetition_penalty=repetition_penalty, temperature=temperature, **whole)
    return prompt, config


def choose_defaults(task: Task) -> DecodeConfig:
    """The settings that a task starts with."""
    return DecodeConfig(repetition_penalty=task.repetition_penalty, max_new_tokens=task.max_new_tokens)


def choose_task(name: str) -> Task:
    """A task by name; free writing for one we do not know."""
    return TASKS.get(name) or TASKS["free_writing"]
