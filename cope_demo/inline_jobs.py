"""Fits in a thread of this process, one at a time: where child processes cannot have the GPU."""

import threading
from collections import deque
from pathlib import Path

from .config import users_dir as default_users_dir
from .errors import CopeError
from .events import STAGES
from .job_folder import Cancelled, FitRequest, JobFolder, JobStatus
from .stage_runner import run_stage

END_SECONDS = 60.0
"""How long a cancelled fit may take to its next event."""


class InlineJobs:
    """Jobs without a queue database; what was unfinished at the last end of the process starts again with it."""

    def __init__(self, users_dir: Path | None = None):
        """users_dir: where finished users are published (default: the data folder's)."""
        self._users_dir = Path(users_dir or default_users_dir())
        self._waiting: deque[str] = deque()
        self._running: str | None = None
        self._change = threading.Condition()
        self._closing = False
        for folder in JobFolder.unfinished():
            self._waiting.append(folder.id)
        self._thread = threading.Thread(target=self._work, name="fits", daemon=True)
        self._thread.start()

    def submit(self, request: FitRequest) -> str:
        """See jobs.Jobs."""
        with self._change:
            for job_id in (*self._waiting, *([self._running] if self._running else [])):
                folder = JobFolder(job_id)
                if folder.user_id == request.user_id and not folder.cancelled:
                    return job_id
            folder = JobFolder.create(request, self._users_dir)
            self._waiting.append(folder.id)
            self._change.notify_all()
            return folder.id

    def status(self, job_id: str) -> JobStatus:
        """See jobs.Jobs."""
        folder = JobFolder(job_id)
        with self._change:
            position = self._waiting.index(job_id) if job_id in self._waiting else None
        if folder.cancelled:
            return folder.status("cancelled")
        return folder.status("running" if position is None else "queued", position)

    def owner(self, job_id: str) -> str:
        """See jobs.Jobs."""
        return JobFolder(job_id).owner

    def cancel(self, job_id: str) -> None:
        """See jobs.Jobs. A running fit ends at its next event."""
        folder = JobFolder(job_id)
        if folder.result() is not None:
            return
        folder.cancel()
        with self._change:
            if job_id in self._waiting:
                self._waiting.remove(job_id)
                folder.finish("cancelled")

    def forget(self, job_ids: list[str]) -> None:
        """See jobs.Jobs. Raises CopeError when a fit takes too long to end."""
        for job_id in job_ids:
            self.cancel(job_id)
            with self._change:
                if not self._change.wait_for(lambda job_id=job_id: self._running != job_id, timeout=END_SECONDS):
                    raise CopeError("The fit is still ending, so nothing was deleted yet; try again in a moment.")
            JobFolder(job_id).remove()

    def check(self) -> None:
        """See jobs.Jobs."""
        if not self._thread.is_alive():
            raise RuntimeError("the fits' thread has ended")

    def close(self) -> None:
        """See jobs.Jobs. The fit at work ends with the process and starts again with the next one."""
        with self._change:
            self._closing = True
            self._change.notify_all()

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closing or self._waiting)
                if self._closing:
                    return
                self._running = self._waiting.popleft()
            folder = JobFolder(self._running)
            try:
                folder.finish(*self._fit(folder))
            except Cancelled:
                folder.finish("cancelled")
            with self._change:
                self._running = None
                self._change.notify_all()

    def _fit(self, folder: JobFolder) -> tuple[str, str | None]:
        for stage in STAGES:
            if error := run_stage(folder, stage):
                return "failed", error
        return "done", None
