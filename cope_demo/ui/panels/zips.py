"""The zips of adapters that were asked for: one file a user's version, however many ask for it, each by their own link.

A link works once, for SECONDS. A file goes with the last of its links, and when its user is deleted. `sweep` removes
what has become too old; expiry.keep_sweeping calls it.
"""

import hashlib
import json
import os
import secrets
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cope_demo.errors import CopeError

SECONDS = 600
LINKS, LINKS_OF_ADDRESS = 2000, 100
"""Links that are open at a time: all, and those of one address, behind which there may be a class."""
MAX_FILES, MAX_TOTAL = 64, 1_000_000_000
"""Files and bytes of all of them together."""
FOLDER = ".zips"
"""Below the folder of uploads, whose own sweep leaves alone what begins with a point."""
MANY_OF_YOURS = (
    f"{LINKS_OF_ADDRESS} links to adapters are open for your address already: fetch one of them, or wait ten minutes."
)
MANY = "Many people take adapters away at this moment: try again in ten minutes."


@dataclass
class Link:
    """An open link. expires: a moment of the clock; taken: whether its file is being sent."""

    file: Path
    user_id: str
    address: str
    expires: float
    taken: bool = False


class Zips:
    """The open links and their files. Thread-safe."""

    def __init__(self, clock=time.monotonic):
        """clock: seconds, as time.monotonic."""
        self._clock, self._lock = clock, threading.Lock()
        self._links: dict[str, Link] = {}
        self._files: dict[str, Path] = {}  # by the user's version

    def offer(self, service, user_id: str) -> tuple[str, int]:
        """A new link's token, and the bytes of its file, which is made unless it is there.

        service: as the asker may use it (owners.OwnService). Raises CopeError when this or all addresses have too many
        links, when the files are too many, and what the service raises.
        """
        self.sweep()
        with self._lock:  # one at a time, so that no two make the same file
            address = service.caller.address
            if Counter(link.address for link in self._links.values())[address] >= LINKS_OF_ADDRESS:
                raise CopeError(MANY_OF_YOURS)
            if len(self._links) >= LINKS:
                raise CopeError(MANY)
            file = self._make(service, user_id)
            token = secrets.token_hex(32)
            self._links[token] = Link(file, user_id, address, self._clock() + SECONDS)
            return token, file.stat().st_size

    def open_link(self, token: str) -> Path | None:
        """The file of a link that nobody has used; from now on it is used. `close_link` when it has been sent."""
        self.sweep()
        with self._lock:
            link = self._links.get(token)
            if link is None or link.taken or not link.file.exists():
                return None
            link.taken = True
            return link.file

    def close_link(self, token: str) -> None:
        """Forgets the link, and deletes its file if no other link is open to it."""
        with self._lock:
            self._drop([token])

    def forget(self, user_id: str) -> None:
        """Closes all links to this user's adapters."""
        with self._lock:
            self._drop([token for token, link in self._links.items() if link.user_id == user_id])

    def sweep(self) -> None:
        """Closes the links that are too old."""
        with self._lock:
            self._drop([token for token, link in self._links.items() if link.expires <= self._clock()])

    def _make(self, service, user_id: str) -> Path:
        manifest = service.store.open(user_id).manifest  # which names the files with their hashes
        version = hashlib.sha256(json.dumps([user_id, manifest], sort_keys=True).encode()).hexdigest()
        file = self._files.get(version)
        if file is not None and file.exists():
            service.store.check(user_id)
            return file
        if len(self._files) >= MAX_FILES or sum(map(_measure, self._files.values())) >= MAX_TOTAL:
            raise CopeError(MANY)
        # Beside the uploads, which go with the server; Gradio itself serves nothing from there.
        folder = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{secrets.token_hex(16)}.zip"
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            service.adapters_zip(user_id, file)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        self._files[version] = file
        return file

    def _drop(self, tokens: list[str]) -> None:
        for token in tokens:
            self._links.pop(token, None)
        used = {link.file for link in self._links.values()}
        for version, file in list(self._files.items()):
            if file not in used:
                file.unlink(missing_ok=True)
                del self._files[version]


def _measure(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
