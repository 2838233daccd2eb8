"""What the tests of background fits share: small requests, the record of their stages, and waiting without sleeping."""

import json
import time
from pathlib import Path

import pytest

from cope_demo import paths
from cope_demo.jobs.interface import FitRequest
from cope_demo.jobs.job_folder import KEPT, JobFolder
from cope_demo.texts.tasks import Sample

SECRET = "the quick brown secret"
SAMPLES = [Sample(f"Write {n}", f"{SECRET} {n}") for n in range(5)]


class Stages:
    """What the stages did, and their gate."""

    def __init__(self, log: Path):
        self.log = log

    def runs(self, job_id: str | None = None) -> list[dict]:
        text = self.log.read_text() if self.log.exists() else ""
        runs = [json.loads(line) for line in text.splitlines()]
        return [run for run in runs if job_id in (None, run["job"])]

    def open_gate(self) -> None:
        self.log.with_name(self.log.name + ".gate").touch()

    def grandchild(self) -> int:
        """The pid of the process that a stuck stage has started."""
        path = self.log.with_name(self.log.name + ".child")
        return int(eventually(lambda: path.exists() and path.read_text()))

    def wait_for(self, job_id: str, stage: str, times: int = 1) -> dict:
        """The run of a stage, once it has begun for the `times`-th time."""
        return eventually(lambda: [r for r in self.runs(job_id) if r["stage"] == stage][times - 1 : times])[0]


def use_small_stages(patch: pytest.MonkeyPatch, root: Path) -> Stages:
    """Background fits run the small stages of tests/fit_stages.py from here on; their record is the file root/log."""
    patch.setenv("COPE_FIT_MODULE", "tests.fit_stages")
    patch.setenv("COPE_TEST_LOG", str(root / "log"))
    patch.setenv("PYTHONPATH", str(paths.ROOT))
    return Stages(root / "log")


def eventually(ask, seconds: float = 15):
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s")


def make_request(user_id: str, how: str = "", owner: str = "", samples: list[Sample] = SAMPLES) -> FitRequest:
    return FitRequest(user_id, how, "free_writing", samples, None, seed=7, owner=owner)


def wait_for_end(queue, job_id: str, seconds: float = 15):
    """The status, once the job has ended and its private files are gone."""
    eventually(lambda: queue.status(job_id).state not in ("queued", "running"), seconds)
    folder = JobFolder(job_id)
    eventually(lambda: {path.name for path in folder.path.iterdir()} <= set(KEPT))
    return queue.status(job_id)


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def find_secret(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]
