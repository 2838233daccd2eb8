"""The way back for a browser that has kept nothing: the key opens what is its own, waiting and running fits as well."""

import json
from dataclasses import replace

from cope_demo.jobs.job_folder import JobFolder
from cope_demo.ui.panels.comeback import NOTHING_THERE
from cope_demo.ui.visit import Visit
from cope_demo.ui.visitor import Fit
from cope_demo.visitors.owners import Access
from tests.scripted import SECRET, publish

OTHER = "0" * 64
TEXTS = "\n---\n".join(f"Text number {n} is about seams and needles." for n in range(6))


def come_back(service, secret: str) -> dict:
    """What the page answers to a key, for a browser that remembers nothing."""
    return Visit(Access(service), {"secret": secret}).come_back()


def test_a_key_opens_a_saved_fit_and_the_browser_takes_its_secret(service, tmp_path):
    publish(service.store, tmp_path, "mine", "Nan")
    answer = come_back(service, SECRET)
    assert answer["visitor"]["secret"] == SECRET and answer["visitor"]["chosen"] == "mine"
    assert json.loads(answer["key"]) == {"key": SECRET} and json.loads(answer["fit"])["report"]


def test_a_key_without_fits_changes_nothing_but_its_own_panel(service, tmp_path):
    publish(service.store, tmp_path, "mine", "Nan")
    assert {name: json.loads(value) for name, value in come_back(service, OTHER).items()} == {
        "key": {"key": "", "problem": NOTHING_THERE}
    }


def test_a_key_finds_a_fit_that_still_runs(service):
    access = Access(service)
    Visit(access, {"secret": SECRET}).start_fit(TEXTS, None, "free_writing", "Nan")
    (asked,) = service.jobs.requests
    jobs = {name: JobFolder.create(replace(asked, user_id=name)).id for name in ("ended", "going")}
    JobFolder.create(replace(asked, user_id="strange", owner="somebody else"))
    service.jobs.set(jobs["ended"], "ended", "cancelled")
    service.jobs.set(jobs["going"], "going", "running", stage="oppu")
    answer = come_back(service, SECRET)
    going = {"user": "going", "job": jobs["going"], "name": "Nan", "task": "free_writing", "state": "running"}
    assert answer["visitor"]["fits"] == ({**going, "error": ""},)
    assert json.loads(answer["fit"])["state"] == "running" and answer["timer"].active
    # The browser that has begun it knows it already, and finds it once.
    memory = {"secret": SECRET, "chosen": "going", "fits": [vars(Fit(**going))]}
    assert len(Visit(access, memory).open()["visitor"]["fits"]) == 1


def test_without_a_fit_there_is_no_key_to_keep(service):
    assert json.loads(Visit(Access(service), None).open()["key"]) == {"key": ""}
