"""What is kept in memory of users: made once, for everybody, the latest few, and nothing of a user who is forgotten."""

import threading
import time
from pathlib import Path

import pytest

from cope_demo.service.cache import MAX_VALUES, UserCache


def test_a_value_is_made_once_though_several_ask_at_once():
    cache, made, got = UserCache(), [], []

    def make():
        time.sleep(0.05)
        made.append(len(made))
        return made[-1]

    threads = [threading.Thread(target=lambda: got.append(cache.get((Path("ada"), 1), make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert got == [0, 0, 0, 0] and made == [0]


def test_those_asked_for_last_are_kept():
    cache = UserCache()
    for number in range(MAX_VALUES):
        cache.get((Path(str(number)),), lambda number=number: number)
    assert cache.get((Path("0"),), lambda: "anew") == 0
    cache.get((Path("more"),), lambda: "more")
    assert cache.get((Path("0"),), lambda: "anew") == 0 and cache.get((Path("1"),), lambda: "anew") == "anew"


def test_a_user_is_forgotten_with_all_values_and_no_other():
    cache = UserCache()
    for key in ((Path("users/ada"), 1), (Path("users/ada"), 2), (Path("users/bob"), 1)):
        cache.get(key, lambda: "before")
    cache.forget("ada")
    assert [cache.get((Path("users/ada"), n), lambda: "anew") for n in (1, 2)] == ["anew", "anew"]
    assert cache.get((Path("users/bob"), 1), lambda: "anew") == "before"


def test_what_cannot_be_made_is_tried_again():
    cache = UserCache()
    with pytest.raises(ZeroDivisionError):
        cache.get((Path("ada"),), lambda: 1 / 0)
    assert cache.get((Path("ada"),), lambda: "made") == "made"
