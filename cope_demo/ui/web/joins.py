"""How many events may wait or run in Gradio's queue: of a session, of an address and in total, for each kind of work.

Gradio counts all events together, so whoever joined often enough filled the queue for everybody, deletion and the
status of fits included. Here each kind of work has room of its own, and no address can take all of it.
"""

from typing import NamedTuple

from fastapi import HTTPException
from gradio.queueing import Queue

from .arrivals import read_address


class Room(NamedTuple):
    """Events that wait or run at the same time."""

    of_all: int
    of_address: int
    of_session: int


LIGHT = Room(400, 100, 30)
"""For what takes no model: deletion, cancelling, status, reports."""
ROOMS = {"model": Room(80, 40, 8), "read": Room(40, 20, 8), "surprise": Room(80, 40, 4)}
"""For the other kinds, by Gradio's concurrency_id: writing and scoring; making instructions from texts; reading pasted
texts under base."""
AT_ONCE = 24
"""Comparisons and scores that have a thread each, of the web server's 40. Which of them write at the same time is the
decoder's decision, by what this machine has measured (decode/shared_pass.py)."""
SURPRISES_AT_ONCE = 4
"""Pasted texts of so many people are read at the same time, each with a thread."""
WAITING = LIGHT.of_all + sum(room.of_all for room in ROOMS.values())
"""More than can ever wait: Gradio's own bound."""
YOURS = "{} requests of yours wait or run already: let one of them end, or stop it, and then try again."
ADDRESS = "{} requests from your address wait or run already: let one of them end, and then try again."
ALL = "Many people use this at this moment: try again in half a minute."

_push = Queue.push


def bound_joins() -> None:
    """From now on a join above the bounds is answered with 429 and a sentence."""
    Queue.push = _push_within_bounds


async def _push_within_bounds(queue: Queue, body, request, username):
    function = queue.blocks.fns.get(body.fn_index)
    if function is not None:
        check_room(queue, function.concurrency_id, body.session_hash, read_address(request.scope))
    return await _push(queue, body=body, request=request, username=username)


def check_room(queue: Queue, kind: str, session: str | None, address: str) -> None:
    """Raises HTTPException (429) when the room for this kind of work is taken."""
    room, events = ROOMS.get(kind, LIGHT), list(queue.event_ids_to_events.values())
    same = [event for event in events if ROOMS.get(event.fn.concurrency_id, LIGHT) is room]
    if sum(event.session_hash == session for event in same) >= room.of_session:
        raise HTTPException(429, YOURS.format(room.of_session))
    if sum(read_address(event.request.scope) == address for event in same) >= room.of_address:
        raise HTTPException(429, ADDRESS.format(room.of_address))
    if len(same) >= room.of_all:
        raise HTTPException(429, ALL)
