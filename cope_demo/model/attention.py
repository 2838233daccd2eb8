"""The plain attention for fits on a CPU, without a copy of the keys and values for each query head.

Where several query heads share a key head (Ainslie et al., "GQA", EMNLP 2023), transformers repeats keys and values for
each of them before it multiplies; at one new token a row these copies take most of the step. Here the heads of a group
are rows of one product. The numbers are those of transformers' plain attention; benchmarks/speed_training.py
measures what that saves. A batch may also come as a tree of tokens (token_tree.py).
"""

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

from .token_tree import TokenTree

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
    tree: TokenTree | None = None,
    **_,
) -> tuple[torch.Tensor, None]:
    """softmax(scaling * Q K^T + mask) V.

    query: (B, H, T, D); key, value: (B, K, S, D) with H a multiple of K; attention_mask: (B, 1, T, S), added, or None.
    With a tree all are of its N nodes, (1, H or K, N, D), and every node attends to those that stand before it; the
    tree's mask takes the place of attention_mask.
    Returns (B, T, H, D), or (1, N, H, D), and no weights.
    """
    if tree is not None:
        query, key, value = _take(query, tree.own), _take(key, tree.paths), _take(value, tree.paths)
        attention_mask = tree.mask
    rows, heads, length, width = query.shape
    groups, span = key.shape[1], key.shape[2]
    weights = (query.reshape(rows, groups, -1, width) @ key.transpose(2, 3)) * scaling
    if attention_mask is not None:
        weights = weights.view(rows, groups, -1, length, span) + attention_mask[:, :, None]
    weights = weights.softmax(-1, dtype=torch.float32).to(query.dtype).view(rows, groups, -1, span)
    weights = torch.nn.functional.dropout(weights, dropout, module.training)
    mixed = (weights @ value).view(rows, heads, length, width).transpose(1, 2)
    if tree is not None:
        nodes = torch.nn.functional.embedding(tree.found, mixed.reshape(rows * length, heads * width))
        return nodes.view(1, -1, heads, width), None
    return mixed.contiguous(), None


def _take(x: torch.Tensor, nodes: torch.Tensor) -> torch.Tensor:
    """The nodes (B, L) of x (1, H, N, D): (B, H, L, D). By `embedding`, whose gradient is a fast sum."""
    heads, width = x.shape[1], x.shape[3]
    rows = x.transpose(1, 2).reshape(-1, heads * width)
    return torch.nn.functional.embedding(nodes, rows).unflatten(-1, (heads, width)).transpose(1, 2)


AttentionInterface.register(NAME, grouped_attention)
AttentionMaskInterface.register(NAME, eager_mask)


def reads_trees(model: PreTrainedModel) -> bool:
    """Whether the model's attention takes a tree: it is the one above, and its layers see whole texts."""
    config = model.config
    return config._attn_implementation == NAME and getattr(config, "sliding_window", None) is None


def use_plain_attention(model: PreTrainedModel) -> None:
    """Gives a model on a CPU the plain attention for its training; torch's fused one takes three times as long there.

    Families that are not known to have nothing but this get transformers' own.
    """
    if model.device.type == "cpu":
        model.set_attn_implementation(NAME if model.config.model_type in FAMILIES else "eager")
