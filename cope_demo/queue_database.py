"""The fits' queue: DBOS on an SQLite file that only its owner can read. Web process and workers share these names."""

import os

from .job_folder import jobs_dir

APPLICATION = "cope-demo"
QUEUE = "fits"
WORKFLOW = "fit"
WAITING, RUNNING = "ENQUEUED", "PENDING"
"""DBOS's words for a job's two live states."""


def database_url() -> str:
    """The URL of the queue's database; the file is made private before anything is in it."""
    path = jobs_dir().resolve() / "queue.sqlite"
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return f"sqlite:///{path}"
