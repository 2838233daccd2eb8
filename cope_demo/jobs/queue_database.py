"""The fits' queue: DBOS on an SQLite file that only its owner can read, or on PostgreSQL (COPE_DATABASE_URL) where
several machines share it. Web processes and workers share these names."""

import os
import sqlite3
import stat
import time
from contextlib import closing
from functools import cache
from pathlib import Path

from cope_demo.errors import CopeError

from .job_folder import jobs_dir
from .liveness import FileLiveness, SessionLiveness

APPLICATION = "cope-demo"
QUEUE = "fits"
WORKFLOW = "fit"
WAITING, RUNNING = "ENQUEUED", "PENDING"
"""DBOS's words for the two states of a job that has not ended."""
NO_DATABASE = "The queue's database does not answer: look at COPE_DATABASE_URL and at the server, and start again."


def database_url() -> str:
    """The URL of the queue's database; an SQLite file is made private before anything is in it.

    Raises CopeError when COPE_DATABASE_URL is no URL of PostgreSQL, and when somebody else could write the SQLite file.
    """
    url = os.environ.get("COPE_DATABASE_URL")
    if url:
        if not url.startswith(("postgresql://", "postgres://")):
            raise CopeError(
                "COPE_DATABASE_URL must be a URL of PostgreSQL, as in postgresql://user:password@host:5432/cope; "
                "without it the queue is an SQLite file in the data folder."
            )
        return url.replace("postgres://", "postgresql://", 1)
    path = jobs_dir().resolve() / "queue.sqlite"
    check_private(path.parent)
    if not path.is_symlink():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    check_private(path)
    return f"sqlite:///{path}"


def check_private(path: Path) -> None:
    """Raises CopeError unless only this account (and root) can write a file or folder, and it is no link.

    Whoever writes the queue decides what the workers do, and DBOS, whose serializer each row names, reads pickles.
    """
    info = path.lstat()
    what = "folder" if stat.S_ISDIR(info.st_mode) else "file"
    if what == "file" and not stat.S_ISREG(info.st_mode):
        raise CopeError(f"The queue's database {path} is no plain file, so it is not used. Remove it, and start again.")
    if info.st_uid not in (os.geteuid(), 0):
        raise CopeError(
            f"The {what} {path} of the queue's database belongs to another account, which could put fits of its own "
            "there: start the app as that account, or give it another COPE_DATA."
        )
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise CopeError(
            f"The {what} {path} of the queue's database can be written by other accounts, which could put fits of "
            f"their own there: take that right away (chmod go-w {path}), and start again."
        )


@cache
def provide_subseconds() -> None:
    """Gives SQLite before 3.42 the function with which DBOS takes the time on Python 3.12: unixepoch('subsec').

    Many a Python 3.12 comes with an older SQLite (Debian 12 has 3.40), where that is NULL and no fit could be enqueued.
    It holds for every connection that this process opens from then on.
    """
    if sqlite3.sqlite_version_info >= (3, 42):
        return
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "connect")
    def define(connection, record):
        if isinstance(connection, sqlite3.Connection):
            connection.create_function("unixepoch", 1, lambda how: time.time() if how == "subsec" else int(time.time()))


def vacuum_database() -> None:
    """Removes what an SQLite file still holds of deleted rows; PostgreSQL vacuums by itself."""
    url = database_url()
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as connection:
            connection.execute("VACUUM")


def open_liveness() -> FileLiveness | SessionLiveness:
    """Where workers show that they run: beside the queue."""
    url = database_url()
    return FileLiveness(jobs_dir() / "workers") if url.startswith("sqlite") else SessionLiveness(url)
