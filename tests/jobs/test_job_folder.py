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
