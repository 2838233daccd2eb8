"""Adapters from the hub as a saved user of whoever opened them: fetched, checked against the model, published whole."""

import json
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from cope_demo.errors import CopeError
from cope_demo.hub import repository
from cope_demo.hub.address import Address
from cope_demo.model.task_adapters import find_named_adapter
from cope_demo.saved.store import ADAPTERS, SavedUser, Store
from cope_demo.system.disk import check_space
from cope_demo.system.files import write_whole

if TYPE_CHECKING:
    from cope_demo.model.base_model import BaseModel

MAX_OPENED = 4
"""Adapters from the hub that somebody keeps at a time."""
MOST_RANK = 256
"""Of an adapter from the hub, as of one fitted here: ranks of a small file may take gigabytes in the decoder."""
EMPTY = ("history.jsonl", "pairs.jsonl", "events.jsonl")
"""What a fit keeps and nobody pushes: texts, pairs, and how the training went."""


def open_adapters(
    store: Store,
    base: "BaseModel",
    address: Address,
    owners: tuple[str, ...] = (),
    token: str | None = None,
    user_id: str | None = None,
) -> SavedUser:
    """Makes the adapters at an address a saved user of the first of `owners`, or gives the one that is there already.

    owners: as owners.py writes them; () for the command line, which names the `user_id`. token: see
    repository.look_up. Raises CopeError in one sentence for whatever stands in the way; then nothing is kept.
    """
    if address.is_pinned and (known := _find_opened(store, owners, address)):
        return known
    check_space()
    found = repository.look_up(address, token)
    if known := _find_opened(store, owners, found.pinned):
        return known
    if owners and len(_list_opened(store, owners)) >= MAX_OPENED:
        raise CopeError(f"You have {MAX_OPENED} adapters from the hub open already: delete one of them, and try again.")
    user_id = user_id or store.new_id()
    named = {"name": base.name, "identity": base.identity}
    with tempfile.TemporaryDirectory(prefix="cope-adapter-") as folder:
        scratch = Path(folder)
        said = repository.fetch(found, scratch, named, token)
        _check_weights(found, scratch, base, said)
        for name in EMPTY:
            write_whole(scratch / name, "")
        write_whole(scratch / "report.json", json.dumps(said.get("report", {})))
        manifest = _make_manifest(found, said, named, user_id, owners[0] if owners else "")
        return store.publish(scratch, user_id, manifest)


def _check_weights(found: repository.Repository, scratch: Path, base: "BaseModel", said: dict) -> None:
    """Raises CopeError unless the adapters can be used on this model, and their task adapter is here."""
    from cope_demo.model.adapters import UnfitAdapter, read_lora

    try:
        for kind in ADAPTERS[:1] if found.is_plain else ADAPTERS:
            rank = read_lora(scratch / kind, base.model).rank
            if rank > MOST_RANK:
                raise UnfitAdapter(f"its rank is {rank:,}, and {MOST_RANK} is the most", "")
        find_named_adapter(said.get("task_adapter"))
    except UnfitAdapter as error:
        raise CopeError(
            f"{found.address} cannot be used on {base.name}: {error.why}. Open what was pushed from this demo, or a "
            "plain LoRA of this model's layers."
        ) from error
    except CopeError:
        raise CopeError(
            f"{found.address} stands on a task adapter that is not here: open it where it was fitted, or choose "
            "another one."
        ) from None


def _make_manifest(found: repository.Repository, said: dict, base: dict, user_id: str, owner: str) -> dict:
    """The saved user's manifest. said: the repository's own description, {} of a plain LoRA."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    origin = {"repo": found.address.repo, "revision": found.commit, "plain": found.is_plain}
    return {
        "user": user_id,
        "owner": owner,
        "name": found.address.repo.split("/")[1],
        "task": said.get("task", "free_writing"),
        "base": base,
        "task_adapter": said.get("task_adapter"),
        "settings": said.get("settings", {}),
        "versions": said.get("versions", {}),
        "report": said.get("report", {}),
        "created": said.get("created") or now,
        "origin": origin,
    }


def _list_opened(store: Store, owners: tuple[str, ...]) -> list[SavedUser]:
    """These owners' adapters from the hub; a damaged one counts for nothing."""
    opened = []
    for user_id in store.list_owned(owners) if owners else ():
        try:
            user = store.open(user_id)
        except CopeError:
            continue
        if user.origin:
            opened.append(user)
    return opened


def _find_opened(store: Store, owners: tuple[str, ...], pinned: Address) -> SavedUser | None:
    wanted = (pinned.repo, pinned.revision)
    return next((u for u in _list_opened(store, owners) if (u.origin["repo"], u.origin["revision"]) == wanted), None)
