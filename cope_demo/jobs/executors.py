"""Background fits: one interface, two executors. QueueJobs is durable; InlineJobs is for ZeroGPU."""

import os
from pathlib import Path

from cope_demo import config

from .inline_jobs import InlineJobs
from .interface import Jobs
from .queue_jobs import QueueJobs


def run_worker() -> None:
    """What `python -m cope_demo worker` does: takes fits from the queue until it is interrupted."""
    from .worker import run_worker as work  # with DBOS, which nobody else needs at start

    work()


def background_jobs(users_dir: Path | None) -> Jobs:
    """Where fits run: in this process on ZeroGPU, where children cannot have the GPU; else in worker processes.

    This process keeps COPE_WORKERS of them (default 1; 0 where all are started elsewhere).
    """
    if os.environ.get("SPACES_ZERO_GPU"):
        return InlineJobs(users_dir)
    return QueueJobs(users_dir, config.read_whole_number("COPE_WORKERS", 1, 0, 64))
