"""A disk that is full at one chosen write of this process, and on wish stays so until something is removed."""

import builtins
import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

CHANGES = ("mkdir", "write", "link", "symlink")
MOVES = ("replace", "rename", "fsync")
"""These take no new space on most disks, so they fail in their own turn only."""
REMOVALS = ("unlink", "remove", "rmdir")


class FullDisk:
    """Counts the writes. The one with number `at` fails; with `lasting` later ones too, if they take space, until a
    removal makes room."""

    def __init__(self, at: int | None, lasting: bool):
        self.at, self.lasting, self.writes, self.failures = at, lasting, 0, 0

    def move(self) -> None:
        """One of MOVES is about to happen."""
        self.write(takes_space=False)

    def write(self, takes_space: bool = True) -> None:
        """One write is about to happen."""
        self.writes += 1
        still_full = self.lasting and self.failures and self.at is not None
        if self.writes == self.at or (takes_space and still_full):
            self.failures += 1
            raise OSError(errno.ENOSPC, "No space left on device")

    def remove(self) -> None:
        """Something makes room."""
        if self.failures:
            self.at = None


@contextmanager
def full_disk(at: int | None, lasting: bool = False) -> Iterator[FullDisk]:
    """Lets write number `at` of this process fail as on a full disk; None only counts."""
    disk = FullDisk(at, lasting)

    def before(note, function):
        def wrapped(*args, **kwargs):
            note()
            return function(*args, **kwargs)

        return wrapped

    def opening(function):
        def wrapped(path, flags, *args, **kwargs):
            if flags & os.O_CREAT and not os.path.exists(path):
                disk.write()
            return function(path, flags, *args, **kwargs)

        return wrapped

    def io_open(file, mode="r", *args, **kwargs):
        writes = isinstance(mode, str) and set(mode) & set("wxa+")
        if writes and not isinstance(file, int):  # a number was opened before
            disk.write()
        opened = real_open(file, mode, *args, **kwargs)
        return _Writer(opened, disk) if writes else opened

    real_open = io.open
    patches = [patch.object(os, name, before(disk.write, getattr(os, name))) for name in CHANGES]
    patches += [patch.object(os, name, before(disk.move, getattr(os, name))) for name in MOVES]
    patches += [patch.object(os, name, before(disk.remove, getattr(os, name))) for name in REMOVALS]
    patches += [patch.object(os, "open", opening(os.open))]
    patches += [patch.object(io, "open", io_open), patch.object(builtins, "open", io_open)]
    for one in patches:
        one.start()
    try:
        yield disk
    finally:
        for one in reversed(patches):
            one.stop()


class _Writer:
    """An open file whose writes count."""

    def __init__(self, file, disk: FullDisk):
        self._file, self._disk = file, disk

    def write(self, data) -> int:
        self._disk.write()
        return self._file.write(data)

    def writelines(self, lines) -> None:
        for line in lines:
            self.write(line)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def __iter__(self):
        return iter(self._file)

    def __getattr__(self, name):
        return getattr(self._file, name)
