"""The page of a service on a server of its own, as `serve` starts it, and its events sent as a browser sends them."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from gradio import Blocks

from cope_demo.ui.page import build
from cope_demo.ui.server import launch
from cope_demo.ui.web.joins import WAITING
from tests.free_port import find_free_port


@dataclass(frozen=True)
class RunningPage:
    """A page that a server shows at `url`, which ends in a slash. service: what it calls."""

    service: Any
    blocks: Blocks
    url: str

    def events(self, fits: Callable[[Any], bool]) -> list[int]:
        """The numbers of the page's events that `fits`, in their order."""
        return [number for number, event in self.blocks.fns.items() if fits(event)]

    def event(self, name: str) -> int:
        """The number of the only event whose function has this name."""
        (number,) = self.events(lambda event: event.name == name)
        return number

    def open(
        self, number: int, data: list, session: str, event_data=None, statuses=(200,)
    ) -> AbstractContextManager[httpx.Response]:
        """Sends an event with the values of its inputs, which the server may answer with these statuses.

        Returns the stream of what comes back, a context manager.
        """
        asked = {"session_hash": session}
        body = {"data": data, "fn_index": number, "event_data": event_data, "trigger_id": None, **asked}
        assert httpx.post(f"{self.url}gradio_api/queue/join", json=body).status_code in statuses
        return httpx.stream("GET", f"{self.url}gradio_api/queue/data", params=asked, timeout=60)

    def send(self, number: int, data: list, session: str, event_data=None, statuses=(200,)) -> str:
        """`open`, and everything that came back as one text."""
        with self.open(number, data, session, event_data, statuses) as stream:
            return "".join(stream.iter_text())


def read_updates(text: str, kinds=("process_generating", "process_completed")) -> list[dict]:
    """The outputs in what `send` returned, one a message of these kinds."""
    rows = (json.loads(row.removeprefix("data:")) for row in text.splitlines() if row.startswith("data:"))
    return [row["output"] for row in rows if row.get("msg") in kinds]


@contextmanager
def run_page(service) -> Iterator[RunningPage]:
    """Starts the page over a service, on this machine only, and closes it at the end."""
    with build(service).queue(max_size=WAITING) as blocks:
        port = find_free_port()  # two that look from the same port on would often be in each other's way
        try:
            yield RunningPage(service, blocks, launch(blocks, service, "127.0.0.1", range(port, port + 10)))
        finally:
            blocks.close()
