"""A secret that was given up makes nothing new, and everything else goes on."""

import pytest

from cope_demo.errors import CopeError
from cope_demo.jobs.interface import FitRequest
from cope_demo.texts.tasks import Sample
from cope_demo.visitors import key
from cope_demo.visitors.key import GIVEN_UP, GivenUp
from cope_demo.visitors.owners import Access
from tests.scripted import SECRET, Service, publish

OTHER = "07" * 32


@pytest.fixture
def service(tmp_path, own_data) -> Service:
    return Service(tmp_path)


def request(user="mine") -> FitRequest:
    return FitRequest(user, "", "free_writing", [Sample("Write.", "My words.")] * 5)


def test_a_request_of_before_starts_no_fit_and_opens_nothing(service):
    access = Access(service)
    late = access.of(SECRET)
    access.of(SECRET).give_up()
    for call in (lambda: late.jobs.submit(request()), lambda: access.of(SECRET).open_adapters("ada/voice")):
        with pytest.raises(CopeError, match=GIVEN_UP):
            call()
    assert service.jobs.requests == []
    assert access.of(OTHER).jobs.submit(request("theirs")) == "job1"
    assert access.of(SECRET, {"sub": "1"}).given_up and not access.of(OTHER, {"sub": "1"}).given_up


def test_what_is_made_at_the_same_moment_goes_as_well(service, tmp_path, monkeypatch):
    access = Access(service)
    submit = service.jobs.submit
    monkeypatch.setattr(service.jobs, "submit", lambda asked: (access.of(SECRET).give_up(), submit(asked))[1])
    with pytest.raises(CopeError, match=GIVEN_UP):
        access.of(SECRET).jobs.submit(request())
    assert len(service.jobs.requests) == 1 and service.jobs.statuses == {}

    def open_adapters(address, owners, token):
        access.of(OTHER).give_up()
        publish(service.store, tmp_path / "opened", "opened", "voice", OTHER)
        return service.store.open("opened")

    monkeypatch.setattr(service, "open_adapters", open_adapters)
    with pytest.raises(CopeError, match=GIVEN_UP):
        access.of(OTHER).open_adapters("ada/voice")
    assert service.store.list_owned(access.of(OTHER)._key.owners) == []


def test_whose_deletion_fails_keeps_the_secret(service, monkeypatch):
    access = Access(service)
    mine = access.of(SECRET)
    monkeypatch.setattr(type(mine), "erase", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mine.give_up()
    assert not mine.given_up and mine.jobs.submit(request())


def test_only_the_latest_are_remembered_and_nobody_is_no_one(monkeypatch):
    monkeypatch.setattr(key, "MAX_KEPT", 2)
    known = GivenUp()
    for owner in ("", "a", "b", "c"):
        known.add(owner)
    assert [owner for owner in ("", "a", "b", "c") if owner in known] == ["b", "c"]
