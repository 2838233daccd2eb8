"""Tells work that a request began when its client has left (system/wanted.py).

An event of Gradio's queue has left when the stream that listens to it was closed; what is called directly (an event
past the queue, a component's server function) when its connection was.
"""

import asyncio
import re
import threading
from contextvars import ContextVar

from gradio.context import LocalContext

from cope_demo.system.wanted import ask_with

DIRECT = re.compile(r"/gradio_api/(run|api|component_server|mcp)\b")
"""Routes whose answer is the work's result."""
ADDRESS: ContextVar[str] = ContextVar("address", default="")
"""Where the request came from in whose context this is read; arrivals.Arrivals sets it."""
_GONE: ContextVar[threading.Event | None] = ContextVar("gone", default=None)


class Departures:
    """ASGI middleware. Watches the connection of a direct call, once its body is read."""

    def __init__(self, app):
        self.app = app
        ask_with(is_client_here, find_client, forget_client)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or not DIRECT.match(scope["path"].removeprefix(scope.get("root_path", ""))):
            return await self.app(scope, receive, send)
        gone, whole = threading.Event(), asyncio.Event()
        _GONE.set(gone)

        async def read():
            message = await receive()
            if message["type"] == "http.disconnect":
                gone.set()
            elif not message.get("more_body"):
                whole.set()
            return message

        async def watch():
            await whole.wait()
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()

        watcher = asyncio.create_task(watch())
        try:
            await self.app(scope, read, send)
        finally:
            watcher.cancel()


def is_client_here() -> bool:
    """Whether the client of the request or event that this context belongs to still waits."""
    number, blocks = LocalContext.event_id.get(None), LocalContext.blocks.get(None)
    if number and blocks is not None:
        event = blocks._queue.event_ids_to_events.get(number)
        return event is None or event.alive
    gone = _GONE.get()
    return gone is None or not gone.is_set()


def find_client() -> str | None:
    """The session, or for a direct call the address, that the request or event of this context belongs to."""
    number, blocks = LocalContext.event_id.get(None), LocalContext.blocks.get(None)
    event = blocks._queue.event_ids_to_events.get(number) if number and blocks is not None else None
    return getattr(event, "session_hash", None) or ADDRESS.get() or None


def forget_client() -> None:
    """Parts this context from its request's client. The request itself stays known, for whose share of a GPU it is."""
    LocalContext.event_id.set(None)
    _GONE.set(None)
