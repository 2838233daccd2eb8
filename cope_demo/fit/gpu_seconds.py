"""How long a fit needs a lent GPU: by the last fits here, or where there was none, by what it computes."""

import math
from collections.abc import Sequence

from cope_demo.config import FitConfig
from cope_demo.model.lent_speed import FORWARD, START, TOKEN, count_tokens, scale_seconds
from cope_demo.texts.tasks import Sample

from .eta import FORWARD as SCORED
from .eta import TRAIN, estimate_work
from .examples import Example
from .speeds import PROMPT, estimate_fit

MARGIN = 1.3
"""How much longer is asked for: who overstays loses the GPU, and the work."""


def estimate_gpu_seconds(samples: Sequence[Sample], model: str | None, config: FitConfig, model_bytes: int) -> float:
    """Seconds of a lent GPU that a fit of these texts takes, its publishing aside.

    model: as it was asked for. model_bytes: of the model's weights.
    """
    measured = estimate_fit(samples, model, config)
    if measured is not None:
        return START + MARGIN * measured
    return scale_seconds(MARGIN * _count_seconds(samples, config), model_bytes)


def _count_seconds(samples: Sequence[Sample], config: FitConfig) -> float:
    """By forward passes, each with its launching, and the tokens in them."""
    texts = [count_example(sample, config) for sample in samples]
    k = config.candidate_count
    trained = config.oppu_epochs * math.ceil(len(texts) / config.oppu_batch)
    pairs = len(texts) * (k if config.selection == "all" else 1)
    trained += config.dpo_epochs * math.ceil(pairs / config.dpo_batch)
    trained *= config.seeds_averaged
    lengths = sorted(len(text.response_ids) for text in texts)
    size = max(1, config.sample_rows // k)
    sampled = sum(lengths[min(start + size, len(lengths)) - 1] for start in range(0, len(lengths), size))
    tokens = sum(len(text.prompt_ids) + len(text.response_ids) for text in texts)
    scored = math.ceil((2 + k) * tokens / config.score_tokens)
    work = estimate_work(texts, texts[: config.holdout], config)
    return FORWARD * (TRAIN * trained + sampled + SCORED * scored) + TOKEN * sum(work.values())


def count_example(sample: Sample, config: FitConfig) -> Example:
    """A text of as many tokens, about."""
    prompt = min(count_tokens(sample.prompt or " " * PROMPT), config.max_prompt_tokens)
    response = min(count_tokens(sample.response), config.max_response_tokens) + 1
    return Example([0] * prompt, [0] * response)
