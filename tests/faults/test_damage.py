"""Bit flips, truncations and worse in the files of a real saved user: each is refused with the file's name, in time."""

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from cope_demo.errors import CopeError
from cope_demo.paths import SAMPLE_USERS
from cope_demo.saved.folder import FILES, MANIFEST
from cope_demo.saved.store import Store

REFUSED = 1.0
"""Seconds until a damaged file is refused, at most."""


def flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 1, 1, 8])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def truncate(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.randrange(path.stat().st_size))


def grow(path: Path, rng: random.Random) -> None:
    with open(path, "ab") as file:
        file.truncate(path.stat().st_size + rng.choice([1, 4096, 10**10]))  # a hole: the disk holds no such file


def lose(path: Path, rng: random.Random) -> None:
    path.unlink()


def link(path: Path, rng: random.Random) -> None:
    path.rename(path.with_suffix(".other"))
    path.symlink_to(path.with_suffix(".other"))


def block(path: Path, rng: random.Random) -> None:
    path.unlink()
    rng.choice([path.mkdir, lambda: os.mkfifo(path)])()  # opening such a pipe to read waits for ever


DAMAGE = [flip] * 5 + [truncate] * 3 + [grow, lose, link, block]


def test_damaged_files(tmp_path, long):
    """Before each damage the user opens well, and again when the file is whole: nothing else is touched."""
    rng, slowest = random.Random(5), 0.0
    names = [name for name in (MANIFEST, *FILES) if name == MANIFEST or "adapter" in name]
    whole = SAMPLE_USERS / "ines"
    folder = shutil.copytree(whole, tmp_path / "users" / "ines")
    warm = Store(tmp_path / "users", tmp_path / "none")  # has verified the folder before: it must see the change
    for number in range(200 if long else 24):
        name, damage = names[number % len(names)], rng.choice(DAMAGE)
        assert warm.open("ines").task
        damage(folder / name, rng)
        lost = name == MANIFEST and damage is lose  # without a manifest there is no user at all
        for store in (warm, Store(tmp_path / "users", tmp_path / "none")):
            start = time.monotonic()
            with pytest.raises(CopeError, match="no user 'ines'" if lost else name) as caught:
                store.open("ines")
            slowest = max(slowest, time.monotonic() - start)
            assert lost or "Fit this user again" in str(caught.value)
        other = (folder / name).with_suffix(".other")
        if (folder / name).is_dir():
            (folder / name).rmdir()
        else:
            (folder / name).unlink(missing_ok=True)
        other.unlink(missing_ok=True)
        shutil.copy2(whole / name, folder / name)
    assert slowest < REFUSED
    print(f"\nthe slowest refusal took {slowest * 1000:.0f} ms")
