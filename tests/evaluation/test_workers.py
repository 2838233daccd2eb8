"""Processes beside each other: results, errors, and one process."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from cope_demo.errors import CopeError
from cope_demo.evaluation.workers import open_workers


def double(number: int) -> tuple[int, int]:
    if number == 3:
        raise CopeError("Three will not do.")
    return 2 * number, os.getpid()


@pytest.mark.parametrize("count", [1, 2])
def test_every_item_has_its_result_or_its_error(count):
    with open_workers(count) as run:
        outcomes = list(run(double, [1, 2, 3, 4]))
    found = {item: outcome for item, outcome, _ in outcomes}
    assert all(0 <= seconds < 60 for *_, seconds in outcomes)
    assert isinstance(found[3], CopeError) and str(found.pop(3)) == "Three will not do."
    assert {item: result[0] for item, result in found.items()} == {1: 2, 2: 4, 4: 8}
    assert ({result[1] for result in found.values()} == {os.getpid()}) == (count == 1)


def sleep_long(number: int) -> None:
    time.sleep(300)


def test_workers_end_with_whoever_began_them():
    code = "from tests.evaluation.test_workers import open_workers, sleep_long\n"
    code += "if __name__ == '__main__':\n    with open_workers(2) as run:\n        list(run(sleep_long, [1, 2]))"
    parent = subprocess.Popen([sys.executable, "-c", code])
    workers = []
    for _ in range(300):
        workers = [one for one in psutil.Process(parent.pid).children() if "spawn_main" in " ".join(one.cmdline())]
        if len(workers) == 2 and all(one.num_threads() > 1 for one in workers):
            break
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    assert len(workers) == 2
    assert not psutil.wait_procs(workers, timeout=30)[1]
