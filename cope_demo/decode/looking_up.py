"""Any token at a step: both models' numbers of it, and its place in their lists."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Looked:
    """A token that could come next. logp_user, logp_base: natural logarithms; rank_user, rank_base: from 1, exact.

    of: how many tokens the vocabulary has.
    """

    id: int
    logp_user: float
    logp_base: float
    rank_user: int
    rank_base: int
    of: int


def look_up_tokens(user: torch.Tensor, amateur: torch.Tensor, tokens: Sequence[int]) -> list[Looked]:
    """These tokens' numbers from both models' logits (V,)."""
    found = []
    logps = user.log_softmax(-1), amateur.log_softmax(-1)
    for token in tokens:
        values = [float(logp[token]) for logp in logps]
        ranks = [1 + int((logp > logp[token]).sum()) for logp in logps]
        found.append(Looked(token, *values, *ranks, len(user)))
    return found
