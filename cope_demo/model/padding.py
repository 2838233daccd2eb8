"""Token sequences of different lengths as one batch."""

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence


def pad_sequences(
    sequences: Sequence[Sequence[int]], pad_id: int, side: str = "left"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, both int64 (rows, longest), padded on that side."""
    rows = [torch.tensor(sequence, dtype=torch.long) for sequence in sequences]
    ones = [torch.ones_like(row) for row in rows]
    return tuple(pad_sequence(many, True, fill, side) for many, fill in ((rows, pad_id), (ones, 0)))
