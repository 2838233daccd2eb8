"""Background fits: one interface, two executors. QueueJobs is durable; InlineJobs is for ZeroGPU."""

from typing import Protocol

from .inline_jobs import InlineJobs
from .job_folder import FitRequest, JobStatus
from .queue_jobs import QueueJobs

__all__ = ["FitRequest", "InlineJobs", "JobStatus", "Jobs", "QueueJobs", "run_worker"]


class Jobs(Protocol):
    """What the page needs to know about background fits."""

    def submit(self, request: FitRequest) -> str:
        """Queues a fit and returns its job id, a secret. Pressed twice, it is the first one's id.

        Raises CopeError at a bad user id, while another fit of the same person waits or runs, when the queue or the
        disk is full, and when the queue does not answer.
        """

    def status(self, job_id: str) -> JobStatus:
        """How the job stands, also after the app was started again. Raises CopeError when it is unknown."""

    def owner(self, job_id: str) -> str:
        """Whose the job is (FitRequest.owner). Raises CopeError when it is unknown."""

    def cancel(self, job_id: str) -> None:
        """Ends the job and removes its texts; nothing happens to an ended one. Raises CopeError when it is unknown."""

    def forget(self, job_ids: list[str]) -> None:
        """Cancels these jobs and removes all that is known of them, here and in the queue's database."""

    def check(self) -> None:
        """Raises when fits cannot be queued because the queue does not answer."""

    def close(self) -> None:
        """Ends what this object has started. Unfinished fits go on when the app is started again."""


def run_worker() -> None:
    """What `python -m cope_demo worker` does: takes fits from the queue until it is interrupted."""
    from .worker import run_worker as work  # with DBOS, which nobody else needs at start

    work()
