"""The prompts of RAG and PAG: columns that put the person's history before the instruction (decode/prompting.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cope_demo.config import DecodeConfig
from cope_demo.decode import prompting
from cope_demo.decode.methods import METHODS, NO_HISTORY
from cope_demo.errors import CopeError
from cope_demo.saved.store import SavedUser
from cope_demo.texts.tasks import Sample

from .cache import UserCache

if TYPE_CHECKING:
    from cope_demo.decode.engine import Engine


class PromptMaker(Protocol):
    """Who makes the whole prompt of a method that has one of its own."""

    def make(self, engine: "Engine", user: SavedUser, instruction: str, method: str) -> str:
        """The user's most similar texts, then the instruction; for "pag" a profile stands before them.

        Raises CopeError when none of the user's texts are kept.
        """


@dataclass
class FoundTexts:
    """A PromptMaker for one user and instruction, from what was found before: it reads no history and searches nothing.

    similar: the user's texts nearest to the instruction. profile: the written one; None until it is written.
    """

    similar: list[Sample]
    profile: str | None = None

    def make(self, engine: "Engine", user: SavedUser, instruction: str, method: str) -> str:
        """See PromptMaker."""
        if METHODS[method].prompt == "rag":
            return prompting.make_rag_prompt(instruction, self.similar)
        if self.profile is None:
            self.profile = _write_profile(engine, user)
        return prompting.make_rag_prompt(instruction, self.similar, self.profile)


class OwnPrompts:
    """Makes these prompts; what is slow about them (the search, the written profile) is done once. Thread-safe."""

    def __init__(self):
        self._similar, self._profiles = UserCache(), UserCache()

    def make(self, engine: "Engine", user: SavedUser, instruction: str, method: str) -> str:
        """See PromptMaker."""
        found = self.look_up(user, instruction)
        if METHODS[method].prompt == "pag":
            found.profile = self._profiles.get(_key(user), lambda: _write_profile(engine, user))
        return found.make(engine, user, instruction, method)

    def look_up(self, user: SavedUser, instruction: str) -> FoundTexts:
        """What these prompts are made of, as far as it needs no language model. Raises CopeError as `make`."""
        samples = user.history()
        if not samples:
            raise CopeError(NO_HISTORY)
        similar = self._similar.get(
            (*_key(user), instruction), lambda: prompting.find_similar_samples([instruction], samples)[0]
        )
        return FoundTexts(similar, self._profiles.find(_key(user)))

    def keep_profile(self, user: SavedUser, profile: str) -> None:
        """Remembers a profile that was written elsewhere."""
        self._profiles.get(_key(user), lambda: profile)

    def forget(self, user_id: str) -> None:
        """Drops what was made from a user's history."""
        self._similar.forget(user_id)
        self._profiles.forget(user_id)

    def forget_deleted(self) -> None:
        """Drops what was made from histories that are not there any more."""
        self._similar.forget_deleted()
        self._profiles.forget_deleted()


@contextmanager
def naming_column(method: str) -> Iterator[None]:
    """A CopeError says which column it is about, as its prompt is not the visitor's."""
    try:
        yield
    except CopeError as error:
        raise CopeError(f"The column {method}, which puts texts of the history first: {error}") from error


def _key(user: SavedUser) -> tuple:
    return user.folder, user.manifest["files"]["history.jsonl"]["sha256"]


def _write_profile(engine: "Engine", user: SavedUser) -> str:
    from cope_demo.decode.engine import make_bank

    return prompting.write_profile(engine, make_bank(engine.base, {}), user.history(), DecodeConfig())
