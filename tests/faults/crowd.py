"""Many visitors of one running server, each a program with a secret of its own."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx
from gradio_client import Client

from cope_demo.paths import ROOT
from tests.free_port import find_free_port

STEADY = {"oppu_epochs": 1, "dpo_epochs": 1, "candidates": 1, "max_response_tokens": 32, "holdout": 1}
"""Settings of a real fit that takes seconds."""


class Server:
    """`python -m cope_demo serve` in a process of its own, with the embedded model."""

    def __init__(self, data: Path, log: Path, waits_for: str = "ready"):
        """waits_for: the route that must answer before it counts as started; "health" does without the model."""
        port = find_free_port()
        self.url = f"http://127.0.0.1:{port}/"
        environment = os.environ | {"COPE_DATA": str(data), "COPE_FIT_CONFIG": json.dumps(STEADY)}
        command = [sys.executable, "-m", "cope_demo", "serve", "--port", str(port)]
        with open(log, "w") as file:
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=file, stderr=file)
        deadline = time.monotonic() + 180
        while not self._answers(waits_for):
            assert time.monotonic() < deadline and self.process.poll() is None, log.read_text()
            time.sleep(0.3)

    def _answers(self, route: str) -> bool:
        try:
            return httpx.get(f"{self.url}{route}", timeout=10).status_code == 200
        except httpx.HTTPError:
            return False

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Fit(NamedTuple):
    """started: what /fit returned; status: the last that /fit_status returned."""

    started: dict
    status: dict


@dataclass
class Visitor:
    """One visitor. waits: seconds from each press to the first token."""

    url: str
    number: int
    client: Client = None
    waits: list[float] = field(default_factory=list)

    def __post_init__(self):
        self.client = Client(self.url, verbose=False)

    def compare(self, users: list[dict], tokens: int) -> list[dict]:
        """A comparison of this visitor's own kind: user, prompt, seed and temperature follow from the number."""
        user = users[self.number % len(users)]
        asked = {
            "user": user["id"],
            "prompt": f"{user['prompts'][self.number // len(users) % len(user['prompts'])]} ({self.number})",
            "max_new_tokens": tokens,
            "temperature": 0.7 * (self.number % 2),
            "seed": self.number,
        }
        pressed, first, trace = time.monotonic(), None, None
        job = self.client.submit(**asked, api_name="/compare")
        for update in job:
            if first is None and update.get("events"):
                first = time.monotonic() - pressed
            trace = update
        self.waits.append(first)
        if trace is None:
            trace = job.result()  # raises what the server said
        return trace["columns"]

    def fit(self, seconds: float) -> Fit:
        """A fit of texts that only this visitor has."""
        texts = "\n---\n".join(f"Marker{self.number}x and number {n} went to the sea." for n in range(6))
        started = self.client.predict(texts, api_name="/fit")
        deadline = time.monotonic() + seconds
        while True:
            status = self.client.predict(started["job"], secret=started["secret"], api_name="/fit_status")
            if status["state"] not in ("queued", "running") or time.monotonic() > deadline:
                return Fit(started, status)
            time.sleep(0.5)


def run_at_once(visitors: list[Visitor], what) -> list:
    """what(visitor) for all of them at the same time; the answers in their order."""
    with ThreadPoolExecutor(len(visitors)) as pool:
        return list(pool.map(what, visitors))
