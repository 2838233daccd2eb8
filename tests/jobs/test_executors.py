"""Background fits: real queue, real worker processes, small stages. Nothing is lost, nothing private stays."""

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES
from cope_demo.jobs.inline_jobs import InlineJobs
from cope_demo.jobs.job_folder import KEPT, JobFolder
from cope_demo.jobs.queue_jobs import QueueJobs
from cope_demo.saved.store import Store
from tests.fits import SAMPLES, SECRET, eventually, find_secret, is_alive, make_request, wait_for_end

pytestmark = pytest.mark.usefixtures("stages")


@pytest.fixture
def inline(stages):
    queue = InlineJobs()
    yield queue
    queue.close()


def test_fit_runs_through_and_leaves_nothing_private(jobs, stages, own_data, capfd):
    job_id = jobs.submit(make_request("ada"))
    status = wait_for_end(jobs, job_id)
    assert (status.id, status.user_id, status.state) == (job_id, "ada", "done")
    assert (status.position, status.stage, status.eta, status.error) == (None, None, None, None)
    steps = [(e["stage"], e["step"], e["of"]) for e in status.events]
    assert steps == [(s, n, 3) for s in STAGES[:-1] for n in (1, 2, 3)] + [("publish", 0, 1), ("publish", 1, 1)]
    assert status.events[1]["loss"] == 0.5
    user = Store().open("ada")
    assert user.history() == SAMPLES
    assert user.manifest["settings"]["seed"] == 7 and user.manifest["settings"]["beta"] == 0.25
    runs = stages.runs()
    assert [run["stage"] for run in runs] == list(STAGES[:-1])
    assert len({run["pid"] for run in runs}) == 1, "one child, so that the model is loaded once"
    assert all(run["nice"] == 19 and run["idle"] for run in runs)
    assert all(run["session"].endswith(" nice 19\n") or not run["session"] for run in runs)
    assert not is_alive(runs[0]["pid"]), "its memory is given back"
    assert is_alive(runs[0]["worker"])
    assert find_secret(own_data / "jobs") == []
    assert {p.stat().st_mode & 0o077 for p in (own_data / "jobs").iterdir()} == {0}
    jobs.close()
    assert not is_alive(runs[0]["worker"])
    assert SECRET not in "".join(capfd.readouterr())


def test_waiting_fits_have_a_place_and_can_be_cancelled(jobs, stages, own_data):
    first = jobs.submit(make_request("ada", "oppu:gate"))
    stages.wait_for(first, "oppu")
    second, third = jobs.submit(make_request("bob")), jobs.submit(make_request("cyd", "dpo:talk"))
    eventually(lambda: jobs.status(first).stage == "oppu")  # by its first event, which follows its beginning
    running = jobs.status(first)
    assert (running.state, running.position) == ("running", None)
    assert 90 < running.eta <= 99
    assert [(jobs.status(job).state, jobs.status(job).position) for job in (second, third)] == [
        ("queued", 0),
        ("queued", 1),
    ]
    assert jobs.status(third).stage is None and jobs.status(third).eta is None
    assert jobs.submit(make_request("bob")) == second and jobs.submit(make_request("ada")) == first
    assert len(list((own_data / "jobs").glob("*/job.json"))) == 3
    jobs.cancel(second)
    assert wait_for_end(jobs, second).state == "cancelled"
    assert jobs.status(third).position == 0
    stages.open_gate()
    assert wait_for_end(jobs, first).state == "done"
    stages.wait_for(third, "dpo")
    fourth = jobs.submit(make_request("dan"))
    assert 0 <= jobs.status(fourth).eta < 120, "by now it is known, to the second, how long a fit takes"
    jobs.cancel(third)
    assert wait_for_end(jobs, fourth).state == "done"
    assert stages.runs(second) == []
    jobs.cancel(fourth)
    assert jobs.status(fourth).state == "done", "too late"
    assert jobs.submit(make_request("bob")) not in (first, second, third, fourth)


