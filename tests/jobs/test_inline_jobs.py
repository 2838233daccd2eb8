"""A fit that runs in this process: in the context of whoever asked for it, and with a sentence for what goes wrong."""

import threading
from contextvars import ContextVar, copy_context

import pytest

from cope_demo.errors import CopeError
from cope_demo.jobs import inline_jobs
from cope_demo.jobs.inline_jobs import InlineJobs
from cope_demo.jobs.job_folder import JobFolder
from cope_demo.system.wanted import Unwanted, ask_with, stop_if_unwanted
from cope_demo.ui.web import departures
from tests.fits import make_request, wait_for_end

VISITOR: ContextVar[str] = ContextVar("visitor", default="nobody")


@pytest.mark.usefixtures("stages")
def test_a_fit_counts_against_the_share_of_whoever_asked(monkeypatch):
    seen = []

    def compute(job_id):
        seen.append(VISITOR.get())
        raise CopeError("The share is used up.")

    monkeypatch.setattr(inline_jobs, "compute_fit", compute)
    jobs = InlineJobs()
    for who in ("ann", "bea"):
        mark = VISITOR.set(who)
        status = wait_for_end(jobs, jobs.submit(make_request(who, owner=who)))
        VISITOR.reset(mark)
        assert (status.state, status.error) == ("failed", "The share is used up.")
    assert seen == ["ann", "bea"] and not jobs._contexts
    jobs.close()


@pytest.mark.usefixtures("stages")
def test_a_fit_goes_on_when_whoever_asked_has_left():
    """Queued in the context of an event whose browser was closed, as its request is needed."""
    gone = threading.Event()
    gone.set()
    ask_with(departures.is_client_here, departures.find_client, departures.forget_client)
    try:
        mark = departures._GONE.set(gone)
        with pytest.raises(Unwanted):
            stop_if_unwanted()
        seen = []
        folder = JobFolder.create(make_request("ada"))
        copy_context().run(lambda: (inline_jobs.run_job(folder), seen.append(departures.is_client_here())))
        assert seen == [True] and folder.result()["state"] == "done"
        departures._GONE.reset(mark)
    finally:
        ask_with(None)
