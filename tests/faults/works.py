"""Two users of a tiny model, fitted for real, and what each of them can do again: compare and fit."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.fit import pipeline
from cope_demo.saved.store import Store
from cope_demo.service.service import Service
from cope_demo.texts.history import History
from tests import tiny

FIT = FitConfig(lora_rank=4, oppu_epochs=1, oppu_learning_rate=5e-3, max_response_tokens=12, holdout=1, candidates=2)
USERS = ("ada", "bob")


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
        saved = pipeline.fit_user(history, name, config=config, emit=lambda event: step(), **where)
        files = ("oppu/adapter_model.safetensors", "cope/adapter_model.safetensors", "pairs.jsonl")
        return hashlib.sha256(b"".join((saved.folder / file).read_bytes() for file in files)).hexdigest()
