"""What takes part in the shared steps: a request that writes, or a given text that is scored.

A Work says which sequences read on and takes the logits that it asked for. It first reads a prompt with every different
set of adapters once; a request then writes, with two rows a column. Rows that wear the same share a sequence while
their columns say the same; where these part, each goes on from what they have in common.
"""

from collections.abc import Callable

import numpy as np
import torch

from cope_demo.model.adapters import Lora, LoraBank

from .beginnings import Beginning, Beginnings
from .outbox import Outbox
from .request import Event, Request
from .sequences import Piece, Places, Sequence
from .trace import ColumnEnd

FindSlots = Callable[[Lora], tuple[int, ...]]


def find_loras(bank: LoraBank, names: tuple[str, ...]) -> list[Lora]:
    """The adapters that a row of these names wears. See LoraBank.list_worn."""
    return [bank.loras[name] for name in bank.list_worn(names)]


class Work:
    """A share in the steps. It reads until `sequences` have nothing pending, and is over when it has none.

    outbox: where its results go, and who is waiting. kinds: the names of the adapters of each sequence that reads.
    reads: what each of them reads; the shorter ones wait for the longest, so that all end in the same step.
    """

    patient = False
    """Whether it comes after all others, and reads little in a step in which others write."""

    def __init__(self, bank: LoraBank, outbox: Outbox, kinds: list[tuple[str, ...]], reads: list[list[int]], room: int):
        self.bank, self.outbox, self.kinds = bank, outbox, kinds
        self._reads, self._room = reads, room
        self.sequences: list[Sequence] = []
        self._beginnings: list[Beginning] = []
        self._places = self._own = np.empty(0, np.int32)

    @property
    def needed(self) -> int:
        """Places that it takes at most, with those of beginnings that nobody else uses."""
        return sum(map(len, self._reads)) + self._room

    @property
    def rows(self) -> int:
        """Token rows that it takes in a step in which it reads one token, at most."""
        return len(self.kinds)

    @property
    def reading(self) -> int:
        """Tokens that its longest sequence is still to read before it writes; 0 where it writes."""
        return self._longest if self._longest > 1 else 0

    @property
    def _longest(self) -> int:
        return max((len(sequence.pending) for sequence in self.sequences), default=0)

    def wanted(self, count: int) -> int:
        """Of the next `count` tokens, how many of the last give logits."""
        return 1 if count == self._longest else 0

    def take_pieces(self, count: int) -> list[Piece]:
        """What its sequences read in a step in which the longest one reads `count` tokens, a piece each."""
        left, wanted = self._longest - count, self.wanted(count)
        return [Piece(one, max(0, len(one.pending) - left), wanted) for one in self.sequences]

    @property
    def unread(self) -> list[Sequence]:
        """Beginnings from which its sequences go on, as far as nobody has read them yet."""
        return [one.sequence for one in self._beginnings if one.sequence.pending]

    def goes_on_from(self, sequences: list[Sequence]) -> bool:
        """Whether its sequences go on from any of these beginnings."""
        return any(one.sequence in sequences for one in self._beginnings)

    def begin(self, places: Places, find_slots: FindSlots, beginnings: Beginnings) -> None:
        """Takes its places and begins to read, where possible after what all prompts begin with."""
        shares = [len(beginnings.tokens) if beginnings.is_in(read) else 0 for read in self._reads]
        lengths = [len(read) - shared for read, shared in zip(self._reads, shares, strict=True)]
        self._places = places.take(sum(lengths) + self._room)
        *parts, self._own = np.split(self._places, np.cumsum(lengths))
        for names, read, shared, mine in zip(self.kinds, self._reads, shares, parts, strict=True):
            loras = find_loras(self.bank, names)
            worn = tuple(slot for lora in loras for slot in find_slots(lora))
            if shared:
                self._beginnings.append(beginnings.use(loras, worn))
                mine = np.concatenate([self._beginnings[-1].sequence.places, mine])
            self.sequences.append(Sequence(worn, mine, shared, pending=read[shared:]))

    def end(self, places: Places) -> None:
        """Gives its places back."""
        places.give(self._places)
        for one in self._beginnings:
            one.users -= 1
        self._places, self.sequences, self._beginnings = self._places[:0], [], []


