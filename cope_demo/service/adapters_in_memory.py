"""The saved users' adapters in memory, beside the one base model."""

from typing import TYPE_CHECKING

from cope_demo.errors import CopeError
from cope_demo.model.task_adapters import find_named_adapter
from cope_demo.saved.store import ADAPTERS, SavedUser
from cope_demo.system.passing_threads import run_in_passing_thread

from .cache import UserCache

if TYPE_CHECKING:
    from cope_demo.model.adapters import LoraBank
    from cope_demo.model.base_model import BaseModel


class AdaptersInMemory:
    """Reads users' adapters once, and again when a user was fitted anew. Thread-safe."""

    def __init__(self):
        self._banks = UserCache()

    def bank(self, user: SavedUser, base: "BaseModel") -> "LoraBank":
        """The user's adapters, `oppu` and `cope`, with the task adapter that the user was fitted on, if any.

        Raises CopeError when they were not fitted on this base model or cannot be read.
        """
        from cope_demo.decode.engine import make_bank
        from cope_demo.model.adapters import TAM, read_lora

        user.check_base(base.identity, base.name)
        files = user.manifest["files"]
        key = (user.folder, *(files[f"{kind}/adapter_model.safetensors"]["sha256"] for kind in ADAPTERS))

        def read() -> "LoraBank":
            loras = {kind: read_lora(user.adapter(kind), base.model) for kind in ADAPTERS}
            if tam := find_named_adapter(user.manifest.get("task_adapter")):
                loras[TAM] = read_lora(tam.folder, base.model)
            return make_bank(base, loras)

        return self._banks.get(key, lambda: run_in_passing_thread(read))

    def bank_against(self, user: SavedUser, other: SavedUser | None, base: "BaseModel") -> "LoraBank":
        """The user's adapters, with those of another user to contrast with beside them. Raises CopeError as `bank`."""
        from cope_demo.decode.engine import add_other

        own = self.bank(user, base)
        if other is None:
            return own
        try:
            return add_other(own, self.bank(other, base))
        except CopeError as error:
            raise CopeError(f"Nothing can be contrasted with {other.name or other.id}: {error}") from error

    def forget(self, user_id: str) -> None:
        """Drops a user's adapters."""
        self._banks.forget(user_id)

    def forget_deleted(self) -> None:
        """Drops those of users who are not there any more."""
        self._banks.forget_deleted()
