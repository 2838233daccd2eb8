"""Each sweep also frees memory: of users whom another web process has deleted, this one keeps nothing."""

import gc
import weakref

import pytest

from cope_demo.errors import CopeError
from cope_demo.service.service import Service
from cope_demo.visitors import expiry
from tests.scripted import publish


class Value:
    """Anything that was made of a user's texts or adapters."""


def keep_in_memory(service, user) -> list[weakref.ref]:
    """Puts something of a user's into everything that this process remembers users by, and gives references to it."""
    prompts = service._own_prompts
    references = []
    for cache in (service._adapters._banks, service._profiles, prompts._similar, prompts._profiles):
        references.append(weakref.ref(cache.get((user.folder, "texts"), Value)))
    return references


def test_what_another_process_has_deleted_leaves_memory(tmp_path, own_data):
    service, other = Service(users_dir=tmp_path / "users"), Service(users_dir=tmp_path / "users")
    for name in ("gone", "kept"):
        publish(service.store, tmp_path / "fit", name, name)
    gone, kept = (keep_in_memory(service, service.store.open(name)) for name in ("gone", "kept"))
    folder = service.store.open("gone").folder
    other.store.delete("gone")
    other.forget("gone")
    assert folder in service.store._verified
    expiry.sweep(service)
    gc.collect()
    assert [reference() for reference in gone] == [None] * 4 and all(reference() for reference in kept)
    assert folder not in service.store._verified and service.store.open("kept")
    with pytest.raises(CopeError, match="no user"):
        service.store.open("gone")
