"""The plain attention for fits on a CPU, without a copy of the keys and values for each query head.

Where several query heads share a key head (Ainslie et al., "GQA", EMNLP 2023), transformers repeats keys and values for
each of them before it multiplies; at one new token a row these copies take most of the step. Here the heads of a group
are rows of one product. The numbers are those of transformers' plain attention; benchmarks/speed_training.py
measures what that saves.
"""

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

NAME = "grouped"
FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "smollm3")
"""Models whose attention is nothing but this: no soft cap, no sinks, no bias of positions."""


def grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_,
) -> tuple[torch.Tensor, None]:
    """softmax(scaling * Q K^T + mask) V.

    query: (B, H, T, D); key, value: (B, K, S, D) with H a multiple of K; attention_mask: (B, 1, T, S), added, or None.
    Returns (B, T, H, D), and no weights.
    """
    rows, heads, length, width = query.shape
    groups, span = key.shape[1], key.shape[2]
    weights = (query.reshape(rows, groups, -1, width) @ key.transpose(2, 3)) * scaling
    if attention_mask is not None:
        weights = weights.view(rows, groups, -1, length, span) + attention_mask[:, :, None]
    weights = weights.softmax(-1, dtype=torch.float32).to(query.dtype).view(rows, groups, -1, span)
    weights = torch.nn.functional.dropout(weights, dropout, module.training)
    return (weights @ value).view(rows, heads, length, width).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, grouped_attention)
AttentionMaskInterface.register(NAME, eager_mask)


def use_plain_attention(model: PreTrainedModel) -> None:
    """Gives a model on a CPU the plain attention for its training; torch's fused one takes three times as long there.

    Families that are not known to have nothing but this get transformers' own.
    """
    if model.device.type == "cpu":
        model.set_attn_implementation(NAME if model.config.model_type in FAMILIES else "eager")
