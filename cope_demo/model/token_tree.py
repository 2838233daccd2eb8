"""Texts that begin alike as one tree of tokens, so that a fit computes what they share once, and no padding.

All texts of a batch begin with the same template; chosen and rejected follow the same prompt, and so do the candidates.
A token's numbers depend on what stands before it and on nothing else, so a beginning that several texts have in common
is read once for all of them, and its gradient is the sum of theirs. The tokens stand one behind the other in one row:
only attention (attention.py) has to know which of them stand before which.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class TokenTree:
    """The N different beginnings of B texts, each by its last token: the nodes.

    ids, positions: int64 (N,), a node's token and its place in the texts it belongs to.
    paths: int64 (B, S), the nodes of each text in order; past its end, any.
    own: int64 (B, T), the nodes that a text is the first to have; past their end, any.
    found: int64 (N,), where in `own`, flattened, each node stands.
    mask: what is added to attention's products of own nodes with paths, 0 or minus infinity, (B, 1, T, S).
    """

    ids: torch.Tensor
    positions: torch.Tensor
    paths: torch.Tensor
    own: torch.Tensor
    found: torch.Tensor
    mask: torch.Tensor


def grow_tree(texts: Sequence[Sequence[int]], device: torch.device, dtype: torch.dtype) -> TokenTree:
    """The tree of these texts, none of them empty. dtype: of attention's products."""
    ids: list[int] = []
    positions: list[int] = []
    nodes: dict[tuple[int, int], int] = {}  # (node before, token) -> node
    paths, own = [], []
    for text in texts:
        before, path, new = -1, [], []
        for position, token in enumerate(text):
            node = nodes.get((before, token))
            if node is None:
                node = nodes[before, token] = len(ids)
                ids.append(token)
                positions.append(position)
                new.append(node)
            path.append(node)
            before = node
        paths.append(path)
        own.append(new)
    longest = max(map(len, own))
    found = [row * longest + column for row, new in enumerate(own) for column in range(len(new))]
    values = (ids, positions, _fill(paths), _fill(own), found)
    tensors = [torch.tensor(value, device=device) for value in values]
    later = torch.arange(tensors[2].shape[1], device=device) > tensors[1][tensors[3]].unsqueeze(-1)
    mask = torch.zeros(later.shape, dtype=dtype, device=device).masked_fill_(later, -torch.inf)
    return TokenTree(*tensors, mask[:, None])


def count_nodes(texts: Sequence[Sequence[int]]) -> int:
    """How many nodes the tree of these texts has."""
    nodes: dict[tuple[int, int], int] = {}
    for text in texts:
        before = -1
        for token in text:
            before = nodes.setdefault((before, token), len(nodes))
    return len(nodes)


def _fill(rows: list[list[int]]) -> list[list[int]]:
    longest = max(map(len, rows))
    return [row + [0] * (longest - len(row)) for row in rows]
