"""The adapters that rows of a batch wear: each in a slot of its own, added to every product in one grouped step.

A row names the slots it wears (a user's adapter and, under it, the task's); rows of different users stand side by side.
In memory an adapter of the default shape on the embedded model takes 10 MB, in float32.
"""

import weakref

import numpy as np
import torch
from numba import prange

from .adapters import Lora
from .compiling import compile_parallel

RANK = 8
"""Ranks of a slot; an adapter of more takes several."""


class AdapterSlots:
    """The slots of one model, filled as adapters come and freed as they go.

    products: for every product of every layer, the paths of its layers and their (in, out), as forward.py reads them.
    """

    def __init__(self, products: list[list[tuple[str, int, int]]], device: torch.device):
        self._products, self._device = products, device
        self._held: dict[int, tuple[weakref.ref, tuple[int, ...]]] = {}  # by id of the Lora
        self._free: list[int] = []
        self._count = 0
        self.downs = [torch.zeros(0, len(parts) * RANK, parts[0][1], device=device) for parts in products]
        self.ups = [torch.zeros(0, RANK, sum(out for _, _, out in parts), device=device) for parts in products]
        self.starts = [np.cumsum([0, *(out for _, _, out in parts)]).astype(np.int64) for parts in products]

    def find(self, lora: Lora) -> tuple[int, ...]:
        """The slots of an adapter, filled if it has none yet. They are its own as long as the Lora lives."""
        held = self._held.get(id(lora))
        if held is not None and held[0]() is lora:
            return held[1]
        needed = -(-lora.rank // RANK)
        slots = tuple(self._take() for _ in range(needed))
        for number, slot in enumerate(slots):
            self._fill(slot, lora, slice(number * RANK, (number + 1) * RANK))
        self._held[id(lora)] = weakref.ref(lora, lambda _, key=id(lora): self._release(key)), slots
        return slots

    def _release(self, key: int) -> None:
        _, slots = self._held.pop(key, (None, ()))
        self._free.extend(slots)

    def _take(self) -> int:
        if not self._free:
            more = max(4, self._count)
            self.downs = [_grow(tensor, more) for tensor in self.downs]
            self.ups = [_grow(tensor, more) for tensor in self.ups]
            self._free = list(range(self._count + more - 1, self._count - 1, -1))
            self._count += more
        return self._free.pop()

    def _fill(self, slot: int, lora: Lora, ranks: slice) -> None:
        for parts, downs, ups, starts in zip(self._products, self.downs, self.ups, self.starts, strict=True):
            downs[slot].zero_()
            ups[slot].zero_()
            for number, (path, _, _) in enumerate(parts):
                if path in lora.weights:
                    down, up = lora.weights[path][0][ranks].float(), lora.weights[path][1][:, ranks].float()
                    downs[slot, number * RANK : number * RANK + len(down)] = down.to(self._device)
                    ups[slot, : up.shape[1], starts[number] : starts[number + 1]] = up.t().to(self._device)

    def add(self, product: int, x: torch.Tensor, y: torch.Tensor, worn: torch.Tensor) -> None:
        """Adds to a product's results what the rows' adapters say. x: (N, in); y: (N, out); worn: int64 (N, W) slots,
        -1 for none."""
        if not worn.shape[1]:
            return
        downs, ups, starts = self.downs[product], self.ups[product], self.starts[product]
        if x.device.type == "cpu":
            arrays = (x.contiguous(), y, worn, downs, ups)
            _add(*(tensor.numpy() for tensor in arrays), starts)
        else:
            _add_by_torch(x, y, worn, downs, ups, starts)


def _grow(tensor: torch.Tensor, more: int) -> torch.Tensor:
    return torch.cat([tensor, tensor.new_zeros(more, *tensor.shape[1:])])


@compile_parallel
def _add(x, y, worn, downs, ups, starts):
    width, parts, ranks = x.shape[1], len(starts) - 1, ups.shape[1]
    for row in prange(len(x)):
        for slot in worn[row]:
            if slot < 0:
                continue
            for part in range(parts):
                for rank in range(ranks):
                    down, inner = downs[slot, part * ranks + rank], np.float32(0)
                    for i in range(width):
                        inner += down[i] * x[row, i]
                    up = ups[slot, rank]
                    for out in range(starts[part], starts[part + 1]):
                        y[row, out] += inner * up[out]


def _add_by_torch(x, y, worn, downs, ups, starts) -> None:
    """All adapters in use side by side; a mask says which of them a row wears."""
    used = worn.unique()
    used = used[used >= 0]
    if not len(used):
        return
    ranks, dtype = ups.shape[1], x.dtype
    mask = (worn[:, :, None] == used).any(1).to(dtype)  # (N, U)
    inner = (x @ downs[used].flatten(0, 1).t().to(dtype)).view(len(x), len(used), -1, ranks)  # (N, U, parts, R)
    inner = inner * mask[:, :, None, None]
    for part in range(len(starts) - 1):
        where = slice(int(starts[part]), int(starts[part + 1]))
        y[:, where] += inner[:, :, part].flatten(1) @ ups[used][:, :, where].flatten(0, 1).to(dtype)
