"""The queue's SQLite file is this account's alone, or the app does not start: who writes it runs code in a worker."""

import os
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text

from cope_demo.errors import CopeError
from cope_demo.jobs import queue_database
from cope_demo.jobs.queue_database import database_url
from cope_demo.jobs.queue_jobs import QueueJobs


def test_it_is_made_private(own_data):
    database_url()
    file = own_data / "jobs" / "queue.sqlite"
    assert file.stat().st_mode & 0o077 == 0 and file.parent.stat().st_mode & 0o077 == 0
    assert database_url() == f"sqlite:///{file.resolve()}"


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o602])
def test_one_that_others_can_write_is_refused(own_data, mode):
    database_url()
    file = own_data / "jobs" / "queue.sqlite"
    file.chmod(mode)
    with pytest.raises(CopeError, match="The file .* can be written by other accounts.*chmod go-w"):
        QueueJobs(workers=0)
    file.chmod(0o644)  # read by others, as an older version may have left it
    assert database_url()
    file.parent.chmod(0o777)
    with pytest.raises(CopeError, match="The folder .* can be written by other accounts.*chmod go-w"):
        database_url()


def test_one_of_another_account_is_refused(own_data, monkeypatch):
    database_url()
    me = os.geteuid()
    monkeypatch.setattr(queue_database, "os", SimpleNamespace(**vars(os) | {"geteuid": lambda: me + 1}))
    if me == 0:  # what belongs to root is trusted
        os.chown(own_data / "jobs" / "queue.sqlite", 12345, -1)
    with pytest.raises(CopeError, match="belongs to another account"):
        database_url()


def test_a_link_or_pipe_in_its_place_is_refused(own_data, tmp_path):
    database_url()
    file = own_data / "jobs" / "queue.sqlite"
    file.unlink()
    for target in (tmp_path / "other.sqlite", tmp_path / "absent"):
        file.symlink_to(target)
        with pytest.raises(CopeError, match="no plain file"):
            database_url()
        assert not target.exists()
        (tmp_path / "other.sqlite").touch()
        file.unlink()
    (tmp_path / "other.sqlite").unlink()


def test_a_start_says_it_in_a_sentence(own_data, capfd):
    from cope_demo.__main__ import main

    database_url()
    (own_data / "jobs" / "queue.sqlite").chmod(0o666)
    assert main(["worker"]) == 2 and "can be written by other accounts" in capfd.readouterr().err


def test_an_older_sqlite_tells_the_time_too(tmp_path):
    """What DBOS asks for on Python 3.12: a default of its tables, and in its queries."""
    queue_database.provide_subseconds()
    engine = create_engine(f"sqlite:///{tmp_path / 'clock.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INT, at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))"))
        connection.execute(text("INSERT INTO t (n) VALUES (1)"))
        told = connection.execute(text("SELECT at, unixepoch('subsec') * 1000, unixepoch('now') FROM t")).one()
    engine.dispose()
    now = time.time()
    assert all(0 <= now - at / 1000 < 10 for at in told[:2]) and 0 <= now - told[2] < 11
