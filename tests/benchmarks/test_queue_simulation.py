"""The simulated queue of docs/course.md: it keeps the queue's order, loses nobody, and says what its table says."""

import random

from benchmarks import queue_simulation as simulation
from cope_demo.paths import ROOT


def test_nobody_waits_without_need():
    alone = simulation.Scenario("one", 1, lambda rng: 0.0, 0.9, 60)
    assert set(simulation.waits(alone, 1, 160, 3)) == {0.0}
    crowd = simulation.Scenario("ten at once", 10, lambda rng: 0.0, 0.0, 60)
    assert simulation.waits(crowd, 10, 160, 3) == [0.0] * 10
    waits = simulation.waits(crowd, 1, 160, 3)
    assert len(waits) == 10 and waits == sorted(waits) and 700 < waits[-1] < 2400


def test_the_same_seed_gives_the_same_run():
    scenario = simulation.SCENARIOS[0]
    assert simulation.waits(scenario, 3, 160, 7) == simulation.waits(scenario, 3, 160, 7)
    assert simulation.waits(scenario, 3, 160, 7) != simulation.waits(scenario, 3, 160, 8)
    mean = [sum(simulation.waits(scenario, workers, 160, 7)) for workers in (2, 3, 4, 8)]
    assert mean == sorted(mean, reverse=True)


def test_who_fits_again_comes_after_who_has_not(monkeypatch):
    """Two press at once, and the first fits again at once, before the third has pressed: the third goes first."""
    times = iter([0.0, 1.0, 200.0])
    scenario = simulation.Scenario("three", 3, lambda rng: next(times), 0.5, 1)

    class Again(random.Random):
        turn = 0

        def random(self):
            self.turn += 1
            return 0.0 if self.turn == 1 else 1.0

        def lognormvariate(self, mu, sigma):
            return 160.0

        def expovariate(self, rate):
            return 1.0

    with monkeypatch.context() as patch:
        patch.setattr(simulation.random, "Random", lambda seed: Again(seed))
        waits = simulation.waits(scenario, 1, 160, 0)
    # 0 to 160, 160 to 320 for the second; then the third (pressed at 200), and last the first's second (161).
    assert waits == [0.0, 159.0, 120.0, 319.0]


def test_percentiles():
    assert simulation.percentile([5, 1, 4, 2, 3], 0.95) == 5 and simulation.percentile([5, 1, 4, 2, 3], 0.5) == 3


def test_the_page_holds_the_table_as_it_comes_out():
    """One line of each scenario's, made again."""
    text = (ROOT / "docs" / "course.md").read_text()
    for scenario, workers in zip(simulation.SCENARIOS[:2], (4, 27), strict=True):
        line = simulation.row(scenario, workers, simulation.FIT_SECONDS, 200)
        assert f"| {scenario.name} | {workers} | {line['fits']} | {line['wait, 95th percentile']} |" in text
        assert line["enough"]
