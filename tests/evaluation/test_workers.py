"""Processes beside each other: results, errors, and one process."""

import os

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
        found = dict(run(double, [1, 2, 3, 4]))
    assert isinstance(found[3], CopeError) and str(found.pop(3)) == "Three will not do."
    assert {item: result[0] for item, result in found.items()} == {1: 2, 2: 4, 4: 8}
    assert ({result[1] for result in found.values()} == {os.getpid()}) == (count == 1)
