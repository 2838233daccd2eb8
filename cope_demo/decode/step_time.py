"""What a step takes on this machine, learned from the steps that were made: so much at least, and so much more a row.

On a CPU nearly all of a step grows with its rows. On a GPU hardly anything does: a kernel takes as long to launch for
one row as for many.
"""

import numpy as np

NEW = 0.2
"""What a step counts for in the mean of those of its size."""
ASSUMED_ROW = 0.002
"""Seconds that a row is taken to cost on a GPU, and before any step, until steps of two sizes were seen."""


class StepTime:
    """`fixed` seconds a step and `row` more a row: the line through the mean of recent steps of every size.

    Sizes are powers of two, and none is forgotten when others are seen: one person who writes alone for an hour does
    not make it unknown what twenty cost.
    """

    def __init__(self, grows: bool):
        """grows: whether steps of one size alone are taken to cost nothing but their rows, as on a CPU."""
        self.fixed, self.row = 0.0, ASSUMED_ROW
        self._grows = grows
        self._means: dict[int, np.ndarray] = {}  # by size: rows and seconds

    def predict(self, rows: int) -> float:
        """The seconds of a step with so many rows."""
        return self.fixed + rows * self.row

    def learn(self, rows: int, seconds: float) -> None:
        """From a step with so many rows, at least one."""
        step, size = np.array([rows, seconds]), rows.bit_length()
        self._means[size] = NEW * step + (1 - NEW) * self._means.get(size, step)
        self.fixed, self.row = map(float, self._fit_line(*np.array(list(self._means.values())).T))

    def _fit_line(self, rows: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
        """`fixed` and `row`, neither below 0."""
        each = (rows @ seconds) / (rows @ rows)  # of the line through the origin
        if len(rows) == 1:
            row = each if self._grows else min(each, ASSUMED_ROW)
            return seconds[0] - row * rows[0], row
        row, fixed = np.polyfit(rows, seconds, 1)
        return (seconds.mean(), 0.0) if row < 0 else (fixed, row) if fixed > 0 else (0.0, each)
