"""Whose fit is next: one a person, fair, and the queue has an end. No worker is needed to wait."""

import pytest

from cope_demo.errors import CopeError
from cope_demo.jobs import fairness
from cope_demo.jobs.inline_jobs import InlineJobs
from cope_demo.jobs.job_folder import JobFolder
from cope_demo.jobs.queue_jobs import QueueJobs
from cope_demo.saved.store import Store
from cope_demo.texts.tasks import Sample
from tests.fits import make_request, wait_for_end

pytestmark = pytest.mark.usefixtures("stages")
OTHER = [Sample("Write", f"other words {n}") for n in range(5)]


@pytest.fixture
def waiting():
    """A queue that nobody works on."""
    queue = QueueJobs(workers=0)
    yield queue
    queue.close()


def test_one_fit_a_person(waiting):
    first = waiting.submit(make_request("u1", owner="ann"))
    assert waiting.submit(make_request("u2", owner="ann")) == first, "pressed twice"
    assert waiting.status(first).user_id == "u1"
    with pytest.raises(CopeError, match="still going on"):
        waiting.submit(make_request("u3", owner="ann", samples=OTHER))
    second = waiting.submit(make_request("u4", owner="bea"))
    assert second != first and waiting.status(second).position == 1
    waiting.cancel(first)
    assert waiting.submit(make_request("u5", owner="ann", samples=OTHER)) not in (first, second)


def test_who_had_fewer_comes_first(waiting):
    for n in range(2):
        waiting.cancel(waiting.submit(make_request(f"greedy{n}", owner="ann")))
    third = waiting.submit(make_request("greedy3", owner="ann"))
    others = [waiting.submit(make_request(f"u{n}", owner=f"owner{n}")) for n in range(3)]
    assert [waiting.status(job).position for job in (*others, third)] == [0, 1, 2, 3]


def test_full_queue_says_when(waiting, monkeypatch):
    monkeypatch.setenv("COPE_QUEUE_LIMIT", "2")
    jobs = [waiting.submit(make_request(f"u{n}")) for n in range(2)]
    with pytest.raises(CopeError, match=r"queue is full \(2 fits wait\), so try again later\."):  # nothing was measured
        waiting.submit(make_request("u3"))
    with pytest.raises(CopeError, match="so try again in about 3 minutes"):
        fairness.check_room(2, 130.0)
    assert waiting.submit(make_request("u1")) == jobs[1], "who has a place keeps it"
    assert len(list(JobFolder.list_unfinished())) == 2
    waiting.cancel(jobs[0])
    assert waiting.status(waiting.submit(make_request("u3"))).position == 1
    monkeypatch.setenv("COPE_QUEUE_LIMIT", "none")
    with pytest.raises(CopeError, match="COPE_QUEUE_LIMIT must be a whole number"):
        fairness.read_queue_limit()


def test_without_room_on_the_disk_nothing_is_queued(waiting, monkeypatch):
    monkeypatch.setenv("COPE_FIT_MB", "1000000")
    with pytest.raises(CopeError, match="A fit needs 1000000 MB of disk space and"):
        waiting.submit(make_request("ada"))
    assert JobFolder.list_unfinished() == []


def test_what_was_not_yet_queued_gets_there_at_the_next_start():
    """As after a kill between the folder and the queue."""
    lost = JobFolder.create(make_request("ada", owner="ann"))
    jobs = QueueJobs()
    assert wait_for_end(jobs, lost.id).state == "done"
    assert Store().open("ada").name == ""
    jobs.close()


def test_the_same_rules_without_a_queue_database(stages, monkeypatch):
    jobs = InlineJobs()
    first = jobs.submit(make_request("u0", "oppu:gate", owner="ann"))
    stages.wait_for(first, "oppu")
    assert jobs.submit(make_request("u9", "oppu:gate", owner="ann")) == first
    with pytest.raises(CopeError, match="still going on"):
        jobs.submit(make_request("u3", owner="ann", samples=OTHER))
    jobs.cancel(jobs.submit(make_request("u1", owner="bea")))
    again = jobs.submit(make_request("u1", owner="bea"))
    newcomer = jobs.submit(make_request("u2", owner="cyd"))
    assert [jobs.status(job).position for job in (again, newcomer)] == [1, 0]
    monkeypatch.setenv("COPE_QUEUE_LIMIT", "2")
    with pytest.raises(CopeError, match="queue is full"):
        jobs.submit(make_request("u4"))
    stages.open_gate()
    assert {wait_for_end(jobs, job).state for job in (first, newcomer, again)} == {"done"}
    order = [run["job"] for run in stages.runs() if run["stage"] == "report"]
    assert order == [first, newcomer, again]
    jobs.close()
