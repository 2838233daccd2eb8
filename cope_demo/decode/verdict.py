"""Which of two texts sounds more like a person, from their tokens' log-probabilities, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from .trace import TraceToken

BLOCK, BLOCKS = 8, 6
"""Tokens that are drawn together, or fewer so that a text has as many blocks: neighbours hang together, and tokens
drawn one by one would promise too much certainty."""
DRAWS = 2000
LEAST_TOKENS, FEW_TOKENS = 5, 30
"""Below so many tokens there is no verdict, and below so many it is hardly worth anything."""


@dataclass(frozen=True)
class Estimate:
    """A mean in nats a token, with its 95 % interval from `low` to `high` (block bootstrap over tokens)."""

    mean: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether the interval leaves no doubt about the sign."""
        return self.low > 0 or self.high < 0


def preference(tokens: Sequence[TraceToken]) -> Estimate:
    """How much likelier a text's tokens are for the person than for base: the mean of log pi_user - log pi_base.

    tokens: at least LEAST_TOKENS.
    """
    values = _values(tokens)
    return _estimate(float(values.mean()), _resample(values, 0))


def difference(one: Sequence[TraceToken], other: Sequence[TraceToken]) -> Estimate:
    """The preference of one text less that of the other."""
    first, second = _values(one), _values(other)
    return _estimate(float(first.mean() - second.mean()), _resample(first, 0) - _resample(second, 1))


def _values(tokens: Sequence[TraceToken]) -> numpy.ndarray:
    return numpy.array([token.logp_user - token.logp_base for token in tokens])


def _resample(values: numpy.ndarray, seed: int) -> numpy.ndarray:
    """Means of DRAWS texts of the same length, put together from blocks of this one; its end goes on at its start."""
    block = min(BLOCK, max(1, len(values) // BLOCKS))
    count = -(-len(values) // block)
    starts = numpy.random.default_rng(seed).integers(0, len(values), (DRAWS, count, 1))
    where = (starts + numpy.arange(block)) % len(values)
    return values[where.reshape(DRAWS, -1)[:, : len(values)]].mean(1)


def _estimate(mean: float, draws: numpy.ndarray) -> Estimate:
    low, high = numpy.quantile(draws, [0.025, 0.975])
    return Estimate(mean, float(low), float(high))
