"""Two users compare and fit at once in one process: whatever the order of their steps, each gets what they get alone.

Each user's work runs in a thread of its own, but only one moves at a time; after every token and every training step a
seeded choice says who is next.
"""

import json
import random
import threading
from collections import Counter
from typing import NamedTuple

import pytest

from tests.faults.works import USERS, Works


class Turns:
    """Lets one of several threads move at a time; `step` hands over to whom the seed chooses."""

    def __init__(self, seed: int, names: tuple[str, ...]):
        self._random, self._change, self._left = random.Random(seed), threading.Condition(), sorted(names)
        self._now = self._random.choice(self._left)
        self.handed_over = 0

    def begin(self, name: str) -> None:
        with self._change:
            self._change.wait_for(lambda: self._now == name)

    def step(self, name: str) -> None:
        with self._change:
            self._choose()
            self.handed_over += self._now != name
            self._change.wait_for(lambda: self._now == name)

    def end(self, name: str) -> None:
        with self._change:
            self._left.remove(name)
            self._choose()

    def _choose(self) -> None:
        self._now = self._random.choice(self._left) if self._left else None
        self._change.notify_all()


class Outcome(NamedTuple):
    """What each user got, and how often one's step came between two of the other's."""

    got: dict[str, str]
    handed_over: int


def run_together(works: Works, kinds: tuple[str, str], seed: int) -> Outcome:
    """Each user does one kind of work, in an order of steps that the seed chooses."""
    turns, got = Turns(seed, USERS), {}

    def run(user: str, kind: str) -> None:
        turns.begin(user)
        try:
            got[user] = getattr(works, kind)(user, lambda: turns.step(user))
        finally:
            turns.end(user)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(USERS, kinds, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Outcome(got, turns.handed_over)


def read_numbers(got: dict[str, str], read=float) -> dict:
    """What each got: of a fit its hash; of a comparison its tokens, with their numbers as `read` has them."""
    return {user: _read_trace(json.loads(one), read) if one.startswith("{") else one for user, one in got.items()}


def _read_trace(trace: dict, read) -> list:
    numbers = ("logp_user", "logp_base", "score")
    columns = [column["tokens"] for column in trace["columns"]]
    return [(token["id"], token["text"], *(read(token[n]) for n in numbers)) for tokens in columns for token in tokens]


def allow_rounding(number: float):
    """What a number may be in a larger batch."""
    return pytest.approx(number, abs=5e-3)


def test_outputs_are_as_alone(works, long):
    rng, seen, changes = random.Random(5), Counter(), 0
    assert len(set(works.alone.values())) == 4
    plans = [("compare", "compare"), ("fit", "compare"), ("compare", "fit")]
    for seed in range(50 if long else 3):
        kinds = plans[seed % 3]
        outcome = run_together(works, kinds, rng.randrange(2**31))
        alone = {user: works.alone[user, kind] for user, kind in zip(USERS, kinds, strict=True)}
        assert read_numbers(outcome.got) == read_numbers(alone, allow_rounding), (seed, kinds)
        changes += outcome.handed_over
        seen[kinds] += 1
    assert changes > 5 * sum(seen.values())
    print(f"\n{dict(seen)}: {changes} times one user's step came between two of the other's")
