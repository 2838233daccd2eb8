"""What all prompts of a model begin with, as its chat template says, is read once for each set of adapters.

The template's words are nobody's own, so that whoever measures how fast his prompt is read learns nothing of others'.
"""

import weakref
from collections.abc import Sequence as Many

from cope_demo.model.adapters import Lora

from .sequences import Places, Sequence

LEAST = 8
"""A shorter beginning is read by everybody anew."""


class Beginning:
    """The beginning under one set of adapters. sequence: what of it is read. users: how many works go on from it."""

    def __init__(self, loras: Many[Lora], sequence: Sequence):
        self.sequence, self.users = sequence, 0
        self._loras = tuple(map(weakref.ref, loras))

    def fits(self, loras: Many[Lora]) -> bool:
        """Whether these are its adapters."""
        return len(self._loras) == len(loras) and all(
            own() is lora for own, lora in zip(self._loras, loras, strict=True)
        )

    @property
    def is_old(self) -> bool:
        """Whether one of its adapters is gone."""
        return any(own() is None for own in self._loras)


class Beginnings:
    """The beginnings in a pool of keys and values. tokens: what all prompts begin with."""

    def __init__(self, tokens: list[int], places: Places):
        self.tokens = tokens if len(tokens) >= LEAST else []
        self._places, self._kept = places, []

    def is_in(self, read: list[int]) -> bool:
        """Whether these tokens begin so and go on."""
        count = len(self.tokens)
        return 0 < count < len(read) and read[:count] == self.tokens

    def use(self, loras: list[Lora], worn: tuple[int, ...]) -> Beginning:
        """The beginning under these adapters, read or not, with one user more."""
        self._release([one for one in self._kept if one.is_old and not one.users])
        found = next((one for one in self._kept if one.fits(loras)), None)
        if found is None:
            sequence = Sequence(worn, self._places.take(len(self.tokens)), pending=list(self.tokens))
            found = Beginning(loras, sequence)
            self._kept.append(found)
        found.users += 1
        return found

    def release_unused(self) -> None:
        """Gives back the places of all that nobody goes on from."""
        self._release([one for one in self._kept if not one.users])

    def release(self, sequences: list[Sequence]) -> None:
        """Gives these up, as where reading them failed; whoever used them has ended."""
        self._release([one for one in self._kept if one.sequence in sequences])

    def _release(self, old: list[Beginning]) -> None:
        for one in old:
            self._kept.remove(one)
            self._places.give(one.sequence.places)
