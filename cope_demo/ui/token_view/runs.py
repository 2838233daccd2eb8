"""The comparisons that were begun here: which still run, and whose they are.

A component's server functions are told nothing of the browser that calls them. What they may answer follows from a
run's id, which only the browser that began the run has seen.
"""

import secrets
import threading
import time
from collections import Counter, OrderedDict

from cope_demo.errors import CopeError

KEPT_SECONDS = 3600
KEPT_RUNS = 1000
"""For one more the oldest goes of the address that has most, and there of the visitor who has most."""

_runs: OrderedDict[str, tuple[float, object, str]] = OrderedDict()  # id -> (begun, OwnService, user id)
_live: set[str] = set()
_lock = threading.Lock()


def begin(service, user_id: str) -> str:
    """The id of a new run of this visitor's (owners.OwnService) on a user."""
    run, now = secrets.token_hex(16), time.monotonic()
    with _lock:
        while _runs and now - next(iter(_runs.values()))[0] > KEPT_SECONDS:
            _runs.popitem(last=False)
        if len(_runs) >= KEPT_RUNS:
            _drop_one()
        _runs[run] = (now, service, user_id)
        _live.add(run)
    return run


def _drop_one() -> None:
    whose = {run: _identify(service) for run, (_, service, _) in _runs.items()}
    ((address, _),) = Counter(address for address, _ in whose.values()).most_common(1)
    ((most, _),) = Counter(who for who in whose.values() if who[0] == address).most_common(1)
    del _runs[next(run for run, who in whose.items() if who == most)]


def _identify(service) -> tuple[str, str]:
    """The address and the visitor that a run counts for."""
    caller = getattr(service, "caller", None)
    return (caller.address, caller.visitor) if caller else ("", "")


def end(run: str) -> None:
    """The run is over; for an hour it is still known whose it was."""
    with _lock:
        _live.discard(run)


def alive(run: str) -> bool:
    """Whether it still runs."""
    return run in _live


def whose(run) -> tuple[object, str]:
    """The run's service and user id. Raises CopeError for one that is not known here (any more)."""
    with _lock:
        known = _runs.get(run) if isinstance(run, str) else None
    if known is None or time.monotonic() - known[0] > KEPT_SECONDS:
        raise CopeError("This comparison is too old, or the app was started anew since: compare again.")
    return known[1:]
