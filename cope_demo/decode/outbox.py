"""Results on their way from the thread that computes them to the one that asked."""

import threading
from collections import deque
from typing import Any

FULL = 64
"""Results that may wait to be fetched; whoever has more pauses."""


class Outbox:
    """A queue of one asker's results. owner: on whose behalf it asks, for a fair order; None for nobody's."""

    def __init__(self, owner: object = None):
        self.owner = owner
        self.turn = 0
        """How many requests of the owner come before this one, of those that were not over when it was made."""
        self.cancelled = False
        self._items: deque = deque()
        self._changed = threading.Condition()
        self._open = 0
        self._error: BaseException | None = None

    def begin(self, works: int) -> None:
        """So many works will put results here."""
        self._open = works

    def put(self, item: Any) -> None:
        """One more result."""
        with self._changed:
            self._items.append(item)
            self._changed.notify()

    def close(self, error: BaseException | None = None) -> None:
        """One of the works is over, by this error if any."""
        with self._changed:
            self._open -= 1
            self._error = self._error or error
            self._changed.notify()

    @property
    def is_full(self) -> bool:
        """Whether nobody fetches the results."""
        return len(self._items) >= FULL

    def fetch(self, timeout: float) -> tuple[bool, Any]:
        """(True, the next result), (False, True) where there will be no more, (False, False) when the time is over.

        Raises a work's error once the results before it are fetched.
        """
        with self._changed:
            if not self._items and self._open and not self._error:
                self._changed.wait(timeout)
            if self._items:
                return True, self._items.popleft()
            if self._error:
                raise self._error
            return False, not self._open
