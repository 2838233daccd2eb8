"""One forward pass for everybody who is writing: all works that are running share each step.

A new work joins between two steps; a long prompt is read in pieces, so that nobody's stream waits for it; an ended or
cancelled one leaves. Nobody's second comparison gets a step before everybody's first, also where the first is over by
then. What goes wrong in one work ends that work alone.
"""

import atexit
import threading
import time
from collections.abc import Callable
from collections.abc import Sequence as Many
from weakref import WeakSet

import torch

from cope_demo.errors import CopeError
from cope_demo.model.base_model import BaseModel
from cope_demo.model.compiling import running_loops

from .advancing import NOT_FINITE, advance_traced, advance_untraced
from .beginnings import Beginnings
from .cores import Cores
from .forward import Forward
from .outbox import Outbox
from .sequences import Piece, Places, Sequence, assemble
from .step_time import StepTime
from .work import Scoring, Work, Writing

STALL_SECONDS = 0.2
"""How much longer a step may take where prompts are read while others write: pieces grow and shrink towards it."""
STEP_SECONDS = 0.5
"""How long a step of all who write may take; who would make it longer waits until somebody ends."""
PIECE = 512
"""Tokens of prompts in a step while nobody writes."""
LEAST = 16
"""Tokens of prompts in a step, at least; and of what is patient, at most, while others write or read."""
IDLE_SECONDS = 2
"""After so long without work the thread ends; the next work starts it again."""
END_SECONDS = 5
"""How long a process that ends waits for its last step. A thread within torch would break off with an abort then."""
THREAD = "decode"
_ALL: "WeakSet[SharedPass]" = WeakSet()


def _get_turn(work: Work) -> tuple[bool, int]:
    return work.patient, work.outbox.turn


