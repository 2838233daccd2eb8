"""Sequences of tokens in the pool of keys and values: who reads what next, and the step that all of them share."""

from collections.abc import Sequence as Many
from dataclasses import dataclass, field

import numpy as np
import torch

from .attention import Layout


class Places:
    """The free places of a pool. The lowest are taken first, so that memory is touched only as far as it is needed."""

    def __init__(self, count: int):
        self.count = count
        self._free = list(range(count - 1, -1, -1))

    def free(self) -> int:
        """How many are free."""
        return len(self._free)

    def take(self, count: int) -> np.ndarray:
        """So many places, int32 (count,). Raises RuntimeError where fewer are free: whoever takes has to know."""
        if count > len(self._free):
            raise RuntimeError(f"{count} places were asked for and {len(self._free)} are free")
        taken = self._free[len(self._free) - count :]
        del self._free[len(self._free) - count :]
        return np.array(taken[::-1], np.int32)

    def give(self, places: np.ndarray) -> None:
        """These are free again."""
        self._free.extend(sorted(places.tolist(), reverse=True))


@dataclass(eq=False)
class Sequence:
    """A text that one model reads: the slots of its adapters, and where its tokens lie.

    places: int32, for all tokens it may ever have. length: how many of them are read. pending: the tokens to read next.
    """

    worn: tuple[int, ...]
    places: np.ndarray
    length: int = 0
    pending: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Piece:
    """What a sequence reads in a step, the next `count` of its pending tokens, and how many of the last of them give
    logits."""

    sequence: Sequence
    count: int
    wanted: int


@dataclass(frozen=True)
class Step:
    """The token rows of all pieces, as Forward.run takes them."""

    ids: torch.Tensor
    worn: np.ndarray
    layout: Layout
    wanted: torch.Tensor


def assemble(pieces: Many[Piece], device: torch.device) -> Step:
    """One step of all these pieces; afterwards their tokens count as read."""
    counts = [piece.count for piece in pieces]
    ends = np.cumsum(counts)
    longest = max(piece.sequence.length + piece.count for piece in pieces)
    places = np.zeros((len(pieces), longest), np.int32)
    width = max(len(piece.sequence.worn) for piece in pieces)
    worn = np.full((len(pieces), width), -1, np.int64)
    ids: list[int] = []
    positions, new, wanted = [], [], []
    for number, piece in enumerate(pieces):
        one, start = piece.sequence, piece.sequence.length
        stop = start + piece.count
        places[number, :stop] = one.places[:stop]
        places[number, stop:] = one.places[0]  # a mask hides them, but no mask hides a NaN: so they are its own
        worn[number, : len(one.worn)] = one.worn
        ids += one.pending[: piece.count]
        del one.pending[: piece.count]
        positions.append(np.arange(start, stop))
        new.append(one.places[start:stop])
        wanted.append(np.arange(ends[number] - piece.wanted, ends[number]))
        one.length = stop
    sequences = np.repeat(np.arange(len(pieces)), counts)

    def move(values) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values, np.int64)).to(device)

    layout = Layout(np.concatenate(positions), sequences, np.concatenate(new).astype(np.int64), places)
    return Step(move(ids), worn[sequences], layout, move(np.concatenate(wanted)))
