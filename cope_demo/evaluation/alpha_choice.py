"""Which alpha a task's contrast takes: the one that agrees best with texts that the fits have held out.

A fit holds a few texts of its person's history out of training. Read by both models, they tell which token contrast at
any alpha would have taken next, and so how often the person's own. The queries of an evaluation, which are what it is
judged by, have no part in the choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch

from cope_demo.fit.examples import Example, encode
from cope_demo.model.adapters import read_lora
from cope_demo.system.files import read_json
from cope_demo.texts.lamp import Author

from .decisions import Rule, apply_rules
from .measurement import Measurement
from .reading import Reader
from .replicates import Interval, estimate_mean

ALPHAS = (0.0, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class AlphaChoice:
    """An alpha with what speaks for it.

    agreement: by alpha, the share of next tokens that are the person's, each author counting once. differences: by
    alpha, from alpha 0, paired by author. texts: how many were read.
    """

    alpha: float
    agreement: dict[float, float]
    differences: dict[float, Interval]
    texts: int


def choose_alpha(
    run: Measurement, authors: Sequence[Author], adapter: str = "cope", alphas: Sequence[float] = ALPHAS
) -> AlphaChoice:
    """The alpha of `alphas` with which `adapter`, contrasted with base, agrees best with its author's held-out texts.

    The fits are the run's kept ones, made where they are missing. Without a repetition penalty. Raises CopeError when a
    history will not do.
    """
    reader, shares = Reader(run.base), {alpha: [] for alpha in (0.0, *alphas)}
    texts = 0
    for author in authors:
        examples, folder = _read_held_out(run, author, adapter == "cope")
        bank = run.make_bank({adapter: read_lora(folder / adapter, run.base.model)})
        rules = [Rule(f"{alpha:g}", adapter, alpha=alpha) for alpha in shares]
        chosen = apply_rules(reader, examples, rules, bank, run.settings.tau).chosen
        owns = [torch.tensor(example.response_ids, device=run.base.device) for example in examples]
        for rule in rules:
            agreed = [float((taken == own).float().mean()) for taken, own in zip(chosen[rule.name], owns, strict=True)]
            shares[rule.alpha].append(float(numpy.mean(agreed)))
        texts += len(examples)
    return pick_alpha(shares, alphas, texts)


def pick_alpha(shares: Mapping[float, Sequence[float]], alphas: Sequence[float], texts: int) -> AlphaChoice:
    """The alpha of `alphas` with the highest mean; of equal ones the smallest.

    shares: by alpha, 0 among them, each author's share of agreeing tokens.
    """
    values = {alpha: numpy.array(many) for alpha, many in sorted(shares.items())}
    means = {alpha: float(many.mean()) for alpha, many in values.items()}
    best = max(sorted(alphas), key=lambda alpha: means[alpha])
    return AlphaChoice(best, means, {a: estimate_mean([many - values[0.0]]) for a, many in values.items()}, texts)


def _read_held_out(run: Measurement, author: Author, preferences: bool) -> tuple[list[Example], Path]:
    """The author's held-out texts in tokens, and the folder of the fit that held them out."""
    samples = author.samples(run.task)
    folder = run.find_fit(samples, preferences)
    numbers = read_json(folder / "split.json")["held_out"]
    return [encode(run.base, samples[number], run.config) for number in numbers], folder
