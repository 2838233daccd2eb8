"""Personalization by the prompt alone: the baselines RAG and PAG, which train nothing.

RAG puts the person's most similar texts before the instruction (Salemi et al., "LaMP", ACL 2024); PAG puts a profile
before them that the model itself wrote of the person (Richardson et al., "Integrating Summarization and Retrieval for
Enhanced Personalization via Large Language Models", 2023).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cope_demo.config import DecodeConfig
from cope_demo.texts.embedding import find_most_similar
from cope_demo.texts.tasks import Sample

if TYPE_CHECKING:
    from cope_demo.model.adapters import LoraBank

    from .engine import Engine

EXAMPLES = 3
PROFILE_TEXTS = 8
PROFILE_TOKENS = 80
_WORDS = 90
"""Words of a text or instruction that are shown; the rest is cut."""


def find_similar_samples(
    instructions: list[str], samples: Sequence[Sample], count: int = EXAMPLES, others_only: bool = False
) -> list[list[Sample]]:
    """For each instruction the `count` samples of the person whose own ones are nearest to it, the nearest first.

    others_only: none that has this very instruction, as the text that is asked for, where it is in the history, would
    be in its own prompt.
    """
    prompts = [sample.prompt for sample in samples]
    most = max(Counter(prompts).values(), default=0) if others_only else 0
    found = []
    for asked, near in zip(instructions, find_most_similar(instructions, prompts, count + most), strict=True):
        numbers = [number for number in near if not others_only or prompts[number] != asked]
        found.append([samples[number] for number in numbers[:count]])
    return found


def make_rag_prompt(instruction: str, similar: Sequence[Sample], profile: str = "") -> str:
    """The instruction after the person's similar texts (the most similar last), and after their profile if given."""
    parts = [f"About the writer: {profile.strip()}"] if profile.strip() else []
    parts += [f"{_cut(sample.prompt)}\n{_cut(sample.response)}" for sample in reversed(similar)]
    return "\n\n".join([*parts, instruction])


def make_profile_prompt(samples: Sequence[Sample]) -> str:
    """Asks for a profile of the person who wrote these texts (the newest PROFILE_TEXTS of them)."""
    texts = "\n\n".join(_cut(sample.response) for sample in samples[-PROFILE_TEXTS:])
    return f"These texts are by one writer:\n\n{texts}\n\nDescribe the writer's topics and style in two sentences."


def write_profile(engine: "Engine", bare: "LoraBank", samples: Sequence[Sample], config: DecodeConfig) -> str:
    """The profile that the model writes of the person, by `make_profile_prompt`, in at most PROFILE_TOKENS tokens.

    bare: a bank without adapters. config: its seed and temperature are used, not its length and penalty.
    """
    config = replace(config, max_new_tokens=PROFILE_TOKENS, repetition_penalty=1.2)
    (written,) = engine.write([engine.base.prompt_ids(make_profile_prompt(samples))], "base", bare, config)
    return engine.base.tokenizer.decode(written, skip_special_tokens=True)


def _cut(text: str) -> str:
    words = text.split()
    return text if len(words) <= _WORDS else " ".join(words[:_WORDS]) + " …"
