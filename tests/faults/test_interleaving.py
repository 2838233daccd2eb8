"""Two users compare and fit at once in one process: whatever the order of their steps, each gets what they get alone.

Each user's work runs in a thread of its own, but only one moves at a time; after every token and every training step a
seeded choice says who is next.
"""

import hashlib
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from cope_demo import fit
from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.history import History
from cope_demo.service import Service
from cope_demo.store import Store
from tests import tiny

FIT = FitConfig(lora_rank=4, oppu_epochs=1, oppu_learning_rate=5e-3, max_response_tokens=12, holdout=1, candidates=2)
USERS = ("ada", "bob")


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


class Works:
    """What a user may do: work(name, step) does it, calling step() after each of its steps, and returns all of it."""

    def __init__(self, root):
        self.model, self.store = tiny.make(root / "model"), Store(root / "users")
        self.service = Service(self.model, root / "users")
        self.alone = {(user, "fit"): self._fit(user, user, lambda: None) for user in USERS}
        self.alone |= {(user, "compare"): self.compare(user, lambda: None) for user in USERS}

    def compare(self, user: str, step: Callable[[], None]) -> str:
        """A comparison by sampling, with all its numbers."""
        config = DecodeConfig(max_new_tokens=12, alternatives=3, temperature=0.8, seed=USERS.index(user))
        trace = None
        for item in self.service.compare(user, f"Write a post about number {USERS.index(user)}.", config):
            trace = item
            step()
        return trace.dumps()

    def fit(self, user: str, step: Callable[[], None]) -> str:
        """A fit of the same texts anew."""
        return self._fit(user, f"{user}-again", step)

    def _fit(self, user: str, name: str, step: Callable[[], None]) -> str:
        """The hash of what the fit leaves."""
        number = USERS.index(user)
        history, config = History(tiny.samples(12)[6 * number :][:6], "free_writing", 6), replace(FIT, seed=number)
        where = {"model": self.model, "store": self.store}
        saved = fit.fit_user(history, name, config=config, emit=lambda event: step(), **where)
        files = ("oppu/adapter_model.safetensors", "cope/adapter_model.safetensors", "pairs.jsonl")
        return hashlib.sha256(b"".join((saved.folder / file).read_bytes() for file in files)).hexdigest()


@pytest.fixture(scope="module")
def works(tmp_path_factory):
    return Works(tmp_path_factory.mktemp("works"))


def together(works: Works, kinds: tuple[str, str], seed: int) -> tuple[dict, int]:
    """What each user got, and how often one had to wait for the other."""
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
    return got, turns.handed_over


def test_outputs_are_as_alone(works, long):
    rng, seen, changes = random.Random(5), Counter(), 0
    assert len(set(works.alone.values())) == 4
    plans = [("compare", "compare"), ("fit", "compare"), ("compare", "fit")]
    for seed in range(50 if long else 3):
        kinds = plans[seed % 3]
        got, handed_over = together(works, kinds, rng.randrange(2**31))
        assert got == {user: works.alone[user, kind] for user, kind in zip(USERS, kinds, strict=True)}, (seed, kinds)
        changes += handed_over
        seen[kinds] += 1
    assert changes > 5 * sum(seen.values())
    print(f"\n{dict(seen)}: {changes} times one user's step came between two of the other's")
