"""The adapters that rows of a batch wear: each in a slot of its own, added to every product in one grouped step.

A row names the slots it wears (a user's adapter and, under it, the task's); rows of different users stand side by side.
In memory an adapter of the default shape on the embedded model takes 10 MB, in float32.
"""

import math
import weakref
from functools import partial

import numpy as np
import torch
from numba import prange

from cope_demo.errors import CopeError

from .adapters import Lora
from .compiling import compile_parallel

RANK = 8
"""Ranks of a slot; an adapter of more takes several."""
FIRST = 8
"""Slots that are made at first; as soon as they are full there are twice as many."""


class AdapterSlots:
    """The slots of one model, filled as adapters come and freed as they go.

    products: for every product of every layer, the paths of its layers and their (in, out), as forward.py reads them.
    dtype: of the adapters' weights here.
    """

    def __init__(self, products: list[list[tuple[str, int, int]]], device: torch.device, dtype: torch.dtype):
        self._products, self.device, self._dtype = products, device, dtype
        self._joined: _Joined | None = None
        self._held: dict[int, tuple[weakref.ref, tuple[int, ...]]] = {}  # by id of the Lora
        self._free: list[int] = []
        self.starts = [np.cumsum([0, *(out for _, _, out in parts)]).astype(np.int64) for parts in products]
        self.downs: list[torch.Tensor] = []
        self.ups: list[torch.Tensor] = []
        self._resize(0)

    def find(self, lora: Lora) -> tuple[int, ...]:
        """The slots of an adapter, filled if it has none yet. They are its own as long as the Lora lives.

        Raises CopeError for an adapter of other layers, or other shapes, than the products have.
        """
        held = self._held.get(id(lora))
        if held is not None and held[0]() is lora:
            return held[1]
        self._check(lora)  # before any slot is taken
        needed = -(-lora.rank // RANK)
        self._make_room(needed)
        slots = tuple(self._free.pop() for _ in range(needed))
        self._joined = None
        try:
            for number, slot in enumerate(slots):
                self._fill(slot, lora, slice(number * RANK, (number + 1) * RANK))
        except BaseException:
            self._free.extend(slots)
            raise
        self._held[id(lora)] = weakref.ref(lora, partial(self._release, id(lora))), slots
        return slots

    def _check(self, lora: Lora) -> None:
        shapes = {
            path: ((lora.rank, width), (outs, lora.rank)) for parts in self._products for path, width, outs in parts
        }
        for path, pair in lora.weights.items():
            if shapes.get(path) != tuple(tuple(part.shape) for part in pair):
                raise CopeError(
                    f"The adapter changes {path}, which this model has not, or not in that shape; only linear layers "
                    "of attention and MLP can be changed, so fit this user again on this model."
                )

    def _release(self, key: int, _: weakref.ref) -> None:
        _, slots = self._held.pop(key, (None, ()))
        self._free.extend(slots)

    def _make_room(self, needed: int) -> None:
        """Makes slots until so many are free. Whoever finds no memory for them leaves all as it was."""
        count, missing = len(self.downs[0]), needed - len(self._free)
        if missing > 0:
            self._resize(count + max(FIRST, count, missing))
            self._free.extend(range(len(self.downs[0]) - 1, count - 1, -1))  # others may become free meanwhile

    def _resize(self, count: int) -> None:
        """Makes so many slots of all products, in one piece of memory, and keeps what is in the old ones."""
        shapes = [(count, len(parts) * RANK, parts[0][1]) for parts in self._products]
        shapes += [(count, RANK, int(starts[-1])) for starts in self.starts]
        sizes = [math.prod(shape) for shape in shapes]
        memory = torch.zeros(sum(sizes), device=self.device, dtype=self._dtype)
        new = [part.view(shape) for part, shape in zip(memory.split(sizes), shapes, strict=True)]
        for part, old in zip(new, (*self.downs, *self.ups), strict=False):
            part[: len(old)] = old
        self.downs, self.ups = new[: len(self._products)], new[len(self._products) :]
        self.arrays = []
        """Every product's A, B and starts of parts, for compiled loops."""
        if self.device.type == "cpu":
            many = zip(self.downs, self.ups, self.starts, strict=True)
            self.arrays = [(downs.numpy(), ups.numpy(), starts) for downs, ups, starts in many]

    def _fill(self, slot: int, lora: Lora, ranks: slice) -> None:
        for parts, downs, ups, starts in zip(self._products, self.downs, self.ups, self.starts, strict=True):
            downs[slot].zero_()
            ups[slot].zero_()
            for number, (path, _, _) in enumerate(parts):
                if path in lora.weights:
                    down, up = lora.weights[path][0][ranks].float(), lora.weights[path][1][:, ranks].float()
                    downs[slot, number * RANK : number * RANK + len(down)] = down.to(self.device)
                    ups[slot, : up.shape[1], starts[number] : starts[number + 1]] = up.t().to(self.device)

    def dress(self, worn: np.ndarray) -> "Dressed":
        """What a step's rows wear. worn: int64 (N, W) slots, -1 for none."""
        if self.device.type == "cpu":
            return DressedOnCpu(self, worn)
        used = np.unique(worn[worn >= 0])
        if self._joined is None or not np.array_equal(self._joined.used, used):
            self._joined = _Joined(self, used)
        mask = (worn[:, :, None] == used).any(1)  # (N, U)
        return DressedByTorch(self._joined, torch.from_numpy(mask).to(self.device))


class DressedOnCpu:
    """The adapters of a step's rows, added row by row in place."""

    def __init__(self, slots: AdapterSlots, worn: np.ndarray):
        self._arrays, self._worn, self._any = slots.arrays, worn, worn.shape[1] > 0

    def add(self, product: int, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """A product's results (N, out) with what the rows' adapters say of its input x (N, in); y is overwritten."""
        if self._any:
            _add(x.numpy(), y.numpy(), self._worn, *self._arrays[product])
        return y


class _Joined:
    """All adapters that a step wears, side by side: A as (in, U * parts * R) and B as (U * parts * R, out)."""

    def __init__(self, slots: AdapterSlots, used: np.ndarray):
        self.used = used
        where = torch.from_numpy(used).to(slots.device)
        self.downs = [downs[where].flatten(0, 1).t().contiguous() for downs in slots.downs]
        self.ups = []
        for ups, starts in zip(slots.ups, slots.starts, strict=True):
            own, parts = ups[where], len(starts) - 1
            wide = own.new_zeros(len(used), parts, own.shape[1], own.shape[2])
            for part in range(parts):
                columns = slice(int(starts[part]), int(starts[part + 1]))
                wide[:, part, :, columns] = own[:, :, columns]
            self.ups.append(wide.flatten(0, 2))


class DressedByTorch:
    """The adapters of a step's rows as two products for all of them; a mask (N, U) says who wears which."""

    def __init__(self, joined: _Joined, mask: torch.Tensor):
        self._joined, self._mask = joined, mask
        self._masks: dict[int, torch.Tensor] = {}

    def add(self, product: int, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """As DressedOnCpu.add."""
        down, up = self._joined.downs[product], self._joined.ups[product]
        if not down.shape[1]:
            return y
        if down.shape[1] not in self._masks:
            each = down.shape[1] // self._mask.shape[1]
            self._masks[down.shape[1]] = ~self._mask.repeat_interleave(each, 1)
        # Filled and not multiplied: what others' adapters make of a row may be infinite, and 0 times that is no number.
        return torch.addmm(y, (x @ down).masked_fill_(self._masks[down.shape[1]], 0), up)


Dressed = DressedOnCpu | DressedByTorch


@compile_parallel
def _add(x, y, worn, downs, ups, starts):
    width, parts, ranks = x.shape[1], len(starts) - 1, ups.shape[1]
    for item in prange(len(x) * parts):  # part by part, as every other row may wear nothing
        part, row = item // len(x), item % len(x)
        line, out = x[row], y[row, starts[part] : starts[part + 1]]
        for slot in worn[row]:
            if slot < 0:
                continue
            for rank in range(ranks):
                down, inner = downs[slot, part * ranks + rank], np.float32(0)
                for i in range(width):
                    inner += down[i] * line[i]
                up = ups[slot, rank, starts[part] : starts[part + 1]]
                for i in range(len(out)):
                    out[i] += inner * up[i]
