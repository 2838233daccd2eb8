"""The comparisons that were begun here: which still run, and whose they are.

A component's server functions are told nothing of the browser that calls them. What they may answer follows from a
run's id, which only the browser that began the run has seen.
"""

import secrets
import threading
import time
from collections import OrderedDict

from cope_demo.errors import CopeError

KEPT_SECONDS = 3600
KEPT_RUNS = 1000

_runs: OrderedDict[str, tuple[float, object, str]] = OrderedDict()  # id -> (begun, OwnService, user id)
_live: set[str] = set()
_lock = threading.Lock()


def begin(service, user_id: str) -> str:
    """The id of a new run of this visitor's (owners.OwnService) on a user."""
    run, now = secrets.token_hex(16), time.monotonic()
    with _lock:
        while _runs and (len(_runs) >= KEPT_RUNS or now - next(iter(_runs.values()))[0] > KEPT_SECONDS):
            _runs.popitem(last=False)
        _runs[run] = (now, service, user_id)
        _live.add(run)
    return run


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
