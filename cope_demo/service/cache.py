"""What a process keeps in memory of the users in use: made once, the same for every caller, dropped with the user."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

MAX_VALUES = 8
"""Values that one cache keeps."""


class UserCache:
    """Values of one kind, by user. Thread-safe: a caller waits for a value that is being made."""

    def __init__(self):
        self._values: OrderedDict[tuple, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple, make: Callable[[], Any]) -> Any:
        """The value of that key, made if it is not there; those that were asked for last are kept.

        key: the user's folder (a Path) first, then what the value was made from.
        """
        with self._lock:
            value = self._values.pop(key) if key in self._values else make()
            self._values[key] = value
            while len(self._values) > MAX_VALUES:
                self._values.popitem(last=False)
            return value

    def find(self, key: tuple) -> Any:
        """The value of that key if it is there, else None."""
        with self._lock:
            return self._values.get(key)

    def forget(self, user_id: str) -> None:
        """Drops all of a user's."""
        self._drop(lambda folder: folder.name == user_id)

    def forget_deleted(self) -> None:
        """Drops all of users whose folder is not there any more, as another process has deleted them."""
        self._drop(lambda folder: not folder.exists())

    def _drop(self, concerns: Callable[[Path], bool]) -> None:
        with self._lock:
            for key in [key for key in self._values if concerns(key[0])]:
                del self._values[key]
