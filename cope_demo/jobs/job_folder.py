"""A background fit on disk: its request, progress and outcome, all that the process that runs it and the others share.

The folder is also the fit's scratch folder. Once the fit has ended, the person's texts and all that was made from them
are removed; what happened, when, and how it ended stays.
"""

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES, FitEvent
from cope_demo.paths import data_dir
from cope_demo.paths import users_dir as default_users_dir
from cope_demo.saved.ids import check_id
from cope_demo.system.disk import DISK_FULL
from cope_demo.system.files import read_json, write_whole
from cope_demo.system.locks import file_lock
from cope_demo.texts.tasks import Sample

from .interface import FitRequest, JobStatus

JOB, REQUEST, EVENTS, RESULT = "job.json", "submitted.json", "events.jsonl", "result.json"
CANCELLED, HALVED, LOCK = "cancelled", "halved", "lock"
KEPT = (JOB, EVENTS, RESULT, CANCELLED, LOCK)
"""What stays of an ended fit; none of it holds the person's words."""
PRIVATE = 0o600
"""Permissions of a job's files: they are nobody's but their owner's."""

_ID = re.compile("[0-9a-f]{32}")
UNKNOWN_JOB = "This fit is not known here any more: start it again."


class Cancelled(BaseException):
    """Ends a fit whose owner has cancelled it. Not an Exception, so that no library on the way swallows it."""


def jobs_dir() -> Path:
    """The folder of all jobs, readable for its owner alone."""
    folder = data_dir() / "jobs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


