"""Deleting and expiring what is a visitor's: on the real queue, after which no byte of theirs is left on disk."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

import pytest

from cope_demo.errors import CopeError
from cope_demo.jobs import queue_jobs
from cope_demo.jobs.inline_jobs import InlineJobs
from cope_demo.jobs.interface import FitRequest
from cope_demo.jobs.job_folder import KEPT, JobFolder
from cope_demo.jobs.queue_jobs import QueueJobs
from cope_demo.paths import ROOT
from cope_demo.service.service import Service
from cope_demo.system.locks import file_lock
from cope_demo.texts.tasks import Sample
from cope_demo.ui.web.uploads import uploads_folder
from cope_demo.visitors import expiry
from cope_demo.visitors.owners import Access, owner_of_secret
from tests.fits import eventually
from tests.scripted import SECRET, publish

pytestmark = pytest.mark.usefixtures("stages")
OTHER = "0" * 64
WORDS = "zebra-marked words"
DAY = 86400.0


@pytest.fixture(params=[QueueJobs, InlineJobs])
def service(request, tmp_path):
    service = Service(users_dir=tmp_path / "var" / "users", jobs=request.param(tmp_path / "var" / "users"))
    yield service
    service.jobs.close()


def make_request(service, words=WORDS) -> FitRequest:
    samples = [Sample(f"Write {n}", f"{words} {n}") for n in range(5)]
    return FitRequest(service.store.new_id(), "", "free_writing", samples)


class Fitted(NamedTuple):
    """A finished fit: its user's id and its job's."""

    user: str
    job: str


def fit(service, secret, words=WORDS) -> Fitted:
    """Fits and waits until the job's files have been tidied."""
    mine, asked = Access(service).of(secret), make_request(service, words)
    job = mine.jobs.submit(asked)
    deadline = time.monotonic() + 60
    while mine.jobs.status(job).state != "done":
        assert time.monotonic() < deadline and mine.jobs.status(job).state in ("queued", "running", "done")
        time.sleep(0.05)
    eventually(lambda: {path.name for path in JobFolder(job).path.iterdir()} <= set(KEPT))
    return Fitted(asked.user_id, job)


def find_files(place, *marks: str) -> list[str]:
    """The files below `place` that hold any of these texts, by their bytes, or have one in their name."""
    found = []
    for path in place.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a database's journal comes and goes
            if path.is_file() and any(mark in str(path) or mark.encode() in path.read_bytes() for mark in marks):
                found.append(str(path.relative_to(place)))
    return found


def test_erasing_leaves_no_byte_behind(service, own_data):
    access = Access(service)
    user, job = fit(service, SECRET)
    other = fit(service, OTHER, "plain words")
    waiting = access.of(SECRET).jobs.submit(replace(make_request(service), name="oppu:talk"))
    marks = (WORDS, user, job, waiting, owner_of_secret(SECRET))
    assert len(find_files(own_data, *marks)) > 10
    assert access.of(SECRET).erase() == {"fits": 2, "users": 1}
    assert find_files(own_data, *marks) == []
    assert access.of(OTHER).store.open(other.user) and access.of(OTHER).store.owned() == [other.user]
    assert access.of(SECRET).erase() == {"fits": 0, "users": 0}
    with pytest.raises(CopeError, match="not known here"):
        access.of(SECRET).jobs.status(job)


def test_erasing_ends_a_fit_at_work(service, own_data):
    mine = Access(service).of(SECRET)
    job = mine.jobs.submit(replace(make_request(service), name="oppu:talk"))
    deadline = time.monotonic() + 60
    while len(mine.jobs.status(job).events) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert mine.erase() == {"fits": 1, "users": 0}
    assert find_files(own_data, WORDS, job) == []


