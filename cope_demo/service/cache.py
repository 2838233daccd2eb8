"""What a process keeps of the users in use: made once, the same for everybody who asks, and dropped with the user."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

HELD = 8
"""Users of whom a thing stays in memory."""


class Held:
    """One kind of thing by user. Thread-safe; whoever asks while a thing is being made waits for it."""

    def __init__(self):
        self._things: OrderedDict[tuple, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple, make: Callable[[], Any]) -> Any:
        """The thing of that key, made if it is not there; those that were asked for last are kept.

        key: the user's folder (a Path) first, then what the thing was made from.
        """
        with self._lock:
            thing = self._things.pop(key) if key in self._things else make()
            self._things[key] = thing
            while len(self._things) > HELD:
                self._things.popitem(last=False)
            return thing

    def forget(self, user_id: str) -> None:
        """Drops all of a user's."""
        with self._lock:
            for key in [key for key in self._things if key[0].name == user_id]:
                del self._things[key]
