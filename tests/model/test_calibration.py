"""From how many rows on weights are unpacked: what is faster by enough, remembered for this machine."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from cope_demo.model import calibration
from cope_demo.model.calibration import ALWAYS, ROWS, measure_few
from cope_demo.paths import cache_dir


class Timed:
    """A product whose ways take as long as they are told, by a clock of its own."""

    weights, width, now = np.zeros((4, 2)), 4, 0.0

    def __init__(self, in_place: dict[int, float]):
        self.in_place, self.measured = in_place, 0

    def multiply_in_place(self, x: torch.Tensor) -> None:
        self.measured += 1
        Timed.now += self.in_place[len(x)]

    def multiply_unpacked(self, x: torch.Tensor) -> None:
        Timed.now += 1.0


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Nothing is remembered yet, and time is that of Timed."""
    monkeypatch.delenv("COPE_COMPUTE", raising=False)
    monkeypatch.setenv("COPE_CACHE", str(tmp_path))
    monkeypatch.setattr(calibration.time, "perf_counter", lambda: Timed.now)


@pytest.mark.parametrize(
    "seconds, few",
    [
        ([0.1, 0.2, 0.4, 0.8, 1.6, 3.2], 96),
        ([1.1] * 5 + [1.3], ROWS[-2]),
        ([1.1] * 6, ALWAYS),
        ([0.5] + [1.3] * 5, 12),
        ([2.0] * 6, 6),
    ],
    ids=["where they are faster", "not for a little", "never", "early", "always"],
)
def test_weights_are_unpacked_where_that_is_faster_by_enough(measured, seconds, few):
    product = Timed(dict(zip(ROWS, seconds, strict=True)))
    assert measure_few([product, product]) == few
    known = product.measured
    assert measure_few([product]) == few and product.measured == known
    assert few in json.loads((cache_dir() / "calibration.json").read_text()).values()


def test_processes_that_come_at_once_share_one_measurement(measured):
    """Two threads stand for them: a lock of the kernel's keeps threads of a process apart as well."""
    began, go_on, measurements = threading.Event(), threading.Event(), []

    def measure() -> int:
        measurements.append(calibration.remember("another", lambda: 5))  # as one that needs another
        began.set()
        assert go_on.wait(30)
        return 40 + len(measurements)

    with ThreadPoolExecutor() as threads:
        first = threads.submit(calibration.remember, "what", measure)
        assert began.wait(30)
        second = threads.submit(calibration.remember, "what", measure)
        assert not second.done()
        go_on.set()
        assert first.result(30) == second.result(30) == 41 and measurements == [5]
    assert set(json.loads((cache_dir() / "calibration.json").read_text()).values()) == {41, 5}


def test_where_nothing_can_be_written_it_is_measured_each_time(measured, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(calibration, "cache_dir", lambda: tmp_path / "file")  # no folder, so nothing fits in it
    found = iter((7, 8))
    assert [calibration.remember("what", lambda: next(found)) for _ in range(2)] == [7, 8]


def test_the_environment_decides_without_measuring(measured, monkeypatch):
    for choice, few in (("in-place", ALWAYS), ("float32,unpacked", 0)):
        monkeypatch.setenv("COPE_COMPUTE", choice)
        assert measure_few([Timed({})]) == few
