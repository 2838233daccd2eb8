"""The fits' queue: DBOS on an SQLite file that only its owner can read. Web process and workers share these names."""

import os
import sqlite3
from contextlib import closing

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


def scrub() -> None:
    """Makes sure that nothing of deleted rows remains in an SQLite file; PostgreSQL's own vacuum sees to its own."""
    url = database_url()
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as connection:
            connection.execute("VACUUM")
