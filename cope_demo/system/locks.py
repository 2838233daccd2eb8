"""Locks between processes that no crash leaves behind: the kernel drops them when their holder dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.05


@contextmanager
def file_lock(path: Path, timeout: float | None = None) -> Iterator[None]:
    """Holds the exclusive lock of the file `path` (made when missing, never removed) for the `with` block.

    timeout: seconds to wait for another holder, in this process or any other; None waits as long as it takes.
    Raises TimeoutError when somebody still holds it then.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(handle, path, timeout)
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # closing is not enough where a process was forked meanwhile: it has a copy
        os.close(handle)


def _acquire(handle: int, path: Path, timeout: float | None) -> None:
    if timeout is None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{path.name} is held by somebody else") from None
            time.sleep(POLL_SECONDS)