class Writing(Work):
    """A request: its columns' next tokens come from TracedStep, or untraced ones from `advance_untraced`."""

    def __init__(self, request: Request, outbox: Outbox):
        self.request, column = request, request.columns[0]
        rows = [(names, tuple(read)) for names, read in zip(request.rows(), request.reads(), strict=True)]
        first, new = sorted(set(rows)), column.config.max_new_tokens - len(column.ids)
        self._where = [first.index(row) for row in rows]
        """Of each row, which of `sequences` it is."""
        self._left: list[np.ndarray] = []
        """Places for new tokens, (new,) each, for the sequences that are to come."""
        kinds, reads = [names for names, _ in first], [list(read) for _, read in first]
        super().__init__(request.bank, outbox, kinds, reads, len(rows) * new)
        self._writes = False

    @property
    def rows(self) -> int:
        """See Work.rows: where no two of its columns say the same any more."""
        return len(self._where)

    def take(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits (rows, V) of its rows, from those of its sequences; after the prompt these get places to write."""
        if not self._writes:
            self._writes = True
            self._left = np.split(self._own, len(self._where))
            for one in self.sequences:
                one.places = np.concatenate([one.places, self._left.pop()])
        return logits[self._where]

    def keep(self, going: list[bool]) -> None:
        """Goes on with these of its columns, each with its last token."""
        columns, each = self.request.columns, len(self._where) // len(self.request.columns)
        stay = [number for number, one in enumerate(going) if one]
        self.request.columns = [columns[number] for number in stay]
        old, self.sequences, found = self.sequences, [], {}
        rows = [(self._where[number * each + k], columns[number].ids[-1]) for number in stay for k in range(each)]
        begun = set()
        for row in rows:
            if row not in found:
                number, token = row
                found[row] = len(self.sequences)
                self.sequences.append(self._part(old[number]) if number in begun else old[number])
                self.sequences[-1].pending = [token]
                begun.add(number)
        self._where = [found[row] for row in rows]

    def _part(self, sequence: Sequence) -> Sequence:
        """Another one that has read the same and goes on in places of its own."""
        read, own = sequence.length, self._left.pop()
        own = own[len(own) - (len(sequence.places) - read) :]
        return Sequence(sequence.worn, np.concatenate([sequence.places[:read], own]), read)

    def note(self, events: list[list[Event]]) -> None:
        """Hands its columns' events on, and goes on with those that have not ended."""
        for event in (event for many in events for event in many):
            self.outbox.put(event)
        self.keep([not isinstance(many[-1], ColumnEnd) for many in events])


class Scoring(Work):
    """A given text under the models of these kinds. describe: is called with the logits (n, V) of each of them for the
    next n tokens of the text, and gives what goes to the outbox."""

    def __init__(
        self,
        prompt_ids: list[int],
        response_ids: list[int],
        kinds: list[tuple[str, ...]],
        bank: LoraBank,
        outbox: Outbox,
        describe: Callable[..., list],
        patient: bool = False,
    ):
        super().__init__(bank, outbox, kinds, [prompt_ids + response_ids[:-1]] * len(kinds), 0)
        self._left, self._describe, self.patient = len(response_ids), describe, patient

    @property
    def reading(self) -> int:
        """All that is left."""
        return len(self.sequences[0].pending) if self.sequences else 0

    def wanted(self, count: int) -> int:
        """The rows of the text's tokens in these."""
        return max(0, min(count, self._left - (self.reading - count)))

    def take_text(self, logits: list[torch.Tensor]) -> None:
        """logits: (n, V) of each model; n may be 0, while the prompt is read."""
        self._left -= len(logits[0])
        for one in self._describe(*logits):
            self.outbox.put(one)
        if not self.reading:
            self.sequences = []
