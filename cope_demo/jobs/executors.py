"""Background fits: this package takes a FitRequest and runs its stages outside the request that asked for it.

This file chooses between the two executors behind the interface in interface.py: QueueJobs (queue_jobs.py), a durable
queue whose workers are processes of their own, and InlineJobs (inline_jobs.py), for ZeroGPU, where a fit's computing is
one lent call (lent_fit.py). Both keep a fit's state in job_folder.py, take turns by fairness.py and run a stage by
stage_runner.py. Of the queue, queue_database.py holds the database, worker.py the process that takes fits,
worker_process.py its restarts, stage_process.py the child that computes, and liveness.py the locks that show which
workers run. DBOS is known here alone.
"""

from pathlib import Path

from cope_demo import config
from cope_demo.system.zero_gpu import is_lent

from .inline_jobs import InlineJobs
from .interface import Jobs
from .queue_jobs import QueueJobs


def start_background_jobs(users_dir: Path | None) -> Jobs:
    """Where fits run: in this process on ZeroGPU, where children cannot have the GPU; else in worker processes.

    This process keeps COPE_WORKERS of them (default 1; 0 where all are started elsewhere).
    """
    if is_lent():
        return InlineJobs(users_dir)
    return QueueJobs(users_dir, config.read_whole_number("COPE_WORKERS", 1, 0, 64))
