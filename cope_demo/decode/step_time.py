"""What a step takes on this machine, learned from the steps that were made: so much at least, and so much more a row.

On a CPU nearly all of a step grows with its rows. On a GPU hardly anything does: a kernel takes as long to launch for
one row as for many.
"""

import numpy as np

FORGET = 0.9
"""What a step counts for after the next one."""
ASSUMED_ROW = 0.002
ASSUMED_ROWS = 64
"""Until steps of different sizes were seen, a row is taken to cost ASSUMED_ROW seconds: as if a step of this many rows
had been seen, and one of none."""
TRUST = 0.05
"""What these two count for, each, beside a step that was made."""


class StepTime:
    """A line through the seconds of recent steps, by least squares: `fixed` seconds a step and `row` more a row."""

    def __init__(self):
        self.fixed, self.row = 0.0, ASSUMED_ROW
        self._assumed = TRUST * (_make_moments(0, 0.0) + _make_moments(ASSUMED_ROWS, ASSUMED_ROW * ASSUMED_ROWS))
        self._seen = np.zeros(5)

    def predict(self, rows: int) -> float:
        """The seconds of a step with so many rows."""
        return self.fixed + rows * self.row

    def learn(self, rows: int, seconds: float) -> None:
        """From a step with so many rows, at least one."""
        self._seen = FORGET * self._seen + _make_moments(rows, seconds)
        count, x, y, xx, xy = self._seen + self._assumed
        self.row = max(0.0, float((count * xy - x * y) / (count * xx - x * x)))
        self.fixed = float((y - self.row * x) / count)
        if self.fixed < 0:  # no step takes less than nothing: the best line through the origin
            self.row, self.fixed = float(xy / xx), 0.0


def _make_moments(rows: int, seconds: float) -> np.ndarray:
    return np.array([1.0, rows, seconds, rows * rows, rows * seconds])
