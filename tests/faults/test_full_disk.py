"""The disk fills up at each write of a fit and its publish in turn: what was saved stays, byte for byte."""

import contextlib
import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES
from cope_demo.jobs.inline_jobs import run_job
from cope_demo.jobs.interface import FitRequest
from cope_demo.jobs.job_folder import JobFolder
from cope_demo.jobs.queue_jobs import QueueJobs
from cope_demo.saved.store import Store
from cope_demo.texts.tasks import Sample
from tests.faults.full_disk import full_disk
from tests.fits import SECRET, eventually, find_secret, make_request, wait_for_end

pytestmark = pytest.mark.usefixtures("stages")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Outcome(NamedTuple):
    """Whether a fit came to the write that fails, the state it ended in, and its sentence."""

    failed: bool
    state: str
    sentence: str | None


def run_fit(asked: FitRequest, at: int | None = None, lasting: bool = False) -> Outcome:
    """A whole fit whose write `at` fails."""
    with full_disk(at, lasting) as disk:
        try:
            folder = JobFolder.create(asked)
            run_job(folder)
        except CopeError as refused:
            return Outcome(bool(disk.failures), "refused", str(refused))
    return Outcome(bool(disk.failures), folder.result()["state"], folder.result()["error"])


def check_writes(ask: Callable[[int], FitRequest], own_data: Path, lasting: bool, stride: int) -> int:
    """Lets every `stride`-th write fail, each in a fit of other texts: ask(its number). Returns how many a fit has."""
    assert run_fit(ask(0)).state == "done"
    users = own_data / "users"
    for at in itertools.count(1, stride):
        shutil.rmtree(own_data / "jobs", ignore_errors=True)
        before = files(users / "ada")
        outcome = run_fit(ask(at), at, lasting)
        if not outcome.failed:
            return at - stride
        user = Store().open("ada")  # which mends a swap that was cut off in its middle
        if outcome.state == "done":  # the write was one that a fit can do without
            assert user.history() == ask(at).samples
        else:
            assert "disk is full" in outcome.sentence or "a fault of ours" in outcome.sentence, (at, outcome.sentence)
            assert outcome.state in ("refused", "failed") and files(users / "ada") == before, at
        assert find_secret(own_data / "jobs") == [], at
        assert run_fit(ask(-at)).state == "done", f"after a full disk at write {at}"
        assert {path.name for path in users.iterdir()} == {"ada", ".lock"}, at


@pytest.mark.parametrize("lasting", [False, True])
def test_each_write(own_data, lasting, long):
    """A fit with small stages. The short form takes every seventh write."""

    def ask(number: int) -> FitRequest:
        return make_request("ada", samples=[Sample("Write", f"{SECRET} {number} {n}") for n in range(5)])

    writes = check_writes(ask, own_data, lasting, 1 if long else 7)
    print(f"\n{writes} writes of a fit, each {'and what follows ' if lasting else ''}on a full disk")
    assert writes > 100


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A file system of 32 MB in memory, with the data folder in it."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    monkeypatch.setenv("COPE_DATA", str(place / "var"))
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path) -> Path:
    """Takes every byte that is left, and returns the file that holds them."""
    ballast = place / "ballast"
    with pytest.raises(OSError, match="No space left"), open(ballast, "ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
        while True:
            file.write(bytes(1 << 12))
    return ballast


def test_a_disk_that_is_really_full(long, works, small_disk, monkeypatch):
    """A real fit of a tiny model on the real queue, whose disk fills up in each stage in turn."""
    if not long:
        pytest.skip("a minute: only with --long")
    monkeypatch.setenv("COPE_FIT_MODULE", "cope_demo.fit.pipeline")
    monkeypatch.setenv("COPE_FIT_MB", "1")
    jobs, found = QueueJobs(), {}
    users = small_disk / "var" / "users"

    def ask(number: int) -> FitRequest:
        samples = [Sample("Write a post.", f"{SECRET} {number} {n}") for n in range(6)]
        return FitRequest("ada", "", "free_writing", samples, works.model)

    assert wait_for_end(jobs, jobs.submit(ask(0)), 120).state == "done"
    for number, stage in enumerate(STAGES, 1):
        before = files(users / "ada")
        job = jobs.submit(ask(number))
        eventually(lambda job=job, stage=stage: any(e["stage"] == stage for e in jobs.status(job).events), 120)
        ballast = fill(small_disk)
        status = wait_for_end(jobs, job, 120)
        if status.state == "done":  # it had been saved before the disk was full
            assert Store().open("ada").history() == ask(number).samples
        else:
            assert "disk is full" in status.error and files(users / "ada") == before
        found[stage] = status.state
        assert find_secret(small_disk / "var" / "jobs") == []
        ballast.unlink()
        assert wait_for_end(jobs, jobs.submit(ask(-number)), 120).state == "done"
    jobs.close()
    print(f"\nthe disk filled up in {found}")
    assert list(found.values()).count("failed") >= 3
