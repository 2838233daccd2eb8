"""One client's connection to the server: how long a request may take to arrive and an answer to be read.

uvicorn has a limit for idle connections alone: a head that comes a byte at a time, a body that stops half way and an
answer that nobody reads would each hold a connection for good. Gradio starts uvicorn with fixed settings, so this
protocol takes the place of the one that uvicorn would choose, which also makes it h11's on every machine.
"""

import json

import h11
import uvicorn.config
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS, BODY_SECONDS, READ_SECONDS = 10.0, 120.0, 60.0
"""How long a request's head may take, then its body, and the client to take 64 kB of an answer."""
WATCH_SECONDS = 2.0
UNFINISHED = 200
"""Connections of one address whose request has not arrived yet; for one more the oldest of them goes."""
TOO_SLOW = f"The request took too long to arrive: {BODY_SECONDS:.0f} seconds are allowed. Try again, with less text."


def bound_connections() -> None:
    """From now on servers that are started in this process speak to their clients with BoundedConnection."""
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{BoundedConnection.__name__}"


class BoundedConnection(H11Protocol):
    """uvicorn's protocol with the limits above. WebSockets, which the page does not use, are not opened."""

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self._waiting_since = self._read_at = self.loop.time()
        self._close_oldest()
        self._watcher = self.loop.call_later(WATCH_SECONDS, self._watch)

    def connection_lost(self, exc) -> None:
        self._watcher.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:  # a head is whole: now the time of the body begins
            self._waiting_since = self.loop.time()

    def on_response_complete(self) -> None:
        self._waiting_since = self.loop.time()  # for the next request
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._read_at = self.loop.time()
        super().resume_writing()

    def _should_upgrade(self) -> bool:
        return False

    @property
    def _unfinished(self) -> bool:
        """Whether the client has yet to send a request, or the rest of one."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def _close_oldest(self) -> None:
        address = self.client and self.client[0]
        same = [other for other in self.connections if other.client and other.client[0] == address]
        waiting = [other for other in same if other._unfinished and not other.transport.is_closing()]
        if len(waiting) > UNFINISHED:
            min(waiting, key=lambda other: other._waiting_since).transport.abort()

    def _watch(self) -> None:
        now = self.loop.time()
        if not self.transport.get_write_buffer_size():
            self._read_at = now
        limit = HEAD_SECONDS if self.conn.their_state is h11.IDLE else BODY_SECONDS
        if now - self._read_at > READ_SECONDS:
            self.transport.abort()
        elif self._unfinished and now - self._waiting_since > limit and not self.transport.is_closing():
            self._refuse()
        self._watcher = self.loop.call_later(WATCH_SECONDS, self._watch)

    def _refuse(self) -> None:
        """Ends the connection, with an answer where none has begun."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"detail": TOO_SLOW}).encode()
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            for event in (h11.Response(status_code=408, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