def test_erasing_waits_for_whoever_is_at_work_in_a_fit(tmp_path, own_data, monkeypatch):
    """Such as a publish that has begun: it is too late to cancel it, so it ends first, and then all of it goes."""
    monkeypatch.setattr(queue_jobs, "CANCEL_SECONDS", 0.1)
    service = Service(users_dir=own_data / "users", jobs=QueueJobs(own_data / "users", workers=0))
    mine = Access(service).of(SECRET)
    asked = make_request(service)
    folder = JobFolder(mine.jobs.submit(asked))
    monkeypatch.setattr(queue_jobs, "END_SECONDS", 0.1)
    with folder.hold():
        with pytest.raises(CopeError, match="still ending"):
            mine.erase()
        assert folder.path.exists()
    monkeypatch.setattr(queue_jobs, "END_SECONDS", 60.0)
    with folder.hold():
        thread = threading.Thread(target=mine.erase)
        thread.start()
        time.sleep(0.5)
        assert folder.path.exists()
        publish(service.store, tmp_path / "late", asked.user_id, "Nan")
    thread.join(60)
    assert find_files(own_data, WORDS, asked.user_id, folder.id) == []
    service.jobs.close()


def test_what_a_visitor_has_expires_and_nothing_else(service, own_data, tmp_path, monkeypatch):
    user, job = fit(service, SECRET)
    laptop = replace(make_request(service), user_id="laptop")  # as the command line saves one
    source = service.store.users_dir / user
    service.store.publish(source, "laptop", {"user": "laptop", "name": "", "task": laptop.task, "base": {}})
    uploads, torso = tmp_path / "uploads", own_data / "jobs" / ("f" * 32)
    (uploads / "hash").mkdir(parents=True)
    (uploads / "hash" / "texts.txt").write_text(WORDS)
    torso.mkdir()
    (torso / "submitted.json").write_text(WORDS)
    damaged = service.store.users_dir / ("d" * 32)
    damaged.mkdir()
    (damaged / "history.jsonl").write_text(WORDS)

    now = time.time()
    expiry.sweep(service, uploads, now + 6.9 * DAY)
    assert service.store.open(user) and JobFolder(job) and not torso.exists() and not list(uploads.iterdir())
    expiry.sweep(service, uploads, now + 7.1 * DAY)
    assert find_files(own_data, job, user, owner_of_secret(SECRET)) == [] and not damaged.exists()
    assert service.store.open("laptop") and service.store.samples()
    monkeypatch.setenv("COPE_KEEP_DAYS", "0")
    with pytest.raises(CopeError, match="COPE_KEEP_DAYS must be a whole number from 1"):
        expiry.sweep(service)


def test_rows_of_the_queue_s_file_are_overwritten(tmp_path, own_data):
    from cope_demo.jobs.queue_database import database_url, vacuum_database

    path = database_url().removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA secure_delete=OFF")  # Debian's SQLite has it on, others do not
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [(WORDS * 50,)] * 50)
        connection.commit()
        connection.execute("DELETE FROM t")
    assert find_files(own_data, WORDS)
    vacuum_database()
    assert not find_files(own_data, WORDS)


def test_libraries_keep_their_temporary_files_with_the_job(tmp_path):
    folder = JobFolder.create(FitRequest("u", "", "free_writing", []), tmp_path)
    code = (
        "import tempfile; from cope_demo.jobs.job_folder import JobFolder; "
        "from cope_demo.jobs.stage_process import keep_temporary_files; "
        f"keep_temporary_files(JobFolder({folder.id!r})); print(tempfile.mkdtemp())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert done.stdout.startswith(str(folder.path / "tmp"))
    folder.finish("done")
    assert not (folder.path / "tmp").exists()


def test_killed_processes_leave_no_uploads(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")  # put back at the end
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young, taken = (tmp_path / f"cope-uploads-{name}" for name in ("old", "young", "taken"))
    for folder in (old, young, taken):
        folder.mkdir()
        (folder / "texts.txt").write_text(WORDS)
    os.utime(old, (0, 0))
    with file_lock(taken / ".alive"):
        os.utime(taken, (0, 0))
        with uploads_folder() as mine:
            assert os.environ["GRADIO_TEMP_DIR"] == str(mine) and mine.stat().st_mode & 0o077 == 0
            assert {path.name for path in tmp_path.iterdir()} == {mine.name, young.name, taken.name}
    assert not mine.exists()
