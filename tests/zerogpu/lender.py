"""The service that lends the platform's GPUs, as far as the package `spaces` asks it: four endpoints."""

import base64
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Lender:
    """What was asked: (endpoint, its parameters) in order. left: token -> seconds of the day, where it has an end.

    pids: of the workers that were let at the GPU. reuse: whether an idle worker is taken again. spent: the seconds that
    each call that has ended asked for, and those that it had the GPU.
    """

    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    pids: list[int] = field(default_factory=list)
    reuse: bool = False
    address: str = ""
    spent: list[tuple[int, float]] = field(default_factory=list)
    _began: dict[str, tuple[float, int]] = field(default_factory=dict)
    _workers: dict[str, int] = field(default_factory=dict)

    def find(self, endpoint: str) -> list[dict[str, str]]:
        """The parameters of all requests to an endpoint."""
        return [given for name, given in self.asked if name == endpoint]

    def answer(self, endpoint: str, given: dict[str, str]) -> tuple[int, dict]:
        """HTTP status and JSON."""
        self.asked.append((endpoint, given))
        if endpoint == "/schedule":
            token, seconds = given.get("token", ""), int(given["durationSeconds"])
            if token in self.left and self.left[token] < seconds:
                return 429, {"left": self.left[token], "wait": 3600}
            number = len(self.find("/schedule"))
            pass_ = {"nvidiaIndex": 0 if self.reuse else number, "nvidiaUUID": "0", "allowToken": f"pass{number}"}
            self._began[pass_["allowToken"]] = time.monotonic(), seconds
            return 200, {"idle": self.reuse, **pass_}
        if endpoint == "/allow":
            self.pids.append(int(given["pid"]))
            self._workers[given["allowToken"]] = self.pids[-1]
        if endpoint == "/release":
            began, seconds = self._began.pop(given["allowToken"])
            self.spent.append((seconds, time.monotonic() - began))
            if not self.reuse:
                _end(self._workers.pop(given["allowToken"], None))
        return 200, {}


def _end(pid: int | None) -> None:
    """Ends an idle worker, as the platform does when it lends the GPU to others."""
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


@contextmanager
def run_lender() -> Iterator[Lender]:
    """A Lender that answers on 127.0.0.1."""
    lender = Lender()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            where = urlsplit(self.path)
            given = {name: values[0] for name, values in parse_qs(where.query).items()}
            status, body = lender.answer(where.path, given)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    lender.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield lender
    finally:
        server.shutdown()
        server.server_close()


def make_token(who: str) -> str:
    """A pass as the platform's proxy sends it along with a visitor's requests."""
    payload = base64.urlsafe_b64encode(json.dumps({"user": who}).encode()).decode().rstrip("=")
    return f"head.{payload}.sign"
