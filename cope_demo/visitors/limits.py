"""How much one visitor may ask for: how many at once and how many over time, with a sentence for more than that.

A visitor counts by their secret, or without one by their address. Behind one address there may be a whole class, so
an address may do many times as much; its limit is for those who invent a new secret for each request.
"""

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Generator, Hashable
from contextlib import closing
from dataclasses import dataclass

from cope_demo.errors import CopeError


@dataclass(frozen=True)
class Rate:
    """At most `burst` at once, and one more every `seconds`."""

    burst: int
    seconds: float


RATES = {
    "fit": Rate(6, 600.0),
    "compare": Rate(20, 3.0),
    "preview": Rate(60, 1.0),
    "surprise": Rate(20, 3.0),
    "upload": Rate(100, 1.0),
}
RATES |= {"hub": Rate(20, 15.0)}  # pushing adapters and opening some
ADDRESS_FACTOR = 50
AT_ONCE, AT_ONCE_BY_ADDRESS, AT_ONCE_BY_ALL = 2, 12, 24
"""Comparisons that stream at the same time: a visitor's, those from an address without a secret, and all."""
REMEMBERED = 20_000
"""Visitors and addresses whose use is remembered."""


class Limits:
    """The use that visitors have made of a service. Thread-safe."""

    def __init__(self, clock=time.monotonic):
        """clock: seconds, as time.monotonic."""
        self._clock = clock
        self._lock = threading.Lock()
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()  # when a key may use its whole burst again
        self._running: Counter = Counter()

    def take(self, kind: str, visitor: str, address: str) -> None:
        """Counts one of `kind` (of RATES) for a visitor. Raises CopeError, and counts nothing, when it is too much.

        address: "" to count none.
        """
        with self._lock:
            now, later = self._clock(), {}
            for key, burst, pause in _list_counts(kind, visitor, address):
                later[key] = max(self._full_at.get(key, now), now) + pause
                wait = later[key] - now - burst * pause
                if wait > 1e-9:
                    raise CopeError(f"That was a lot in a short time: wait {_in_words(wait)}, and then try again.")
            for key, moment in later.items():
                self._full_at[key] = moment
                self._full_at.move_to_end(key)
            while len(self._full_at) > REMEMBERED:
                self._full_at.popitem(last=False)

    def give_back(self, kind: str, visitor: str, address: str) -> None:
        """Takes back what `take` counted, of something that was refused after all."""
        with self._lock:
            for key, _, pause in _list_counts(kind, visitor, address):
                if key in self._full_at:
                    self._full_at[key] -= pause

    def streaming(self, visitor: str, stream: Generator, most: int = AT_ONCE) -> Generator:
        """The stream itself, which counts as running until it ends or is closed. most: of this visitor at once.

        Raises CopeError before the first item when too many run already.
        """
        with closing(stream):
            with self._lock:
                if self._running[visitor] >= most:
                    raise CopeError(
                        f"{most} comparisons of yours are being written already: wait for one to end, or stop it."
                    )
                if self._running.total() >= AT_ONCE_BY_ALL:
                    raise CopeError("Many people compare at this moment: try again in half a minute.")
                self._running[visitor] += 1
            try:
                yield from stream
            finally:
                with self._lock:
                    self._running[visitor] -= 1
                    self._running += Counter()  # forgets those at zero


def _list_counts(kind: str, visitor: str, address: str) -> list[tuple[Hashable, int, float]]:
    """Whose use of `kind` counts, how much they may use at once, and the seconds until one more."""
    rate = RATES[kind]
    counts = [((kind, visitor), rate.burst, rate.seconds)]
    if address:
        counts.append(((kind, "address", address), rate.burst * ADDRESS_FACTOR, rate.seconds / ADDRESS_FACTOR))
    return counts


def _in_words(seconds: float) -> str:
    if seconds < 50:
        return f"{math.ceil(seconds)} seconds" if seconds > 1 else "a second"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minutes" if minutes > 1 else "a minute"
