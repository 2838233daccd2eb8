"""The queue of fits belongs to nobody alone: one address, with however many invented secrets, fills half of it."""

import pytest

from cope_demo.errors import CopeError
from cope_demo.jobs.fairness import read_queue_limit
from cope_demo.visitors.address_share import AddressShare
from cope_demo.visitors.limits import REMEMBERED
from cope_demo.visitors.owners import Access, new_secret
from tests.scripted import Service
from tests.visitors.test_owners import request


def submit_many(access, address: str, tries: int) -> list[str]:
    """The ids of the fits that were taken, each with a secret that was invented for it."""
    taken = []
    for _ in range(tries):
        try:
            taken.append(access.of(new_secret(), address=address).jobs.submit(request()))
        except CopeError as error:
            refused = str(error)
            assert "from your network address wait already" in refused
    return taken


def test_300_fits_of_one_address_leave_half_of_the_queue(tmp_path):
    service = Service(tmp_path)
    access = Access(service)
    mine = submit_many(access, "a", 300)
    assert len(mine) == read_queue_limit() // 2 == 15
    assert len(submit_many(access, "b", 5)) == 5  # whoever comes from elsewhere finds a place
    for job in mine[:3]:
        service.jobs.set(job, "mine", "running")
    del service.jobs.statuses[mine[3]]  # deleted
    assert len(submit_many(access, "a", 10)) == 4


def test_the_share_follows_the_queue_s_length(tmp_path, monkeypatch):
    for limit, share in ((1, 1), (2, 1), (300, 150)):
        monkeypatch.setenv("COPE_QUEUE_LIMIT", str(limit))
        assert len(submit_many(Access(Service(tmp_path / str(limit))), "a", 200)) == share


def test_a_fit_pressed_twice_counts_once(monkeypatch):
    monkeypatch.setenv("COPE_QUEUE_LIMIT", "4")
    share = AddressShare()
    for job in ("one", "one", "two", "one", "two"):
        if len(share._waiting.get("a", [])) < 2:
            share.submit("a", lambda job=job: job, lambda job: True)
    assert share._waiting == {"a": ["one", "two"]}


def test_without_an_address_nothing_is_counted_and_the_memory_is_bounded():
    share = AddressShare()
    assert [share.submit("", lambda: "job", lambda job: True) for _ in range(100)] == ["job"] * 100
    for number in range(REMEMBERED + 10):
        share.submit(str(number), lambda: "job", lambda job: True)
    assert len(share._waiting) == REMEMBERED


def test_a_refused_fit_counts_nothing():
    share = AddressShare()

    def refuse():
        raise CopeError("The queue is full.")

    with pytest.raises(CopeError, match="full"):
        share.submit("a", refuse, lambda job: True)
    assert share._waiting == {}
