"""Fits from a thread of this process, one at a time: where child processes cannot have the GPU.

On a lent GPU each is one call (lent_fit.py), made in the context of the request that asked for it: whose share of the
GPU it counts against stands in the request.
"""

import threading
import time
from contextvars import Context, copy_context
from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES
from cope_demo.system import disk
from cope_demo.system.wanted import go_on_alone
from cope_demo.system.zero_gpu import is_lent

from . import fairness
from .interface import FitRequest, JobStatus
from .job_folder import Cancelled, JobFolder
from .lent_fit import compute_fit
from .stage_runner import import_fit_module, report_fault, retry_with_half, run_stage

END_SECONDS = 60.0
"""How long a cancelled fit may take to its next event."""


class InlineJobs:
    """Jobs without a queue database; what was unfinished at the last end of the process starts again with it."""

    def __init__(self, users_dir: Path | None = None):
        """users_dir: where finished users are published (default: the data folder's)."""
        self._users_dir = users_dir
        self._waiting: list[str] = []
        self._submitted: dict[str, tuple[str, float]] = {}  # job id -> whose it is, and when it was submitted
        self._contexts: dict[str, Context] = {}  # of the requests whose fits wait
        self._running: str | None = None
        self._change = threading.Condition()
        self._closing = False
        if is_lent():
            import_fit_module()  # now, so that no worker spends lent seconds on it
        for folder in JobFolder.list_unfinished():
            self._enqueue(folder, fairness.identify_person(folder))
        self._thread = threading.Thread(target=self._run_jobs, name="fits", daemon=True)
        self._thread.start()

    def submit(self, request: FitRequest) -> str:
        """See jobs.Jobs."""
        who = fairness.identify_person(request)
        with self._change:
            for job_id in (*self._waiting, *([self._running] if self._running else [])):
                folder = JobFolder(job_id)
                if self._submitted[job_id][0] == who and not folder.cancelled:
                    fairness.check_same(folder, request)
                    return job_id
            eta = self.status(self._running).eta if self._running else None
            fairness.check_room(len(self._waiting), eta)
            disk.check_space()
            folder = JobFolder.create(request, self._users_dir)
            self._enqueue(folder, who)
            self._change.notify_all()
            return folder.id

    def _enqueue(self, folder: JobFolder, who: str) -> None:
        """Puts the job behind those of people with fewer recent fits, and earlier ones of people with as many."""
        since, unended = time.monotonic() - fairness.SHARE_SECONDS, (*self._waiting, self._running)
        self._submitted = {job: entry for job, entry in self._submitted.items() if entry[1] > since or job in unended}
        self._submitted[folder.id] = (who, time.monotonic())
        self._contexts[folder.id] = copy_context()
        self._waiting.append(folder.id)
        self._waiting.sort(key=self._count_earlier)  # stable

    def _count_earlier(self, job_id: str) -> int:
        """How many recent fits the job's owner submitted before it."""
        who, submitted = self._submitted[job_id]
        return sum(other == who and then < submitted for other, then in self._submitted.values())

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
        if not folder.cancel():
            return
        with self._change:
            if job_id in self._waiting:
                self._waiting.remove(job_id)
                self._contexts.pop(job_id)
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
        """See jobs.Jobs. The running fit ends with the process and starts again with the next one."""
        with self._change:
            self._closing = True
            self._change.notify_all()

    def _run_jobs(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closing or self._waiting)
                if self._closing:
                    return
                self._running = self._waiting.pop(0)
                context = self._contexts.pop(self._running)
            context.run(run_job, JobFolder(self._running))
            with self._change:
                self._running = None
                self._change.notify_all()


def run_job(folder: JobFolder) -> None:
    """Runs all stages of a job from this process and records how it ended."""
    go_on_alone()  # in the context of a request that was answered when the fit was queued
    try:
        folder.finish(*_run_stages(folder))
    except Cancelled:
        folder.finish("cancelled")
    except CopeError as error:
        folder.finish("failed", str(error))
    except Exception as error:
        folder.finish("failed", report_fault(error, folder, "queue"))


def _run_stages(folder: JobFolder) -> tuple[str, str | None]:
    if folder.cancelled:
        raise Cancelled
    outcome = compute_fit(folder.id)
    if outcome["state"] == "done":
        outcome = retry_with_half(folder, lambda: run_stage(folder, STAGES[-1]))
    return outcome["state"], outcome["error"]
