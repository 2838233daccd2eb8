"""Turns that were sent before others of the same browser, and are carried out or answered after them."""

import json

import pytest

from cope_demo.ui.panels import fitting
from cope_demo.ui.visit import Visit
from cope_demo.ui.visitor import NEW, Fit
from cope_demo.visitors.owners import Access
from tests.scripted import SECRET, publish

TEXTS = "\n---\n".join(f"Text number {n} is about seams and needles." for n in range(6))
MEMORY = {"secret": SECRET, "chosen": NEW, "fits": []}


@pytest.fixture
def access(service) -> Access:
    return Access(service)


def test_a_start_that_waited_past_an_erase_submits_nothing_and_restores_no_secret(access, service):
    erased = Visit(access, MEMORY).erase()["visitor"]
    late = Visit(access, MEMORY)
    answer = late.start_fit(TEXTS, None, "free_writing", "Nan")
    assert service.jobs.requests == [] and answer["visitor"]["fits"] == ()
    assert answer["visitor"]["secret"] not in (SECRET, erased["secret"]) and late.service.secret != SECRET
    answer = Visit(access, MEMORY).open_adapters({"adapter": "ada/voice@" + "c" * 40})
    assert answer["visitor"]["fits"] == () and answer["visitor"]["secret"] != SECRET


def test_a_start_that_is_being_carried_out_leaves_nothing(access, service, monkeypatch):
    submit = service.jobs.submit
    monkeypatch.setattr(service.jobs, "submit", lambda asked: (Visit(access, MEMORY).erase(), submit(asked))[1])
    answer = Visit(access, MEMORY).start_fit(TEXTS, None, "free_writing", "Nan")
    assert set(answer) == {"fit"} and "has been deleted meanwhile" in json.loads(answer["fit"])["message"]
    assert service.jobs.statuses == {}


def test_a_browser_with_an_old_memory_starts_anew_at_the_next_look(access, service, tmp_path):
    publish(service.store, tmp_path / "fit", "mine", "Nan", SECRET)
    memory = Visit(access, MEMORY).open()["visitor"]
    Visit(access, memory).erase()
    answer = Visit(access, memory).poll()  # an answer from before came after that of the deletion
    assert answer["visitor"]["secret"] != SECRET and answer["visitor"]["fits"] == ()
    assert "Nan" not in answer["people"]
    assert Visit(access, memory).pick(NEW)["visitor"]["secret"] != SECRET


def test_a_deletion_that_fails_leaves_the_browser_as_it_is(access, service, monkeypatch):
    monkeypatch.setattr(type(Visit(access, MEMORY).service), "erase", lambda self: 1 / 0)
    assert "visitor" not in Visit(access, MEMORY).erase()
    assert Visit(access, MEMORY).poll().keys() == {"banner", "timer"}


def test_a_fit_that_was_started_while_adapters_came_stays_on_its_card(access, service, tmp_path, monkeypatch):
    going = Fit("going", "job1", "Nan", "free_writing", "running")

    def open_adapters(address, owners, token):
        monkeypatch.setattr(fitting, "find_unfinished_fits", lambda service: [going])
        publish(service.store, tmp_path / "fit", "opened", "voice", SECRET)
        return service.store.open("opened")

    monkeypatch.setattr(service, "open_adapters", open_adapters)
    service.jobs.set("job1", "going", "running")
    answer = Visit(access, MEMORY).open_adapters({"adapter": "ada/voice@" + "c" * 40})
    assert {fit["user"] for fit in answer["visitor"]["fits"]} == {"going", "opened"}
    assert answer["visitor"]["chosen"] == "opened"