@pytest.mark.parametrize("how", ["talk", "stuck"])
def test_running_fit_can_be_cancelled(jobs, stages, how):
    job_id = jobs.submit(make_request("ada", f"negatives:{how}"))
    run = stages.wait_for(job_id, "negatives")
    processes = [run["pid"], *([stages.grandchild()] if how == "stuck" else [])]
    started = time.monotonic()
    jobs.cancel(job_id)
    assert time.monotonic() - started < 3
    eventually(lambda: not any(map(is_alive, processes)), 2)
    assert set(os.listdir(JobFolder(job_id).path)) <= set(KEPT)
    status = jobs.status(job_id)
    assert (status.state, status.error, status.eta) == ("cancelled", None, None)
    with pytest.raises(CopeError):
        Store().open("ada")
    again = jobs.submit(make_request("ada"))
    assert again != job_id and wait_for_end(jobs, again).state == "done"
    assert is_alive(run["worker"]), "only the fit was ended, not its worker"


def test_killed_worker_goes_on_at_its_stage(jobs, stages):
    job_id = jobs.submit(make_request("ada", "dpo:gate"))
    run = stages.wait_for(job_id, "dpo")
    os.kill(run["worker"], signal.SIGKILL)
    again = stages.wait_for(job_id, "dpo", 2)
    assert again["worker"] != run["worker"] and not is_alive(run["pid"])
    stages.open_gate()
    status = wait_for_end(jobs, job_id)
    assert status.state == "done"
    assert [r["stage"] for r in stages.runs()] == ["history", "oppu", "negatives", "dpo", "dpo", "report"]
    steps = [(e["stage"], e["step"]) for e in status.events]
    assert len(steps) == len(set(steps)), "the repeated stage's first events are forgotten"
    assert Store().open("ada").history() == SAMPLES


def test_what_goes_wrong_becomes_a_sentence(jobs, stages, own_data, capfd):
    ways = {
        "refuse": "These texts are too short; add longer ones.",
        "full": "The disk is full",
        "die": "memory",
        "fault": "a fault of ours (reference ",
    }
    ids = {how: jobs.submit(make_request(f"user-{how}", f"oppu:{how}")) for how in ways}
    found = {how: wait_for_end(jobs, job_id) for how, job_id in ids.items()}
    assert {status.state for status in found.values()} == {"failed"}
    assert all(sentence in found[how].error for how, sentence in ways.items())
    assert not any(SECRET in status.error for status in found.values())
    assert [r["stage"] for r in stages.runs(ids["fault"])] == ["history", "oppu"]
    jobs.close()
    out = "".join(capfd.readouterr())
    lines = [json.loads(line) for line in out.splitlines()]
    reference = found["fault"].error.split("reference ")[1][:8]
    (fault,) = [line for line in lines if line["event"] == "fault"]
    assert (fault["reference"], fault["job"], fault["stage"]) == (reference, ids["fault"][:8], "oppu")
    assert fault["error"] == "ValueError" and "fit_stages.py" in fault["where"][-1] and fault["level"] == "error"
    assert {line["event"] for line in lines} >= {"stage done", "stage refused", "disk full", "process died"}
    assert SECRET not in out and find_secret(own_data) == []


def test_web_process_finds_its_job_again(stages):
    first = QueueJobs()
    job_id = first.submit(make_request("ada", "oppu:gate"))
    run = stages.wait_for(job_id, "oppu")
    first.close()
    eventually(lambda: not is_alive(run["worker"]) and not is_alive(run["pid"]), 3)
    second = QueueJobs()
    try:
        assert second.status(job_id).state == "running"
        stages.wait_for(job_id, "oppu", 2)
        stages.open_gate()
        assert wait_for_end(second, job_id).state == "done"
        assert [r["stage"] for r in stages.runs()].count("history") == 1
    finally:
        second.close()
    third = QueueJobs()
    assert third.status(job_id).state == "done"
    third.close()


WEB = """
import time
from cope_demo.jobs.queue_jobs import QueueJobs
from tests.fits import make_request
if __name__ == "__main__":
    jobs = QueueJobs()
    print(jobs.submit(make_request("ada", "oppu:stuck")), flush=True)
    time.sleep(60)
"""


def test_killed_web_process_leaves_no_orphans(stages):
    web = subprocess.Popen([sys.executable, "-c", WEB], stdout=subprocess.PIPE, text=True)
    job_id = web.stdout.readline().strip()
    run = stages.wait_for(job_id, "oppu")
    processes = run["worker"], run["pid"], stages.grandchild()
    web.kill()
    web.wait()
    eventually(lambda: not any(map(is_alive, processes)), 3)
    jobs = QueueJobs(workers=0)
    assert jobs.status(job_id).state == "running", "it waits for a worker"
    jobs.cancel(job_id)
    assert jobs.status(job_id).state == "cancelled"
    assert set(os.listdir(JobFolder(job_id).path)) <= set(KEPT), "even where no worker is left"
    jobs.close()


