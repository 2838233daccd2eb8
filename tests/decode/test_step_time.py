"""What a step takes is learned from the steps that were made."""

import pytest

from cope_demo.decode.step_time import ASSUMED_ROW, StepTime


def learn(*steps: tuple[int, float], grows: bool = True) -> StepTime:
    """What is known after these steps: rows and seconds."""
    time = StepTime(grows)
    for rows, seconds in steps:
        time.learn(rows, seconds)
    return time


def test_before_any_step_a_row_costs_what_is_assumed():
    assert StepTime(True).predict(100) == StepTime(False).predict(100) == pytest.approx(100 * ASSUMED_ROW)


@pytest.mark.parametrize("grows", [True, False])
@pytest.mark.parametrize("fixed, row", [(0.1, 0.0003), (0.0, 0.0025), (0.01, 0.0025), (0.0, 0.02)])
def test_steps_of_several_sizes_tell_what_is_fixed_and_what_a_row_costs(fixed, row, grows):
    time = learn(*((rows, fixed + row * rows) for rows in (6, 12, 24, 48) * 5), grows=grows)
    for rows in (6, 60, 120):
        assert time.predict(rows) == pytest.approx(fixed + row * rows, rel=1e-6)


def test_steps_of_one_size_leave_open_what_is_fixed():
    """On a GPU six rows take a tenth of a second, and twenty times as many do not take twenty times that; on a CPU with
    a large model they do."""
    steps = [(6, 0.1)] * 20
    assert learn(*steps, grows=False).predict(120) == pytest.approx(0.1 + 114 * ASSUMED_ROW)
    assert learn(*steps, grows=True).predict(120) == pytest.approx(2.0)
    for grows in (True, False):
        assert learn((6, 0.006), grows=grows).predict(60) == pytest.approx(0.06)  # and no step costs less than its rows


def test_what_many_rows_cost_is_known_after_an_hour_with_few():
    time = learn(*((rows, 0.02 * rows) for rows in (6, 12, 24, 48)), *[(6, 0.12)] * 10_000)
    assert time.predict(120) == pytest.approx(2.4)


def test_what_a_machine_does_now_counts_more_than_what_it_did():
    slow, fast = [(24, 0.5), (48, 1.0)] * 10, [(24, 0.05), (48, 0.1)] * 20
    assert learn(*slow, *fast).predict(48) == pytest.approx(0.1, rel=0.2)


def test_no_step_takes_less_than_nothing():
    time = learn(*[(48, 0.1), (6, 0.2), (24, 0.01)] * 5)
    assert time.row >= 0 and time.predict(0) >= 0
    assert learn(*[(6, 0.001), (48, 0.2)] * 10).predict(1) >= 0
