"""A fit that runs in this process: in the context of whoever asked for it, and with a sentence for what goes wrong."""

from contextvars import ContextVar

import pytest

from cope_demo.errors import CopeError
from cope_demo.jobs import inline_jobs
from cope_demo.jobs.inline_jobs import InlineJobs
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