def test_worker_by_hand(stages, tmp_path):
    users = tmp_path / "elsewhere"
    jobs = QueueJobs(users_dir=users, workers=0)
    job_id = jobs.submit(make_request("ada"))
    worker = subprocess.Popen([sys.executable, "-m", "cope_demo", "worker"])
    try:
        assert wait_for_end(jobs, job_id).state == "done"
        assert stages.runs()[0]["worker"] == worker.pid
        assert Store(users).open("ada").history() == SAMPLES
    finally:
        worker.send_signal(signal.SIGINT)
        assert worker.wait(30) == 0
        jobs.close()


LOST_INTERRUPT = """
import os, signal, time
from cope_demo.jobs import worker
def lose(name, liveness):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    except KeyboardInterrupt:  # as where Python tidies up and nothing may be raised
        pass
worker._requeue_dead = lose
worker.run_worker()
"""


def test_an_interrupt_that_gets_lost_ends_the_worker_all_the_same(own_data):
    assert subprocess.run([sys.executable, "-c", LOST_INTERRUPT], timeout=60).returncode == 0


def test_given_up_jobs_fail_and_leave_nothing(own_data):
    """One never reached the queue, as its submitter was killed; of the other DBOS says that it killed its workers."""
    jobs = QueueJobs(workers=0)
    lost = JobFolder.create(make_request("ada"), Path("users")).id
    killer = jobs.submit(make_request("bob"))
    assert jobs.status(lost).state == jobs.status(killer).state == "queued"
    os.utime(JobFolder(lost).path / "job.json", (1, 1))
    with closing(sqlite3.connect(own_data / "jobs/queue.sqlite")) as database:
        change = "UPDATE workflow_status SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', deduplication_id = NULL"
        assert database.execute(change).rowcount == 1
        database.commit()
    for status in (jobs.status(lost), jobs.status(killer)):
        assert status.state == "failed" and "Start it again" in status.error
    assert find_secret(own_data) == []
    jobs.close()


@pytest.mark.parametrize("kind", [QueueJobs, InlineJobs])
def test_unknown_jobs_and_bad_ids(kind, own_data):
    jobs = kind(workers=0) if kind is QueueJobs else kind()
    for bad in ("0" * 32, "../users", "..", "", "workers", "a/b", None):
        for call in (jobs.status, jobs.cancel):
            with pytest.raises(CopeError):
                call(bad)
    with pytest.raises(CopeError, match="not a user id"):
        jobs.submit(make_request("../ada"))
    assert list((own_data / "jobs").glob("*/job.json")) == []
    jobs.close()


def test_full_disk_refuses_a_fit(own_data, monkeypatch):
    jobs = QueueJobs(workers=0)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(CopeError, match="disk is full"):
            jobs.submit(make_request("ada"))
    assert find_secret(own_data) == []
    assert jobs.status(jobs.submit(make_request("ada"))).state == "queued"
    jobs.close()


def test_inline_fit_runs_through(inline, own_data):
    job_id = inline.submit(make_request("ada"))
    status = wait_for_end(inline, job_id)
    assert status.state == "done" and [e["stage"] for e in status.events][-1] == "publish"
    assert Store().open("ada").history() == SAMPLES
    assert find_secret(own_data / "jobs") == []


def test_inline_order_cancel_and_failure(inline, stages):
    first = inline.submit(make_request("ada", "oppu:talk"))
    stages.wait_for(first, "oppu")
    second, third = inline.submit(make_request("bob")), inline.submit(make_request("cyd", "dpo:refuse"))
    assert inline.submit(make_request("bob")) == second and inline.submit(make_request("ada")) == first
    assert [inline.status(job).position for job in (first, second, third)] == [None, 0, 1]
    eventually(lambda: inline.status(first).stage == "oppu")  # by its first event, which follows its beginning
    inline.cancel(second)
    inline.cancel(first)
    assert wait_for_end(inline, first).state == wait_for_end(inline, second).state == "cancelled"
    status = wait_for_end(inline, third)
    assert (status.state, status.error) == ("failed", "These texts are too short; add longer ones.")
    assert stages.runs(second) == []


def test_inline_starts_unfinished_fits_again():
    folder = JobFolder.create(make_request("ada"), Store().users_dir)
    jobs = InlineJobs()
    assert wait_for_end(jobs, folder.id).state == "done"
    jobs.close()
