"""What a job's folder tells of its fit."""

import os
import time

from cope_demo.fit.events import FitEvent
from cope_demo.jobs.interface import FitRequest
from cope_demo.jobs.job_folder import EVENTS, JobFolder


def test_an_estimate_that_is_overdue_is_no_longer_told(own_data):
    folder = JobFolder.create(FitRequest("u" * 8, "Nan", "free_writing", []))
    folder.record(FitEvent("report", 1, 9, eta=60.0))
    assert 50 < folder.status("running").eta <= 60
    os.utime(folder.path / EVENTS, (time.time() - 90,) * 2)
    assert folder.status("running").eta is None


def test_what_was_seen_of_the_model_is_forgotten_when_the_fit_ends(own_data):
    """The curves stay; the sentence and what was written hold the person's words."""
    folder = JobFolder.create(FitRequest("u" * 8, "Nan", "free_writing", []))
    folder.record(FitEvent("oppu", 1, 3, loss=2.5))
    folder.record(FitEvent("oppu", 1, 3, watched={"tokens": [["spoons", 4.5]], "written": "eleven"}))
    assert folder.status("running").events[-1]["watched"]["written"] == "eleven"
    folder.finish("cancelled")
    assert [event["loss"] for event in folder.events()] == [2.5, None]
    assert not any(b"spoons" in path.read_bytes() for path in folder.path.iterdir())
