"""Which fit is next: one a person at a time, those with the fewest recent fits first, in a queue of limited length."""

import math

from cope_demo import config
from cope_demo.errors import CopeError

from .interface import FitRequest
from .job_folder import JobFolder

SHARE_SECONDS = 3600.0
"""Fits that began within this time count: a person's next one waits behind those of people who had fewer."""
STILL_GOING = "A fit of yours is still going on: wait for it, or cancel it, and then start the next one."


def identify_person(fit: FitRequest | JobFolder) -> str:
    """The key by which the queue counts a fit's owner."""
    return f"owner:{fit.owner}" if fit.owner else f"user:{fit.user_id}"


def read_queue_limit() -> int:
    """How many fits may wait: COPE_QUEUE_LIMIT, default 30."""
    return config.read_whole_number("COPE_QUEUE_LIMIT", 30, 1, 100_000)


def check_room(waiting: int, seconds: float | None) -> None:
    """Raises CopeError when the queue is full.

    seconds: until the next fit starts and so leaves a place; None as long as no fit was measured here.
    """
    if waiting >= read_queue_limit():
        when = "later"
        if seconds is not None:
            minutes = max(1, math.ceil(seconds / 60))
            when = f"in about {minutes} minute{'s' if minutes > 1 else ''}"
        raise CopeError(
            f"The queue is full ({waiting} fits wait), so try again {when}. The sample users can be compared meanwhile."
        )


def check_same(folder: JobFolder, request: FitRequest) -> None:
    """Raises CopeError unless the person's unfinished fit is this very request, pressed twice."""
    try:
        earlier = folder.request()
    except OSError:  # it has just ended
        raise CopeError(STILL_GOING) from None
    if (earlier.task, earlier.samples, earlier.model) != (request.task, request.samples, request.model):
        raise CopeError(STILL_GOING)
