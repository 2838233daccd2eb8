"""What a job's folder tells of its fit."""

import os
import time

import pytest

from cope_demo.fit.events import FitEvent
from cope_demo.jobs import job_folder
from cope_demo.jobs.interface import FitRequest
from cope_demo.jobs.job_folder import EVENTS, JobFolder


def test_an_estimate_that_is_overdue_is_no_longer_told(own_data):
    folder = JobFolder.create(FitRequest("u" * 8, "Nan", "free_writing", []))
    folder.record(FitEvent("report", 1, 9, eta=60.0))
    assert 50 < folder.status("running").eta <= 60
    os.utime(folder.path / EVENTS, (time.time() - 90,) * 2)
    assert folder.status("running").eta is None


@pytest.mark.parametrize("full", [False, True])
def test_what_was_seen_of_the_model_is_forgotten_when_the_fit_ends(own_data, monkeypatch, full):
    """The curves stay; the sentence and what was written hold the person's words, also in a line that was cut off."""
    folder = JobFolder.create(FitRequest("u" * 8, "Nan", "free_writing", []))
    folder.record(FitEvent("oppu", 1, 3, loss=2.5))
    folder.record(FitEvent("oppu", 1, 3, watched={"tokens": [["spoons", 4.5]], "written": "eleven"}))
    assert folder.status("running").events[-1]["watched"]["written"] == "eleven"
    with open(folder.path / EVENTS, "a") as file:
        file.write('{"stage": "oppu", "watched": {"tokens": [["spoo')
    if full:
        monkeypatch.setattr(job_folder, "write_whole", fail_on(EVENTS, job_folder.write_whole))
    folder.finish("cancelled")
    assert [event["loss"] for event in folder.events()] == ([] if full else [2.5, None])
    assert not any(b"spoo" in path.read_bytes() for path in folder.path.iterdir())
    assert folder.result()["state"] == "cancelled"


def fail_on(name, write):
    def fail(path, *rest):
        if path.name == name:
            raise OSError(28, "No space left on device")
        write(path, *rest)

    return fail
