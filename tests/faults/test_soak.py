"""Hours of steady load on the real server with the embedded model: memory stays flat, and no file handle is forgotten.

Only with --long; --minutes says how long (default 120). The first quarter warms up, at most 20 minutes.
"""

import os
import statistics
import threading
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.crowd import Server, Visitor

VISITORS = 3
PAUSE_SECONDS = 3.0
FIT_EVERY = 8
"""A visitor's comparisons between two fits."""
SAMPLE_SECONDS = 5.0
FLAT = 0.05
LIMIT = "That was a lot in a short time"


class Usage(NamedTuple):
    """What a process holds: resident megabytes and open handles."""

    memory: float
    handles: int


class Watch(threading.Thread):
    """Reads a process's resident megabytes and open handles every few seconds."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.notes, self._over = pid, [], threading.Event()

    def run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            handles = len(os.listdir(f"/proc/{self.pid}/fd"))
            self.notes.append(Usage(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, handles))

    def end(self) -> list[Usage]:
        self._over.set()
        self.join()
        return self.notes


def load(visitor: Visitor, users: list[dict], until: float, done: dict, errors: list) -> None:
    """Compares and, now and then, fits and deletes, until the time is over."""
    turn = visitor.number
    while time.monotonic() < until:
        try:
            turn += 1
            if turn % FIT_EVERY == 0:
                fit = visitor.fit(until - time.monotonic())
                assert fit.status["state"] in ("done", "queued", "running"), fit.status["error"]
                visitor.client.predict(secret=fit.started["secret"], api_name="/delete_my_data")  # ends it, too
                done["fits"] += fit.status["state"] == "done"
            else:
                visitor.compare(users, 24)
                done["comparisons"] += 1
        except Exception as error:
            if LIMIT in str(error):  # all three come from one address, and a fast machine meets its limit
                done["refused"] += 1
            else:
                errors.append(repr(error))
        time.sleep(PAUSE_SECONDS)


def test_memory_and_handles_stay(long, request, own_data, tmp_path):
    if not long:
        pytest.skip("hours with the embedded model: only with --long")
    minutes = request.config.getoption("--minutes")
    server = Server(own_data, tmp_path / "log")
    try:
        visitors = [Visitor(server.url, number) for number in range(VISITORS)]
        users = visitors[0].client.predict(api_name="/users")
        watch, done, errors = Watch(server.process.pid), {"comparisons": 0, "fits": 0, "refused": 0}, []
        watch.start()
        until = time.monotonic() + 60 * minutes
        threads = [threading.Thread(target=load, args=(one, users, until, done, errors)) for one in visitors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        notes = watch.end()
    finally:
        server.end()
    warm = notes[min(len(notes) // 4, int(1200 / SAMPLE_SECONDS)) :]
    third = len(warm) // 3
    early, late = (Usage(*map(statistics.median, zip(*part, strict=True))) for part in (warm[:third], warm[-third:]))
    print(
        f"\n{minutes:g} minutes, {done}: memory {early.memory:.0f} MB in the first third after warm-up, "
        f"{late.memory:.0f} MB in the last ({late.memory / early.memory - 1:+.1%}); handles {early.handles:.0f} and "
        f"{late.handles:.0f}"
    )
    assert errors == []
    assert late.memory < (1 + FLAT) * early.memory
    assert late.handles <= early.handles + 2
