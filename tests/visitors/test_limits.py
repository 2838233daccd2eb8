"""How much a visitor may ask for: rates, comparisons at once, and that both reach the door of page and API."""

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.errors import CopeError
from cope_demo.visitors.limits import ADDRESS_FACTOR, AT_ONCE, AT_ONCE_BY_ALL, RATES, REMEMBERED, Limits
from cope_demo.visitors.owners import Access
from tests.scripted import SECRET, Service
from tests.visitors.test_owners import request


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock) -> Limits:
    return Limits(clock)


def count_taken(limits, kind="fit", visitor="v", address="a", tries=10_000) -> int:
    """How many go through."""
    for count in range(tries):
        try:
            limits.take(kind, visitor, address)
        except CopeError:
            return count
    return tries


def test_a_burst_and_then_one_at_a_time(limits, clock):
    rate = RATES["fit"]
    assert count_taken(limits) == rate.burst and count_taken(limits) == 0
    assert count_taken(limits, visitor="w") == rate.burst
    with pytest.raises(CopeError, match="wait 10 minutes, and then"):
        limits.take("fit", "v", "a")
    assert count_taken(limits, "compare") == RATES["compare"].burst  # another kind
    clock.now += rate.seconds + 1
    assert count_taken(limits) == 1
    clock.now += 1000 * rate.seconds
    assert count_taken(limits) == rate.burst


def test_new_secrets_do_not_help_for_long(limits):
    visitors = iter(range(10**6))
    total = 0
    while count := count_taken(limits, visitor=str(next(visitors)), address="a"):
        total += count
    assert total == RATES["fit"].burst * ADDRESS_FACTOR
    assert count_taken(limits, visitor="new", address="b") == RATES["fit"].burst


def test_what_is_refused_does_not_count(limits, clock):
    count_taken(limits)
    for _ in range(1000):
        assert count_taken(limits, tries=1) == 0
    clock.now += RATES["fit"].seconds
    assert count_taken(limits) == 1


def test_what_was_taken_and_then_refused_can_be_given_back(limits, clock):
    limits.give_back("fit", "v", "a")  # nothing was taken: nothing is won
    assert count_taken(limits) == RATES["fit"].burst
    limits.give_back("fit", "v", "a")
    assert count_taken(limits) == 1
    total = RATES["fit"].burst + 1  # of the address, of which one was given back
    for number in range(10 * ADDRESS_FACTOR):
        total += count_taken(limits, visitor=str(number))
    assert total - 1 == RATES["fit"].burst * ADDRESS_FACTOR


def test_a_fit_that_the_queue_refuses_does_not_count(tmp_path, monkeypatch):
    service = Service(tmp_path)
    mine, submit = Access(service).of(SECRET, address="1.2.3.4"), service.jobs.submit
    monkeypatch.setattr(service.jobs, "submit", raise_full)
    for _ in range(RATES["fit"].burst + 1):
        with pytest.raises(CopeError, match="The queue is full"):
            mine.jobs.submit(request())
    monkeypatch.setattr(service.jobs, "submit", submit)
    for _ in range(RATES["fit"].burst):
        mine.jobs.submit(request())
    with pytest.raises(CopeError, match="a lot in a short time"):
        mine.jobs.submit(request())


def raise_full(request):
    raise CopeError("The queue is full.")


def test_the_memory_is_bounded(limits):
    for number in range(REMEMBERED + 500):
        limits.take("compare", str(number), str(number))
    assert len(limits._full_at) == REMEMBERED


def test_comparisons_at_once(limits):
    def stream():
        yield from range(3)

    mine = [limits.streaming("v", stream()) for _ in range(AT_ONCE + 1)]
    assert [next(one) for one in mine[:AT_ONCE]] == [0] * AT_ONCE
    with pytest.raises(CopeError, match="of yours are being written"):
        next(mine[AT_ONCE])
    mine[0].close()
    others = [limits.streaming(str(number), stream()) for number in range(AT_ONCE_BY_ALL)]
    for one in others[: AT_ONCE_BY_ALL - AT_ONCE + 1]:
        next(one)
    with pytest.raises(CopeError, match="Many people compare"):
        next(others[-1])
    assert list(mine[1]) == [1, 2] and next(limits.streaming("last", stream())) == 0  # one that has ended makes room
    for one in others:
        one.close()
    assert not limits._running


def test_the_door_counts(tmp_path):
    service = Service(tmp_path)
    access = Access(service)
    mine, config = access.of(SECRET, address="1.2.3.4"), DecodeConfig()
    open_streams = [mine.compare("ada", "p", config) for _ in range(AT_ONCE + 1)]
    for stream in open_streams[:AT_ONCE]:
        next(stream)
    with pytest.raises(CopeError, match="being written"):
        next(open_streams[AT_ONCE])
    for stream in open_streams[:AT_ONCE]:
        stream.close()
    assert service.closed == AT_ONCE and list(mine.compare("ada", "p", config))
    with pytest.raises(CopeError, match="a lot in a short time"):
        for _ in range(RATES["compare"].burst):
            mine.score("ada", "p", "t", 0.1)
    for _ in range(RATES["fit"].burst):
        mine.jobs.submit(request())
    with pytest.raises(CopeError, match="a lot in a short time"):
        mine.jobs.submit(request())
    assert len(service.jobs.requests) == RATES["fit"].burst
    # Whoever gives no secret is known by their address alone.
    for _ in range(RATES["compare"].burst):
        access.of(address="5.6.7.8").score("ada", "p", "t", 0.1)
    with pytest.raises(CopeError, match="a lot in a short time"):
        access.of(address="5.6.7.8").score("ada", "p", "t", 0.1)
    assert access.of(address="5.6.7.9").score("ada", "p", "t", 0.1)
