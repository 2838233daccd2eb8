"""Results on their way: in order, up to an error, and a wait that ends."""

import threading
import time

import pytest

from cope_demo.decode.outbox import FULL, Outbox


def test_results_come_in_order_and_end_when_all_works_are_over():
    outbox = Outbox()
    outbox.begin(2)
    outbox.put("a")
    outbox.close()
    outbox.put("b")
    assert [outbox.fetch(1), outbox.fetch(1)] == [(True, "a"), (True, "b")]
    assert outbox.fetch(0.01) == (False, False)
    outbox.close()
    assert outbox.fetch(1) == (False, True)


def test_an_error_comes_after_the_results_before_it_and_without_waiting_for_other_works():
    outbox = Outbox()
    outbox.begin(2)
    outbox.put("a")
    outbox.close(KeyError("no such adapter"))
    started = time.monotonic()
    assert outbox.fetch(60) == (True, "a")
    for _ in range(2):
        with pytest.raises(KeyError, match="no such adapter"):
            outbox.fetch(60)
    assert time.monotonic() - started < 10


def test_the_first_error_is_told():
    outbox = Outbox()
    outbox.begin(2)
    outbox.close(KeyError("first"))
    outbox.close(KeyError("second"))
    with pytest.raises(KeyError, match="first"):
        outbox.fetch(1)


@pytest.mark.parametrize("ending", ["put", "close"])
def test_one_who_waits_is_woken(ending):
    outbox, fetched = Outbox(), []
    outbox.begin(1)
    waiting = threading.Thread(target=lambda: fetched.append(outbox.fetch(60)))
    waiting.start()
    time.sleep(0.02)
    outbox.put("a") if ending == "put" else outbox.close()
    waiting.join(10)
    assert fetched == [(True, "a") if ending == "put" else (False, True)]


def test_it_is_full_until_somebody_fetches():
    outbox = Outbox()
    outbox.begin(1)
    for number in range(FULL):
        assert not outbox.is_full
        outbox.put(number)
    assert outbox.is_full
    outbox.fetch(0)
    assert not outbox.is_full
