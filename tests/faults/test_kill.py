"""kill -9 at random moments of small fits: of worker, web process, both. No fit is lost, none half saved.

Meanwhile a reader opens every user again and again, and each time must see a whole version of theirs, old or new.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES
from cope_demo.jobs.job_folder import JobFolder, jobs_dir
from cope_demo.saved.store import Store
from cope_demo.texts.tasks import Sample
from tests.fit_stages import adapter_bytes
from tests.fits import Stages, eventually, use_small_stages

USERS = 4
RESUMED = 10.0
"""Seconds from a restart until a fit goes on, at most."""
WEB = """
import sys, time
from cope_demo.texts.tasks import Sample
from cope_demo.jobs.interface import FitRequest
from cope_demo.jobs.queue_jobs import QueueJobs
if __name__ == "__main__":
    jobs = QueueJobs()
    print("ready", flush=True)
    for line in sys.stdin:
        user, version = line.split()
        samples = [Sample(f"Write {n}", f"version {version} of {n}") for n in range(5)]
        print(jobs.submit(FitRequest(user, "all:slow", "free_writing", samples, owner=user)), flush=True)
"""


class Web:
    """A web process as far as fits go: its queue, and the worker that it keeps alive."""

    def __init__(self):
        self.start()

    def start(self) -> None:
        self.started = time.monotonic()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([sys.executable, "-c", WEB], **pipes)
        assert self._process.stdout.readline() == "ready\n"

    def submit(self, user: str, version: int) -> None:
        self._process.stdin.write(f"{user} {version}\n")
        self._process.stdin.flush()

    def worker(self) -> int | None:
        """The pid of its worker; None before there is one."""
        for path in Path("/proc").glob("[0-9]*"):
            try:
                stat = (path / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(stat[1]) == self._process.pid and stat[0] != "Z":
                return int(path.name)
        return None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


class Reader(threading.Thread):
    """Opens every user over and over; `wrong` holds what it should not have seen."""

    def __init__(self):
        super().__init__(daemon=True)
        self.wrong, self.looks, self._over = [], 0, threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.02):
            for number in range(USERS):
                self.look(f"user{number}")

    def look(self, user: str) -> None:
        try:
            saved = Store().open(user)
            history = (saved.folder / "history.jsonl").read_text()
            adapter = (saved.adapter("cope") / "adapter_model.safetensors").read_bytes()
        except FileNotFoundError:
            return  # exchanged for a newer version between two reads
        except CopeError as error:
            if "There is no user" not in str(error):
                self.wrong.append(str(error))
            return
        self.looks += 1
        if adapter != adapter_bytes(history) and Store().open(user).manifest == saved.manifest:
            self.wrong.append(f"{user}: an adapter of another version")  # and not one exchanged between the two reads

    def end(self) -> None:
        self._over.set()
        self.join()


def find_job(user: str, version: int) -> JobFolder | None:
    """The job that fits this version of the user, known by its place in the order of submission."""
    mine = [folder for folder in list_jobs() if folder.user_id == user]
    return mine[version] if len(mine) > version else None


def list_jobs() -> list[JobFolder]:
    paths = sorted(jobs_dir().glob("*/job.json"), key=lambda path: path.stat().st_mtime_ns)
    return [JobFolder(path.parent.name) for path in paths]


@dataclass(frozen=True)
class Kill:
    """What followed on one kill.

    struck: the stage that ran when it came; resumed: seconds until the fit went on; state: the one it ended in;
    runs: how often each stage was run; saved: whether the user's texts are those of this fit.
    """

    struck: str
    resumed: float
    state: str
    runs: Counter
    saved: bool

    @property
    def repeated(self) -> list[str]:
        return [stage for stage, times in self.runs.items() if times > 1]


@dataclass(frozen=True)
class Series:
    """All kills; wrong, looks: what the reader should not have seen, and how often it read; states: of all jobs."""

    kills: list[Kill]
    wrong: list[str]
    looks: int
    states: list[str]


def kill_once(number: int, web: Web, stages: Stages, rng: random.Random) -> Kill:
    """Submits a fit, kills worker, web process or both at a random moment, and waits until the fit has ended."""
    user, version = f"user{number % USERS}", number // USERS
    victim = ("worker", "web", "both")[number % 3]

    def find_own_job() -> JobFolder | None:
        return find_job(user, version)

    web.submit(user, version)
    if rng.random() < 0.8:  # else the kill may come before the job is there
        eventually(find_own_job, 60)
    time.sleep(rng.uniform(0, 2.0))
    worker, job = web.worker(), find_own_job()
    if victim != "web" and worker:
        os.kill(worker, signal.SIGKILL)
    moment = time.monotonic()
    if victim != "worker":
        web.kill()
    runs_before = len(stages.runs(job.id)) if job else 0
    if victim != "worker":
        web.start()
        moment = web.started
    job = job or find_own_job()
    if job is None:  # it never got to the queue, and nobody was told that it had
        web.submit(user, version)
        job = eventually(find_own_job, 60)
    struck = (stages.runs(job.id) or [{"stage": "waiting"}])[-1]["stage"]
    eventually(lambda: job.result() or len(stages.runs(job.id)) > runs_before, 60)
    resumed = time.monotonic() - moment
    state = eventually(job.result, 60)["state"]
    samples = [Sample(f"Write {n}", f"version {version} of {n}") for n in range(5)]
    runs = Counter(run["stage"] for run in stages.runs(job.id))
    return Kill(struck, resumed, state, runs, Store().open(user).history() == samples)


@pytest.fixture(scope="module")
def series(tmp_path_factory, long) -> Series:
    """Three kills, or a hundred in the long form, with a reader at work all the time."""
    root, rng = tmp_path_factory.mktemp("kill"), random.Random(8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(root / "var"))
        stages = use_small_stages(patch, root)
        web, reader = Web(), Reader()
        reader.start()
        try:
            kills = [kill_once(number, web, stages, rng) for number in range(100 if long else 3)]
        finally:
            web.kill()
            reader.end()
        states = [folder.result()["state"] for folder in list_jobs()]
    resumed = sorted(kill.resumed for kill in kills)
    print(
        f"\n{len(kills)} kills: struck {dict(Counter(kill.struck for kill in kills))}; run again "
        f"{dict(Counter((kill.repeated or ['nothing'])[0] for kill in kills))}; seconds until a fit went on: median "
        f"{resumed[len(resumed) // 2]:.1f}, 95th percentile {resumed[int(0.95 * len(resumed))]:.1f}, largest "
        f"{resumed[-1]:.1f}; {reader.looks} looks at saved users"
    )
    return Series(kills, reader.wrong, reader.looks, states)


def test_no_fit_is_lost(series):
    assert [kill.state for kill in series.kills] == ["done"] * len(series.kills)
    assert len(series.states) >= len(series.kills) and set(series.states) == {"done"}


def test_every_stage_is_run_and_at_most_the_struck_one_twice(series):
    for kill in series.kills:
        assert set(kill.runs) == set(STAGES[:-1])
        assert len(kill.repeated) <= 1


def test_what_is_saved_is_the_fit_that_was_asked_for(series):
    assert all(kill.saved for kill in series.kills)


def test_a_reader_sees_whole_versions_only(series):
    assert series.wrong == [] and series.looks > 0


def test_a_fit_goes_on_soon_after_a_restart(series, long):
    assert max(kill.resumed for kill in series.kills) < (RESUMED if long else 60)  # three on a busy machine say little
