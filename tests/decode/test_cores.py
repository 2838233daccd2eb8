"""How many cores a step uses, on machines that are made up."""

from cope_demo.decode.cores import HOLD, LONGEST_HOLD, STEPS, Cores


class Machine:
    """What a step takes: `alone` seconds a row on one core, divided among those that are free; where others have taken
    `busy` of them, a step that wants one of these takes `late` times as long as on all."""

    def __init__(self, most: int, alone: float = 0.007, late: float = 4):
        self.most, self.alone, self.late, self.busy = most, alone, late, 0
        self.cores = Cores(most)

    def step(self, rows: int = 3) -> float:
        """The seconds of one more step."""
        count = self.cores.count
        seconds = self.alone * rows / count * (self.late if count > self.most - self.busy else 1)
        self.cores.learn(rows, seconds)
        return seconds

    def run(self, steps: int, rows: int = 3) -> list[int]:
        """How many cores each of so many steps used."""
        used = []
        for _ in range(steps):
            used.append(self.cores.count)
            self.step(rows)
        return used


def test_on_a_quiet_machine_all_are_used_but_for_a_few_trials():
    machine = Machine(2)
    used = machine.run(8000)
    fewer = sum(count < 2 for count in used)
    assert used[-1] == 2 and STEPS <= fewer <= 20 * STEPS
    assert used[:HOLD] == [2] * HOLD and 1 not in used[-LONGEST_HOLD + 2 * STEPS :][:STEPS]


def test_where_another_program_takes_one_fewer_are_used_at_once_and_all_again_when_it_ends():
    machine = Machine(2)
    machine.run(20)
    machine.busy = 1
    used = machine.run(400)
    assert used[STEPS : 2 * STEPS] == [1] * STEPS, "it is noticed after as few steps as are compared"
    assert sum(count == 2 for count in used) < 40
    machine.busy = 0
    used = machine.run(LONGEST_HOLD)
    assert used[-1] == 2 and sum(count == 1 for count in used[-LONGEST_HOLD // 2 :]) <= 3 * STEPS


def test_where_it_was_there_from_the_first_step_on_fewer_are_found_too():
    machine = Machine(2)
    machine.busy = 1
    assert machine.run(200)[HOLD + 2 * STEPS :].count(1) > 100


def test_of_eight_cores_half_are_used_where_one_is_taken():
    machine = Machine(8)
    machine.busy = 1
    used = machine.run(1000)
    assert used.count(4) > 800 and used.count(8) < 100


def test_a_machine_that_is_slower_as_a_whole_keeps_all():
    machine = Machine(2)
    machine.run(20)
    machine.alone *= 3
    used = machine.run(400)
    assert used[-1] == 2 and used.count(1) < 10 * STEPS


def test_steps_of_other_rows_are_not_compared():
    machine = Machine(2)
    for _ in range(200):
        for rows in (1, 3, 9):
            machine.step(rows)
    assert machine.cores.count == 2
    machine.run(HOLD + STEPS)  # a trial has begun
    machine.step(5)
    assert machine.cores.count == 2 and machine.cores._before is None


def test_many_rows_are_compared_by_what_each_costs():
    machine = Machine(2)
    for number in range(40):
        machine.step(100 + number % 20)
    machine.busy = 1
    for number in range(3 * STEPS):
        machine.step(100 + number % 20)
    assert machine.cores.count == 1


def test_one_core_is_one_core():
    machine = Machine(1)
    assert set(machine.run(3 * HOLD)) == {1}
