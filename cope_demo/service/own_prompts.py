"""The prompts of RAG and PAG: columns that put the person's history before the instruction (decode/prompting.py)."""

from typing import TYPE_CHECKING

from cope_demo.config import DecodeConfig
from cope_demo.decode import prompting
from cope_demo.decode.methods import METHODS, NO_HISTORY
from cope_demo.errors import CopeError
from cope_demo.saved.store import SavedUser

from .cache import UserCache

if TYPE_CHECKING:
    from cope_demo.decode.engine import Engine


class OwnPrompts:
    """Makes these prompts; what is slow about them (the search, the written profile) is done once. Thread-safe."""

    def __init__(self):
        self._similar, self._profiles = UserCache(), UserCache()

    def make(self, engine: "Engine", user: SavedUser, instruction: str, method: str) -> str:
        """The whole prompt of a method that has one of its own: the user's most similar texts, then the instruction.

        For "pag" a profile stands before them. Raises CopeError when none of the user's texts are kept.
        """
        from cope_demo.decode.engine import make_bank

        samples = user.history()
        if not samples:
            raise CopeError(NO_HISTORY)
        key = (user.folder, user.manifest["files"]["history.jsonl"]["sha256"])
        similar = self._similar.get(
            (*key, instruction), lambda: prompting.find_similar_samples([instruction], samples)[0]
        )
        if METHODS[method].prompt == "rag":
            return prompting.make_rag_prompt(instruction, similar)
        bare = make_bank(engine.base, {})
        profile = self._profiles.get(key, lambda: prompting.write_profile(engine, bare, samples, DecodeConfig()))
        return prompting.make_rag_prompt(instruction, similar, profile)

    def forget(self, user_id: str) -> None:
        """Drops what was made from a user's history."""
        self._similar.forget(user_id)
        self._profiles.forget(user_id)
