"""How surprising somebody's texts are to base, before anything is fitted: -log2 pi_base of every token, in bits."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cope_demo.config import FitConfig
from cope_demo.model.task_adapters import find_task_adapter
from cope_demo.texts.tasks import Sample

if TYPE_CHECKING:
    from cope_demo.decode.engine import Engine

MAX_TEXTS, MAX_TOKENS, MAX_PROMPT_TOKENS = 8, 160, 128
"""What is read at most: texts, tokens of a text, and tokens of its instruction."""
INSTRUCTION = "Write a post."
"""What free writing answers here: one made from the text's own key words would tell base what is coming."""
PLAIN, PASS_TOKENS = "The bus was late, and so we walked home.", 128
"""What a pass that is timed reads, again and again, and how many tokens of it."""


@dataclass(frozen=True)
class SurprisingText:
    """A text as base reads it. tokens: each one's text and its surprise in bits. cut: whether its end is left out."""

    tokens: list[tuple[str, float]]
    cut: bool


def measure_surprise(engine: "Engine", samples: Sequence[Sample], task: str) -> Iterator[SurprisingText]:
    """The first MAX_TEXTS of these texts, each as soon as it is read. Others' comparisons come first.

    A sample without an instruction answers INSTRUCTION. The token that ends a text is left out.
    """
    from cope_demo.decode.engine import make_bank
    from cope_demo.fit.examples import encode
    from cope_demo.model.adapters import TAM, read_lora

    base, limits = engine.base, FitConfig(max_prompt_tokens=MAX_PROMPT_TOKENS, max_response_tokens=MAX_TOKENS)
    tam = find_task_adapter(task, base.identity)
    bank = make_bank(base, {TAM: read_lora(tam.folder, base.model)} if tam else {})
    for sample in samples[:MAX_TEXTS]:
        example = encode(base, replace(sample, prompt=sample.prompt or INSTRUCTION), limits)
        ends = example.response_ids[-1] in base.end_ids
        ids = example.response_ids[:-1] if ends else example.response_ids
        if ids:
            yield SurprisingText(engine.surprise(example.prompt_ids, ids, bank), not ends)


def measure_pass(engine: "Engine") -> float:
    """Seconds of a token when base reads many at once: the faster of two passes, as somebody else may be writing."""
    ids = (engine.base.text_ids(PLAIN) * PASS_TOKENS)[:PASS_TOKENS]
    prompt, spent = engine.base.prompt_ids(INSTRUCTION), []
    for _ in range(2):
        started = time.perf_counter()
        engine.surprise(prompt, ids)
        spent.append(time.perf_counter() - started)
    return min(spent) / (len(prompt) + len(ids))
