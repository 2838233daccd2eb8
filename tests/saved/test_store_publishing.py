"""A publish that fails, is killed or is read meanwhile: the old version or the new one, whole."""

import errno
import os
import subprocess
import sys

import pytest

from cope_demo import paths
from cope_demo.errors import CopeError
from cope_demo.saved.store import Store
from tests.saved.conftest import fill_scratch, manifest, snapshot


def failing(real, countdown: list[int], error: int):
    """`real`, but for the call at which the countdown ends."""

    def call(*args, **kwargs):
        countdown[0] -= 1
        if countdown[0] == 0:
            raise OSError(error, os.strerror(error))
        return real(*args, **kwargs)

    return call


@pytest.mark.parametrize(("target", "calls"), [("fsync", 13), ("rename", 2)])
def test_failed_publish_leaves_the_old_version(store, scratch, target, calls, monkeypatch):
    store.publish(scratch, "ada", manifest("ada"))
    before = snapshot(store.users_dir)
    fill_scratch(scratch, "two")
    real = getattr(os, target)
    for at in range(1, calls + 1):
        monkeypatch.setattr(os, target, failing(real, [at], errno.ENOSPC))
        with pytest.raises(CopeError, match="disk is full.*unchanged"):
            store.publish(scratch, "ada", manifest("ada"))
        monkeypatch.setattr(os, target, real)
        assert snapshot(store.users_dir) == before, f"{target} number {at}"
        assert store.open("ada").report["mark"] == "one"
    monkeypatch.setattr(os, target, failing(real, [1], errno.EIO))
    with pytest.raises(OSError):
        store.publish(scratch, "ada", manifest("ada"))
    monkeypatch.setattr(os, target, real)
    assert snapshot(store.users_dir) == before
    store.publish(scratch, "ada", manifest("ada"))
    assert store.open("ada").report["mark"] == "two"
    assert {path.name for path in store.users_dir.iterdir()} == {"ada", ".lock"}


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.saved.conftest import fill_scratch, manifest
from cope_demo.saved.store import Store
number, calls = {number}, 0
def dying(real):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), 9)
        return real(*args, **kwargs)
    return call
os.rename, os.fsync = dying(os.rename), dying(os.fsync)
Store(Path({users!r})).publish(Path({scratch!r}), "ada", manifest("ada"))
"""


def test_killed_publish_shows_the_old_or_the_new_version(store, scratch):
    store.publish(scratch, "ada", manifest("ada"))
    fill_scratch(scratch, "two")
    # 9 files and 3 folders are synced, then come the two renames and the sync of the parent.
    for number in (1, 10, 13, 14, 15):
        places = {"users": str(store.users_dir), "scratch": str(scratch), "root": str(paths.ROOT)}
        done = subprocess.run([sys.executable, "-c", KILLED.format(number=number, **places)])
        assert done.returncode == -9
        found = Store(store.users_dir, store.samples_dir).open("ada")
        assert found.report["mark"] == ("two" if number == 15 else "one")
    store.publish(scratch, "ada", manifest("ada"))
    assert {path.name for path in store.users_dir.iterdir()} == {"ada", ".lock"}


def test_reader_never_sees_a_publish(store, scratch):
    """A second process publishes again and again while this one opens: always a whole user."""
    store.publish(scratch, "ada", manifest("ada"))
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(paths.ROOT)!r})
from tests.saved.conftest import fill_scratch, manifest
from cope_demo.saved.store import Store
store = Store(Path({str(store.users_dir)!r}))
for number in range(25):
    store.publish(fill_scratch(Path({str(scratch)!r}), str(number)), "ada", manifest("ada"))
"""
    writer = subprocess.Popen([sys.executable, "-c", script])
    opened = 0
    while writer.poll() is None:
        assert store.open("ada").id == "ada"
        opened += 1
    assert writer.returncode == 0 and opened > 10
    assert store.open("ada").report["mark"] == "24"
