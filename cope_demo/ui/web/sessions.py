"""How many sessions of a page Gradio holds: of one address and in total; a session has its visitor's uploaded file.

Gradio drops the session that was longest unused, whosever it is: a stranger who opens a thousand took the file of
everybody else. Here an address that has too many loses its own, those without a file first.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from weakref import WeakKeyDictionary

from gradio.state_holder import StateHolder

from .arrivals import ADDRESS

SESSIONS, SESSIONS_OF_ADDRESS = 1000, 200
FILES_OF_ADDRESS = 40
"""Sessions of one address that hold an uploaded, not yet fitted file."""


class Sessions:
    """Who has which sessions, those last used at the end. Thread-safe."""

    def __init__(self):
        self._addresses: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def use(self, session: str, address: str, holds_file: Callable[[str], bool]) -> list[str]:
        """Notes that a session is used, by this address if it is new. Returns the sessions that have to go for it."""
        with self._lock:
            address = self._addresses.pop(session, address)
            self._addresses[session] = address
            gone = self._list_of(address, holds_file)[:-FILES_OF_ADDRESS]
            counts = Counter(self._addresses.values())
            if counts[address] > SESSIONS_OF_ADDRESS or counts.total() > SESSIONS:
                largest = address if counts[address] > SESSIONS_OF_ADDRESS else counts.most_common(1)[0][0]
                own = self._list_of(largest)
                gone.append(next((one for one in own[:-1] if not holds_file(one)), own[0]))
            for one in gone:
                self._addresses.pop(one, None)
            return gone

    def _list_of(self, address: str, fits: Callable[[str], bool] = lambda session: True) -> list[str]:
        return [one for one, whose in self._addresses.items() if whose == address and fits(one)]


_sessions: WeakKeyDictionary[StateHolder, Sessions] = WeakKeyDictionary()


def bound_sessions() -> None:
    """From now on Gradio's sessions are bounded like this, and not by its own number."""
    StateHolder.update = _update


def _update(holder: StateHolder, session: str) -> None:
    """What Gradio calls at each use of a session, in the context of the request where there is one."""
    with holder.lock:
        if session not in holder.session_data:
            return
        holder.session_data.move_to_end(session)
        sessions, queue = _sessions.setdefault(holder, Sessions()), holder.blocks._queue
        for one in sessions.use(session, ADDRESS.get(), lambda one: _holds_file(holder, one)):
            holder.session_data.pop(one, None)
            holder.time_last_used.pop(one, None)
            queue.pending_messages_per_session.pop(one, None)
            queue.pending_event_ids_session.pop(one, None)


def _holds_file(holder: StateHolder, session: str) -> bool:
    state = holder.session_data.get(session)
    return state is not None and any(value is not None for value in state.state_data.values())
