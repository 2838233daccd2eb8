"""How many workers keep the wait for a fit short in a course: the queue simulated, with fit times as measured here.

    python benchmarks/queue_simulation.py [--seconds 160] [--seeds 200] [--json] [--quick]

The wait is the time between a student's press and the start of their fit. Each seed gives one 95th percentile of it;
the table shows their median and the range that holds 95 % of them. The order is the queue's own: those with fewer fits
within the last hour first, and among them in the order of arrival; a student has one fit at a time. No time
of this machine is measured. Quick: 20 seeds.
"""

import argparse
import heapq
import json
import math
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cope_demo.jobs.fairness import SHARE_SECONDS  # noqa: E402

FIT_SECONDS = 160.0
"""The median of a fit, cautiously: docs/course.md says what was measured."""
SPREAD = 0.25
"""Of the logarithm of a fit's seconds: nine of ten lie between two thirds and one and a half times the median."""
BAR = 300.0
"""Seconds that the 95th percentile of the wait should stay under."""
HOUR, DAY = 3600.0, 86400.0


@dataclass(frozen=True)
class Scenario:
    """first: when a student wants the first fit, in seconds. again: chance of one more after each fit. pause: mean
    seconds between a fit's end and the next press."""

    name: str
    students: int
    first: Callable[[random.Random], float]
    again: float
    pause: float


def in_class(rng: random.Random) -> float:
    """Within 90 minutes, most in the first half: a beta distribution with its mode at 18 minutes."""
    return 5400 * rng.betavariate(2, 5)


HOURS = [1, 1, 1, 1, 1, 1, 2, 4, 8, 10, 12, 12, 10, 12, 14, 14, 14, 12, 10, 12, 14, 14, 10, 5]
"""How likely students work in each hour of the day."""
DAYS = [1, 1, 1, 1, 2, 3, 6]
"""How likely on each day of the week before the deadline."""


def in_week(rng: random.Random) -> float:
    """Within seven days: by day and hour, with two fifths on the last day."""
    (day,), (hour,) = rng.choices(range(7), DAYS), rng.choices(range(24), HOURS)
    return day * DAY + hour * HOUR + rng.uniform(0, HOUR)


SCENARIOS = (
    Scenario("a lab group of 30, 90 minutes", 30, in_class, 0.3, 600),
    Scenario("a lecture of 300, 90 minutes", 300, in_class, 0.3, 600),
    Scenario("an assignment week, 300 students", 300, in_week, 0.67, 1800),
)


def waits(scenario: Scenario, workers: int, seconds: float, seed: int) -> list[float]:
    """Seconds that each fit waits, in one simulated run."""
    rng = random.Random(seed)
    # (time, number, student): number keeps the heap from comparing further, and is the order of arrival.
    presses = [(scenario.first(rng), student, student) for student in range(scenario.students)]
    heapq.heapify(presses)
    free, queue, result = [0.0] * workers, [], []
    begun: dict[int, list[float]] = {student: [] for student in range(scenario.students)}
    number = scenario.students
    while presses or queue:
        # The next fit starts when a worker is free and somebody waits; everybody who pressed by then takes part.
        start = max(free[0], queue[0][3] if queue else presses[0][0])
        while presses and presses[0][0] <= start:
            time, arrival, student = heapq.heappop(presses)
            lately = sum(time - other < SHARE_SECONDS for other in begun[student])
            begun[student].append(time)
            heapq.heappush(queue, (lately, time, arrival, time, student))
        *_, pressed, student = heapq.heappop(queue)
        heapq.heappop(free)
        end = start + rng.lognormvariate(math.log(seconds), SPREAD)
        heapq.heappush(free, end)
        result.append(start - pressed)
        if rng.random() < scenario.again:
            number += 1
            heapq.heappush(presses, (end + rng.expovariate(1 / scenario.pause), number, student))
    return result


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def row(scenario: Scenario, workers: int, seconds: float, seeds: int) -> dict:
    """One line of the table."""
    runs = [waits(scenario, workers, seconds, seed) for seed in range(seeds)]
    tops = [percentile(run, 0.95) for run in runs]
    low, middle, high = (percentile(tops, share) for share in (0.025, 0.5, 0.975))
    return {
        "scenario": scenario.name,
        "workers": workers,
        "fits": round(sum(map(len, runs)) / seeds),
        "wait, 95th percentile": f"{middle / 60:.1f} min ({low / 60:.1f} to {high / 60:.1f})",
        "longest wait": f"{percentile([max(run) for run in runs], 0.5) / 60:.1f} min",
        "enough": high < BAR,
    }


def rows(scenario: Scenario, seconds: float, seeds: int) -> Iterator[dict]:
    """The lines around the smallest number of workers that is enough in 97.5 % of the runs."""
    enough = next(n for n in range(1, 1000) if row(scenario, n, seconds, max(20, seeds // 10))["enough"])
    while not row(scenario, enough, seconds, seeds)["enough"]:
        enough += 1
    for workers in sorted({max(1, round(enough * share)) for share in (0.5, 0.75)} | {max(1, enough - 1), enough}):
        yield row(scenario, workers, seconds, seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=FIT_SECONDS, help="median of a fit (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=200, help="simulated runs for each line (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="20 simulated runs for each line at most")
    options = parser.parse_args()
    options.seeds = min(options.seeds, 20) if options.quick else options.seeds
    table = [line for scenario in SCENARIOS for line in rows(scenario, options.seconds, options.seeds)]
    if options.json:
        title = f"Waits for a fit of {options.seconds:.0f} s (simulated, {options.seeds} seeds)"
        print(json.dumps({"title": title, "rows": table}))
        return
    print("| " + " | ".join(table[0]) + " |\n" + "|---" * len(table[0]) + "|")
    for line in table:
        print("| " + " | ".join("yes" if v is True else "no" if v is False else str(v) for v in line.values()) + " |")


if __name__ == "__main__":
    main()
