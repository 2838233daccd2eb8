"""The same queue on a real PostgreSQL server, with several machines and web processes around it."""

import os
import signal
import subprocess
import sys
from collections import Counter

import psycopg
import pytest

from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES
from cope_demo.jobs.job_folder import JobFolder
from cope_demo.jobs.queue_database import database_url
from cope_demo.jobs.queue_jobs import QueueJobs
from cope_demo.saved.store import Store
from tests import postgres
from tests.fits import SAMPLES, eventually, find_secret, is_alive, make_request, wait_for_end

SECONDS = 60


@pytest.fixture(scope="module")
def running():
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    server = postgres.Server()
    yield server
    server.remove()


@pytest.fixture
def server(running, stages, monkeypatch, tmp_path):
    """The server, with a database of the test's own."""
    monkeypatch.setenv("COPE_DATABASE_URL", running.url(tmp_path.name))
    return running


class Machine:
    """Workers that share only the data folder, which lies elsewhere here, and the database."""

    def __init__(self, folder, data):
        self.folder, self.workers = folder, []
        (folder / "tmp").mkdir(parents=True)
        (folder / "shared").symlink_to(data)
        self.environment = {"COPE_DATA": str(folder / "shared"), "TMPDIR": str(folder / "tmp")}

    def start_workers(self, count: int) -> None:
        for _ in range(count):
            command, environment = [sys.executable, "-m", "cope_demo", "worker"], os.environ | self.environment
            self.workers.append(subprocess.Popen(command, env=environment, start_new_session=True))

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()


def test_four_workers_on_two_machines(server, stages, own_data, tmp_path):
    """One of them is killed in the middle of a fit; all fits are done once, and only its stage was run twice."""
    webs = [QueueJobs(workers=0), QueueJobs(workers=0)]
    machines = [Machine(tmp_path / name, own_data) for name in ("one", "two")]
    try:
        for machine in machines:
            machine.start_workers(2)
        hit = webs[0].submit(make_request("hit", "dpo:gate"))
        first = stages.wait_for(hit, "dpo")
        ids = [webs[n % 2].submit(make_request(f"user{n}", "all:slow", owner=f"owner{n}")) for n in range(8)]
        os.kill(first["worker"], signal.SIGKILL)
        again = eventually(lambda: [r for r in stages.runs(hit) if r["stage"] == "dpo"][1:], SECONDS)[0]
        assert again["worker"] != first["worker"] and not is_alive(first["pid"])
        stages.open_gate()
        assert {wait_for_end(webs[(n + 1) % 2], job, SECONDS).state for n, job in enumerate([hit, *ids])} == {"done"}
        times = Counter((run["job"], run["stage"]) for run in stages.runs())
        expected = Counter((job, stage) for job in (hit, *ids) for stage in STAGES[:-1])
        assert times == expected + Counter([(hit, "dpo")])
        assert len({run["worker"] for run in stages.runs()}) >= 3
        assert all(Store().open(user).history() == SAMPLES for user in ("hit", *(f"user{n}" for n in range(8))))
        assert find_secret(own_data / "jobs") == []
    finally:
        for machine in machines:
            machine.end()
        for web in webs:
            web.close()


def test_the_database_goes_away_and_comes_back(server, stages):
    jobs = QueueJobs()
    job = jobs.submit(make_request("ada", "oppu:gate"))
    run = stages.wait_for(job, "oppu")
    server.stop()
    assert jobs.status(job).state == "running", "by what the disk tells"
    with pytest.raises(CopeError, match="queue of fits does not answer"):
        jobs.submit(make_request("bob"))
    assert [folder.id for folder in JobFolder.list_unfinished()] == [job]
    with pytest.raises(Exception, match="."):
        jobs.check()
    eventually(lambda: not is_alive(run["worker"]) and not is_alive(run["pid"]), SECONDS)
    server.start()
    stages.wait_for(job, "oppu", 2)
    stages.open_gate()
    assert wait_for_end(jobs, job, SECONDS).state == "done"
    jobs.check()
    jobs.close()


def test_a_worker_that_is_cut_off_ends(server, stages):
    """The others take it for dead by then, as the lock of its session is gone."""
    jobs = QueueJobs(workers=0)
    worker = subprocess.Popen([sys.executable, "-m", "cope_demo", "worker"])
    try:
        job = jobs.submit(make_request("ada", "oppu:gate"))
        stages.wait_for(job, "oppu")
        with psycopg.connect(database_url(), autocommit=True) as session:
            session.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        assert worker.wait(SECONDS) == 1
        assert jobs.status(job).state == "running"
    finally:
        worker.kill()
        worker.wait()
        jobs.close()


def test_other_databases_are_refused(monkeypatch):
    monkeypatch.setenv("COPE_DATABASE_URL", "mysql://somewhere/cope")
    with pytest.raises(CopeError, match="must be a URL of PostgreSQL"):
        database_url()
    monkeypatch.setenv("COPE_DATABASE_URL", "postgresql://cope@127.0.0.1:1/cope")
    with pytest.raises(CopeError, match="database does not answer"):
        QueueJobs(workers=0)
