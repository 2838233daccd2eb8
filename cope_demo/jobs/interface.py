"""What page and command line know of background fits: the request, its status, and what an executor can do."""

from dataclasses import dataclass
from typing import Protocol

from cope_demo.texts.tasks import Sample


@dataclass(frozen=True)
class FitRequest:
    """What a person asks for.

    model: path or hub id, None for the default. seed: of everything random in the fit.
    owner: who asks, as a hash that owners.py makes; "" where unknown: then only the command line gets at the user,
    and every user_id counts as a person of its own.
    """

    user_id: str
    name: str
    task: str
    samples: list[Sample]
    model: str | None = None
    seed: int = 0
    owner: str = ""


@dataclass(frozen=True)
class JobStatus:
    """How a job stands.

    state: "queued", "running", "done", "failed" or "cancelled".
    position: fits that start before this one; None when not queued.
    stage: the stage of events.STAGES at work; None when not running.
    eta: estimated seconds until the fit is done, or None while unknown.
    events: FitEvent.to_json of every event, in order.
    error: a sentence for the person when failed.
    """

    id: str
    user_id: str
    state: str
    position: int | None
    stage: str | None
    eta: float | None
    events: list[dict]
    error: str | None


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