class SharedPass:
    """The running works of one model, and the thread that steps them. places: the size of the pool, in tokens."""

    def __init__(self, base: BaseModel, forward: Forward, places: int):
        self.base, self.forward = base, forward
        self.places = places
        self._pool, self._places = forward.make_pool(places), Places(places)
        self._beginnings = Beginnings(base.prompt_beginning, self._places)
        self._running: list[Work] = []
        self._waiting: list[Work] = []
        self._changed = threading.Condition()
        self._serving, self._ended = False, False
        _ALL.add(self)
        self.step_time = StepTime(forward.device.type == "cpu")
        """Of steps in which nobody reads."""
        self.cores = Cores(torch.get_num_threads() if forward.device.type == "cpu" else 1)
        self._piece = 3 * PIECE // 8
        """Tokens of prompts that are read in a step while others write."""
        self.steps = 0

    def submit(self, works: Many[Work]) -> None:
        """These works, which share an outbox, begin as soon as there is room.

        Raises CopeError for one that never fits.
        """
        for work in works:
            if work.needed > self._places.count:
                raise CopeError(
                    f"This takes the memory of {work.needed:,} tokens, while this machine has room for "
                    f"{self._places.count:,}; ask for fewer columns, a shorter prompt or a shorter text."
                )
        outbox = works[0].outbox
        outbox.begin(len(works))
        with self._changed:
            others = {work.outbox for work in (*self._running, *self._waiting)}
            own = [other.turn for other in others if outbox.owner is not None and other.owner == outbox.owner]
            outbox.turn = 1 + max(own, default=-1)
            self._waiting.extend(works)
            if not self._serving:
                self._serving = True
                threading.Thread(target=self._serve, name=THREAD, daemon=True).start()
            self._changed.notify()

    def cancel(self, outbox: Outbox) -> None:
        """The works of this outbox leave before the next step."""
        outbox.cancelled = True
        with self._changed:
            self._changed.notify()

    def is_busy(self) -> bool:
        """Whether any work is running or waiting."""
        return bool(self._waiting or self._running)

    def free_places(self) -> int:
        """Tokens for which there is room."""
        self._beginnings.release_unused()
        return self._places.free()

    def end(self) -> None:
        """Lets the thread end after its step, for good; what has not been written is not."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._ended:
            with self._changed:
                if not self._changed.wait_for(lambda: self._ended or self.is_busy(), IDLE_SECONDS):
                    self._serving = False
                    self._use_cores(self.cores.most)  # others' work begins with as many
                    return
            self._use_cores(self.cores.count)
            with running_loops(), torch.inference_mode():
                moved = self._step()
            if not moved:  # all have more than is fetched
                time.sleep(0.005)

    def _use_cores(self, count: int) -> None:
        if self.forward.device.type == "cpu" and torch.get_num_threads() != count:
            torch.set_num_threads(count)

    def _step(self) -> bool:
        self._leave()
        self._admit()
        works, beginnings = self._share_step()
        if not works and not beginnings:
            return False
        parts = [(count, work.take_pieces(count)) for work, count in works]
        writing = sum(piece.count for count, own in parts if count == 1 for piece in own)
        pieces = [piece for _, own in parts for piece in own]
        pieces += [Piece(sequence, count, 0) for sequence, count in beginnings]
        started, read = time.monotonic(), sum(piece.count for piece in pieces) - writing
        try:
            step = assemble(pieces, self.forward.device)
            logits = self.forward.run(step.ids, step.worn, step.layout, self._pool, step.wanted)
            self._hand_out(works, pieces, logits)
        except Exception as error:  # of the machine, as where memory is short: it is nobody's own
            lost = [sequence for sequence, _ in beginnings]
            waiting = [work for work in self._running if work.goes_on_from(lost)]
            for work in [work for work, _ in works if work in self._running] + waiting:
                self._finish(work, error)
            self._beginnings.release(lost)
        else:
            self._learn(writing, read, time.monotonic() - started)
        self.steps += 1
        return True

    def _learn(self, writing: int, read: int, spent: float) -> None:
        """From a step with so many rows that write and that read."""
        if read and writing:
            added = spent - self.step_time.predict(writing)
            change = 0.8 if added > STALL_SECONDS else 1.1 if read > 0.8 * self._piece else 1
            self._piece = int(min(PIECE, max(LEAST, change * self._piece)))
        elif writing:
            self.step_time.learn(writing, spent)
            self.cores.learn(writing, spent)

    def _leave(self) -> None:
        for work in [work for work in self._running if work.outbox.cancelled]:
            self._finish(work)
        with self._changed:
            self._waiting = [work for work in self._waiting if not work.outbox.cancelled]

    def _finish(self, work: Work, error: BaseException | None = None) -> None:
        self._running.remove(work)
        work.end(self._places)
        work.outbox.close(error)

    def _admit(self) -> None:
        """Lets in who waits, everybody's first comparison before anybody's second, as far as places and time allow."""
        with self._changed:
            waiting = sorted(self._waiting, key=_get_turn)
        for work in waiting:
            busy = sum(other.rows for other in self._running)
            too_long = busy and self.step_time.predict(busy + work.rows) > STEP_SECONDS
            if work.needed > self._places.free():
                self._beginnings.release_unused()
            if work.needed > self._places.free() or too_long:
                break
            with self._changed:
                self._waiting.remove(work)
            self._running.append(work)
            try:
                work.begin(self._places, self.forward.adapters.find, self._beginnings)
            except Exception as error:  # an adapter that does not fit the model, say
                self._finish(work, error)

    def _share_step(self) -> tuple[list[tuple[Work, int]], list[tuple[Sequence, int]]]:
        """Which works take part in the next step, and how many tokens each of their sequences reads; and the same of
        the beginnings that works wait for."""
        awake = [work for work in self._running if not work.outbox.is_full]
        shares, beginnings = [(work, 1) for work in awake if not work.reading and not work.unread], {}
        budget = self._piece if shares else PIECE
        for work in sorted((work for work in awake if work.reading or work.unread), key=_get_turn):
            for sequence in work.unread:
                if budget > 0 and id(sequence) not in beginnings:
                    beginnings[id(sequence)] = sequence, min(len(sequence.pending), budget)
                    budget -= beginnings[id(sequence)][1]
            if budget > 0 and not work.unread:
                most = min(budget, LEAST) if work.patient and shares else budget
                count = min(work.reading, max(1, most // len(work.sequences)))
                shares.append((work, count))
                budget -= count * len(work.sequences)
        return shares, list(beginnings.values())

    def _hand_out(self, works: list[tuple[Work, int]], pieces: list[Piece], logits: torch.Tensor) -> None:
        """Gives every work its logits; traced columns of all of them are computed at once."""
        counts = [piece.wanted for piece in pieces]
        parts, finite = iter(logits.split(counts)), iter(torch.isfinite(logits.sum(-1)).split(counts))
        traced: list[tuple[Writing, torch.Tensor]] = []
        for work, _ in works:
            own = [next(parts) for _ in work.sequences]
            if not all([bool(next(finite).all()) for _ in own]):
                self._finish(work, CopeError(NOT_FINITE))
            elif isinstance(work, Scoring):
                self._try(work, work.take_text, own)
            elif len(own[0]):
                rows = work.take(torch.cat(own))
                if work.request.traced:
                    traced.append((work, rows))
                else:
                    self._try(work, self._write_untraced, work, rows)
        if traced:
            self._write_traced(traced)
        for work, _ in works:
            if work in self._running and not work.sequences:
                self._finish(work)

    def _try(self, work: Work, do: Callable, *given) -> None:
        """Calls `do`; what goes wrong ends that work."""
        try:
            do(*given)
        except Exception as error:
            self._finish(work, error)

    def _write_traced(self, traced: list[tuple[Writing, torch.Tensor]]) -> None:
        columns = [column for work, _ in traced for column in work.request.columns]
        logits = torch.cat([rows for _, rows in traced]) if len(traced) > 1 else traced[0][1]
        events = iter(advance_traced(self.base, columns, logits[0::2], logits[1::2]))
        for work, _ in traced:
            work.note([next(events) for _ in work.request.columns])

    def _write_untraced(self, work: Writing, rows: torch.Tensor) -> None:
        columns = work.request.columns
        going = advance_untraced(self.base, work.request, rows)
        for column, goes_on in zip(columns, going, strict=True):
            if not goes_on:
                work.outbox.put(column)
        work.keep(going)


@atexit.register
def _end_all() -> None:
    """Also waits for threads that have ended their work, and drop the last of a model."""
    for one in list(_ALL):
        one.end()
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(END_SECONDS)