class JobFolder:
    """One job's folder, `jobs/<job id>`."""

    def __init__(self, job_id: str):
        """Raises CopeError when there is no such job."""
        self.id = job_id
        self.path = jobs_dir() / check_id(job_id)
        try:
            self.job = read_json(self.path / JOB)
        except (OSError, ValueError) as error:
            raise CopeError(UNKNOWN_JOB) from error

    @classmethod
    def create(cls, request: FitRequest, users_dir: Path | None = None) -> "JobFolder":
        """A new job under an id that cannot be guessed, which will publish to `users_dir`.

        users_dir: None for the data folder's, wherever the machine that publishes has it. Raises CopeError for a bad
        user id or a full disk.
        """
        place = str(Path(users_dir).resolve()) if users_dir else None
        job = {"user_id": check_id(request.user_id), "owner": request.owner, "users_dir": place}
        job_id = secrets.token_hex(16)
        path = data_dir() / "jobs" / job_id
        try:
            jobs_dir()
            path.mkdir(mode=0o700)
            (path / LOCK).touch(mode=0o600)  # now, as finish() must be able to hold it on a full disk
            _write_private(path / REQUEST, asdict(request))
            _write_private(path / JOB, job)  # last: now it is a job
        except OSError as error:
            shutil.rmtree(path, ignore_errors=True)
            if error.errno not in DISK_FULL:
                raise
            raise CopeError("The disk is full, so no fit can start. Free some space and try again.") from error
        return cls(job_id)

    @classmethod
    def list_owned(cls, owners: tuple[str, ...]) -> list["JobFolder"]:
        """All jobs of these owners, ended or not."""
        return [folder for folder in cls._all() if folder.owner in owners]

    @classmethod
    def list_ended_before(cls, moment: float) -> list["JobFolder"]:
        """All jobs that ended before `moment` (seconds since 1970), or were submitted before and never ended."""
        return [folder for folder in cls._all() if folder.last_change < moment]

    @classmethod
    def _all(cls) -> Iterator["JobFolder"]:
        for path in jobs_dir().glob(f"*/{JOB}"):
            try:
                yield cls(path.parent.name)
            except CopeError:
                continue  # removed meanwhile

    @classmethod
    def remove_incomplete(cls, moment: float) -> None:
        """Removes the folders of jobs whose creation a crash before `moment` has interrupted."""
        for path in jobs_dir().iterdir():
            if _ID.fullmatch(path.name) and not (path / JOB).exists() and path.stat().st_mtime < moment:
                shutil.rmtree(path, ignore_errors=True)

    @classmethod
    def list_unfinished(cls) -> list["JobFolder"]:
        """All jobs without an outcome, the oldest first."""
        paths = [path.parent for path in jobs_dir().glob(f"*/{JOB}") if not (path.parent / RESULT).exists()]
        return [cls(path.name) for path in sorted(paths, key=lambda path: (path / JOB).stat().st_mtime_ns)]

    @property
    def user_id(self) -> str:
        return self.job["user_id"]

    @property
    def owner(self) -> str:
        """Whose it is, as owners.py writes it."""
        return self.job.get("owner", "")

    @property
    def users_dir(self) -> Path:
        return Path(self.job["users_dir"] or default_users_dir())

    @property
    def age(self) -> float:
        """Seconds since it was submitted."""
        return time.time() - (self.path / JOB).stat().st_mtime

    @property
    def last_change(self) -> float:
        """When it ended, or else was submitted, in seconds since 1970."""
        path = self.path / RESULT
        try:
            return (path if path.exists() else self.path / JOB).stat().st_mtime
        except FileNotFoundError:
            return time.time()  # it is being removed

    def request(self) -> FitRequest:
        """What was asked for; gone once the fit has ended."""
        data = read_json(self.path / REQUEST)
        return FitRequest(**{**data, "samples": [Sample(**sample) for sample in data["samples"]]})

    def hold(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Locks the folder for one process at a time, so that a child that outlives its killed worker does no harm.

        Raises TimeoutError when it is not free within `timeout` seconds.
        """
        return file_lock(self.path / LOCK, timeout)

    def emit(self, event: FitEvent) -> None:
        """Records an event. Raises Cancelled once the owner has cancelled."""
        if self.cancelled:
            raise Cancelled
        self.record(event)

    def record(self, event: FitEvent) -> None:
        """Records an event, also when the owner has cancelled."""
        line = json.dumps(event.to_json()) + "\n"
        handle = os.open(self.path / EVENTS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def events(self) -> list[dict]:
        """All events so far. A line that a crash cut off is left out."""
        return list(self._events())

    def _events(self) -> Iterator[dict]:
        try:
            lines = (self.path / EVENTS).read_text("utf-8").split("\n")
        except FileNotFoundError:
            return
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def forget_from(self, stage: str) -> None:
        """Drops the events of `stage` and later ones: it starts (again) now."""
        earlier = STAGES[: STAGES.index(stage)]
        lines = [json.dumps(event) + "\n" for event in self._events() if event["stage"] in earlier]
        write_whole(self.path / EVENTS, "".join(lines), PRIVATE)

    @property
    def cancelled(self) -> bool:
        """Whether the owner has cancelled it."""
        return (self.path / CANCELLED).exists()

    def cancel(self) -> bool:
        """Marks it as cancelled, for the process that runs it; False, and no mark, when it has ended already."""
        if self.result() is not None:
            return False
        (self.path / CANCELLED).touch(mode=0o600)
        return True

    @property
    def halved(self) -> bool:
        """Whether memory has run out once, so that its stages use halved batches."""
        return (self.path / HALVED).exists()

    def halve(self) -> None:
        """Marks it as halved, for the process that runs it."""
        (self.path / HALVED).touch(mode=0o600)

    def result(self) -> dict | None:
        """{"state", "error"} once the fit has ended, else None."""
        try:
            return read_json(self.path / RESULT)
        except FileNotFoundError:
            return None

    def conclude(self, state: str, error: str | None = None) -> None:
        """Records how it ended, unless it has ended already. The caller holds the folder."""
        if self.result() is None:
            _write_private(self.path / RESULT, {"state": state, "error": error})

    def finish(self, state: str, error: str | None = None, timeout: float | None = None) -> None:
        """Removes the person's texts and records how it ended, unless it has ended already.

        Raises TimeoutError when another process still works in the folder after `timeout` seconds.
        """
        with self.hold(timeout):
            for path in self.path.iterdir():  # first, which also makes room on a full disk
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name not in KEPT:
                    path.unlink()
            self._forget_watched()
            self.conclude(state, error)

    def _forget_watched(self) -> None:
        """Takes the person's words out of the events: what was seen of the model while it learned."""
        path = self.path / EVENTS
        if not path.exists() or '"watched": {' not in path.read_text("utf-8"):
            return
        lines = [json.dumps({**event, "watched": None}) + "\n" for event in self._events()]
        try:
            write_whole(path, "".join(lines), PRIVATE)
        except OSError:  # a disk that is still full: better no curves than the person's words
            path.unlink()

    def remove(self) -> None:
        """Removes the whole folder, as if it had never been submitted."""
        shutil.rmtree(self.path, ignore_errors=True)

    def status(self, state: str, position: int | None = None, eta: float | None = None) -> JobStatus:
        """The status as the page sees it; the outcome on disk overrules `state`."""
        result = self.result() or {"state": state, "error": None}
        state, events, stage = result["state"], self.events(), None
        if state == "running":
            stage = events[-1]["stage"] if events else STAGES[0]
            eta = self._eta(events)
        if state != "queued":
            position = None
        if state not in ("queued", "running"):
            eta = None
        return JobStatus(self.id, self.user_id, state, position, stage, eta, events, result["error"])

    def _eta(self, events: list[dict]) -> float | None:
        """The last event's estimate, less the time that has passed since; None once it is overdue."""
        if not events or events[-1]["eta"] is None:
            return None
        passed = time.time() - (self.path / EVENTS).stat().st_mtime
        left = events[-1]["eta"] - passed
        return left if left > 0 else None


def _write_private(path: Path, data: dict) -> None:
    write_whole(path, json.dumps(data), PRIVATE)
