"""Which workers run: each holds a lock that ends with it, so that the others can requeue the fits of those that died.

On one machine it is the lock of a file. With PostgreSQL it is a lock of the worker's own database session, which every
machine sees; a machine that drops off the network loses it within half a minute.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cope_demo.system.locks import file_lock

KEEPALIVE_SECONDS, KEEPALIVES = 5, 3
"""Each end of an idle database connection probes the other this often, and gives up after so many unanswered probes."""


class FileLiveness:
    """Workers on one machine, as locked files in `folder`."""

    def __init__(self, folder: Path):
        self._folder, self._held = folder, ExitStack()
        folder.mkdir(mode=0o700, exist_ok=True)

    def register(self, name: str) -> None:
        """From now on this process counts as running under `name`."""
        self._held.enter_context(file_lock(self._folder / f"{name}.lock"))

    def check(self) -> None:
        """Raises when others may count this process as dead: never, as the kernel keeps the lock."""

    @contextmanager
    def claim_if_dead(self, name: str) -> Iterator[bool]:
        """Whether the process under `name` has died; if so, no other process gets the same answer at the same time."""
        try:
            with file_lock(self._folder / f"{name}.lock", timeout=0):
                yield True
        except TimeoutError:
            yield False


class SessionLiveness:
    """Workers on any number of machines, as locks of sessions with the PostgreSQL server at `url`."""

    def __init__(self, url: str):
        import psycopg

        self._session = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=10,
            keepalives_idle=KEEPALIVE_SECONDS,
            keepalives_interval=KEEPALIVE_SECONDS,
            keepalives_count=KEEPALIVES,
            tcp_user_timeout=1000 * KEEPALIVE_SECONDS * KEEPALIVES,
        )
        for name, value in (("idle", KEEPALIVE_SECONDS), ("interval", KEEPALIVE_SECONDS), ("count", KEEPALIVES)):
            self._session.execute(f"SET tcp_keepalives_{name} = {value}")

    def register(self, name: str) -> None:
        """As FileLiveness.register."""
        self._session.execute("SELECT pg_advisory_lock(%s)", [_hash_name(name)])

    def check(self) -> None:
        """As FileLiveness.check; psycopg's error when the session is lost, and with it the lock."""
        self._session.execute("SELECT 1")

    @contextmanager
    def claim_if_dead(self, name: str) -> Iterator[bool]:
        """As FileLiveness.claim_if_dead."""
        (dead,) = self._session.execute("SELECT pg_try_advisory_lock(%s)", [_hash_name(name)]).fetchone()
        try:
            yield dead
        finally:
            if dead:
                self._session.execute("SELECT pg_advisory_unlock(%s)", [_hash_name(name)])


def _hash_name(name: str) -> int:
    """PostgreSQL's advisory locks have 64-bit numbers for names."""
    return int.from_bytes(hashlib.sha256(f"cope-demo {name}".encode()).digest()[:8], "big", signed=True)
