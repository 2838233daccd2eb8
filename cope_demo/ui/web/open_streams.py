"""Keeps Gradio from dropping the messages of a visitor who is listening.

Gradio holds what waits to be sent for 2,000 sessions, and for one more it drops the oldest (measured with 6.31): 2,000
requests by somebody else end every stream that is open. Here those whose stream is open stay.
"""

from collections import Counter, OrderedDict
from urllib.parse import parse_qs

import gradio.queueing
from gradio.utils import LRUCache

ROUTE = "/gradio_api/queue/data"
_open: Counter = Counter()  # session -> its open streams


def keep_open_streams() -> None:
    """From now on the queues that are made drop only sessions that nobody listens to."""
    gradio.queueing.LRUCache = SessionMessages


class SessionMessages(LRUCache):
    """The messages of each session; for one too many the oldest goes whose stream is not open."""

    def __setitem__(self, session, messages) -> None:
        if session not in self and len(self) >= self.max_size:
            oldest = next((other for other in self if not _open[other]), None)
            if oldest is not None:
                del self[oldest]
        OrderedDict.__setitem__(self, session, messages)  # past Gradio's own rule


class OpenStreams:
    """ASGI middleware that counts which sessions are listened to."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or not scope["path"].endswith(ROUTE):
            return await self.app(scope, receive, send)
        session = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
        _open[session] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            _open[session] -= 1
            if not _open[session]:
                del _open[session]
