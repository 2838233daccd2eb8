"""Attention over a pool of keys and values in which every row of the batch has its own places.

A token's keys and values lie at one place of the pool, for all layers; a row is the list of its tokens' places. So rows
of any length stand in one batch without padding, columns that begin with the same prompt share its places, and nothing
is copied when a row joins or leaves. On a CPU they are kept as 16-bit integers with a scale for each head and token (a
rounding of 1 in 65,000 of the head's largest value), which is half the memory of float32 and loses less than bfloat16.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from numba import prange

from cope_demo.model.compiling import compile_parallel


@dataclass(frozen=True)
class Heads:
    """The heads of a layer: how many query heads, how many key and value heads, their width, and the factor of the
    products; window: how many of the last tokens are seen, or None for all; the weights of the norms of queries and
    keys, where there are any, and their epsilon."""

    queries: int
    keys: int
    width: int
    scaling: float
    window: int | None
    query_norm: torch.Tensor | None
    key_norm: torch.Tensor | None
    epsilon: float


@dataclass(frozen=True)
class Layout:
    """Where the N token rows of a step stand: row n is the token at `positions[n]` of sequence `sequences[n]`.

    new: int64 (N,), the place of each row's own token. places: int32 (B, S), the places of each of B sequences' tokens,
    with those of this step; after them a sequence's first one. Rows of a sequence follow each other. All of it is in
    the CPU's memory.
    """

    positions: np.ndarray
    sequences: np.ndarray
    new: np.ndarray
    places: np.ndarray
    _moved: dict = field(default_factory=dict, repr=False)

    def move(self, device: torch.device) -> tuple[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]]:
        """For torch on that device: `new`, and the rows in groups that make a rectangle, all sequences with equally
        many rows together. Of a group its rows (B * T,), the places (B, S) of its sequences, and how far back each of
        these lies (B, T, S), negative for what comes later. Made once a step."""
        if device not in self._moved:
            names, counts = np.unique(self.sequences, return_counts=True)
            groups = []
            for count in np.unique(counts):
                rows = np.flatnonzero(np.isin(self.sequences, names[counts == count]))
                places = self.places[np.unique(self.sequences[rows]), : self.positions[rows].max() + 1].astype(np.int64)
                back = self.positions[rows].reshape(len(places), -1, 1) - np.arange(places.shape[1])
                groups.append(tuple(torch.from_numpy(part).to(device) for part in (rows, places, back)))
            self._moved[device] = torch.from_numpy(self.new).to(device), groups
        return self._moved[device]


_NONE = np.empty(0, np.float32)


class CpuPool:
    """Keys and values in memory, as 16-bit integers with scales; attention by loops that numba compiles."""

    def __init__(self, layers: int, places: int, heads: Heads):
        # Memory that was never written is not there yet: a large pool costs what is used of it.
        self.keys, self.values = (np.empty((layers, places, heads.keys, heads.width), np.int16) for _ in range(2))
        self.scales = np.empty((layers, places, 2, heads.keys), np.float32)
        self.places = places

    def attend(self, number: int, heads: Heads, qkv: torch.Tensor, turn: tuple, layout: Layout) -> torch.Tensor:
        """Keeps the rows' keys and values, and returns what they attend to: (N, queries * width) float32.

        qkv: (N, (queries + 2 keys) * width) float32, which is overwritten. turn: cosines and sines, (N, width) each.
        """
        norms = [_NONE if norm is None else norm.numpy() for norm in (heads.query_norm, heads.key_norm)]
        keys, values, scales = self.keys[number], self.values[number], self.scales[number]
        rows, positions = qkv.numpy(), layout.positions
        shape = (heads.queries, heads.keys, heads.width)
        cosines, sines = (part.numpy() for part in turn)
        _keep(rows, *shape, cosines, sines, *norms, heads.epsilon, layout.new, keys, values, scales)
        # By torch, which aligns it for the next product; its default type is another while transformers loads a model.
        out = torch.empty(len(rows), heads.queries * heads.width, dtype=torch.float32)
        window = heads.window or len(layout.places[0])
        where = window, positions, layout.sequences, layout.places
        _attend(rows, *shape, np.float32(heads.scaling), *where, keys, values, scales, out.numpy())
        return out


@compile_parallel
def _keep(
    rows, queries, keys, width, cosines, sines, query_norm, key_norm, epsilon, new, kept_keys, kept_values, scales
):
    """Norms and turns queries and keys in place, and keeps keys and values at their places."""
    half = width // 2
    for row in prange(len(rows)):
        line = rows[row]
        for head in range(queries + keys):
            part = line[head * width : (head + 1) * width]
            norm = query_norm if head < queries else key_norm
            if len(norm):
                total = np.float32(0)
                for i in range(width):
                    total += part[i] * part[i]
                factor = np.float32(1) / np.sqrt(total / np.float32(width) + np.float32(epsilon))
                for i in range(width):
                    part[i] *= factor * norm[i]
            for i in range(half):
                left, right = part[i], part[i + half]
                part[i] = left * cosines[row, i] - right * sines[row, i]
                part[i + half] = right * cosines[row, i + half] + left * sines[row, i + half]
        for kind in range(2):
            kept = kept_keys if kind == 0 else kept_values
            for head in range(keys):
                start = (queries + kind * keys + head) * width
                part, most = line[start : start + width], np.float32(1e-30)
                for i in range(width):
                    most = max(most, abs(part[i]))
                scale = most / np.float32(32767)
                scales[new[row], kind, head] = scale
                for i in range(width):
                    kept[new[row], head, i] = np.int16(np.rint(part[i] / scale))


@compile_parallel
def _attend(
    rows, queries, keys, width, scaling, window, positions, sequences, places, kept_keys, kept_values, scales, out
):
    """softmax(scaling * q K^T) V over the places of each row's sequence up to its own position, at most `window` of
    them; a group of query heads shares a key head."""
    group = queries // keys
    for item in prange(len(rows) * keys):
        row, head = item // keys, item % keys
        stop = positions[row] + 1
        start = max(0, stop - window)
        line = places[sequences[row]]
        weights = np.empty((group, stop - start), np.float32)
        for at in range(start, stop):
            place = line[at]
            key, scale = kept_keys[place, head], scales[place, 0, head] * scaling
            for one in range(group):
                query = rows[row, (head * group + one) * width : (head * group + one + 1) * width]
                total = np.float32(0)
                for i in range(width):
                    total += query[i] * np.float32(key[i])
                weights[one, at - start] = total * scale
        for one in range(group):
            most = weights[one].max()
            total = np.float32(0)
            for at in range(stop - start):
                weights[one, at] = np.exp(weights[one, at] - most)
                total += weights[one, at]
            for at in range(stop - start):
                weights[one, at] /= total
        for one in range(group):
            part = out[row, (head * group + one) * width : (head * group + one + 1) * width]
            part[:] = 0
            for at in range(start, stop):
                place = line[at]
                value, weight = kept_values[place, head], weights[one, at - start] * scales[place, 1, head]
                for i in range(width):
                    part[i] += weight * np.float32(value[i])


class TorchPool:
    """Keys and values on any device, in its compute type; attention by torch."""

    def __init__(self, layers: int, places: int, heads: Heads, device: torch.device, dtype: torch.dtype):
        self.keys, self.values = (
            torch.zeros(layers, places, heads.keys, heads.width, device=device, dtype=dtype) for _ in range(2)
        )
        self.places = places

    def attend(self, number: int, heads: Heads, qkv: torch.Tensor, turn: tuple, layout: Layout) -> torch.Tensor:
        """As CpuPool.attend, for tensors on the pool's device."""
        shape = [heads.queries * heads.width, heads.keys * heads.width, heads.keys * heads.width]
        query, key, value = (part.unflatten(-1, (-1, heads.width)) for part in qkv.split(shape, -1))
        query = _turn(_normalize(query, heads.query_norm, heads.epsilon), turn)
        key = _turn(_normalize(key, heads.key_norm, heads.epsilon), turn)
        new, groups = layout.move(query.device)
        self.keys[number, new], self.values[number, new] = key.to(self.keys.dtype), value.to(self.values.dtype)
        out = torch.empty_like(query)
        for rows, where, back in groups:
            mask = back >= 0
            if heads.window:
                mask &= back < heads.window
            many = query[rows].view(len(where), -1, heads.queries, heads.width).transpose(1, 2)
            keys, values = (kept[number, where].transpose(1, 2) for kept in (self.keys, self.values))
            mixed = torch.nn.functional.scaled_dot_product_attention(
                many.to(keys.dtype), keys, values, mask[:, None], scale=heads.scaling, enable_gqa=True
            )
            out[rows] = mixed.transpose(1, 2).reshape(-1, heads.queries, heads.width).to(out.dtype)
        return out.flatten(1)


def _normalize(x: torch.Tensor, weight: torch.Tensor | None, epsilon: float) -> torch.Tensor:
    return x if weight is None else torch.nn.functional.rms_norm(x, x.shape[-1:], weight.to(x.dtype), epsilon)


def _turn(x: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Rotary positions (Su et al., "RoFormer", 2021). x: (N, heads, width)."""
    cosines, sines = (part[:, None].to(x.dtype) for part in turn)
    left, right = x.chunk(2, -1)
    return x * cosines + torch.cat([-right, left], -1) * sines
