"""How much of the queue of fits one address may fill: half, so that whoever comes from elsewhere finds a place.

The queue is fair among visitors, but a visitor is whoever has a secret, and secrets can be invented.
"""

import threading
from collections.abc import Callable

from cope_demo.errors import CopeError
from cope_demo.jobs.fairness import read_queue_limit

from .limits import REMEMBERED


class AddressShare:
    """The waiting fits of each address, of those that were submitted through this object. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._waiting: dict[str, list[str]] = {}  # address -> job ids; those that wait no more go at the next look

    def submit(self, address: str, submit: Callable[[], str], waits: Callable[[str], bool]) -> str:
        """Calls `submit` and returns its job id. Raises CopeError instead when too many jobs of the address wait.

        address: "" to count none. waits: whether a job still waits.
        """
        if not address:
            return submit()
        with self._lock:
            most = max(1, read_queue_limit() // 2)
            mine = self._waiting.get(address, [])
            if len(mine) >= most:
                mine = [job for job in mine if waits(job)]
            if len(mine) >= most:
                self._waiting[address] = mine
                raise CopeError(
                    f"{len(mine)} fits from your network address wait already, and more may not: try again when one of "
                    "them has begun. The sample users can be compared meanwhile."
                )
            job = submit()
            self._waiting.pop(address, None)
            self._waiting[address] = mine if job in mine else [*mine, job]
            while len(self._waiting) > REMEMBERED:
                del self._waiting[next(iter(self._waiting))]  # whose last fit is the longest ago
            return job
