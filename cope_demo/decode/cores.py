"""How many cores a step uses: all of them, or fewer while other programs want some.

A step has hundreds of short tasks, each shared among the cores and over when the last of them is done. A core that
another program has taken holds up every one of these tasks, and the others wait for it awake: on two cores of which one
is taken a step takes three times as long as with both, and on the free one alone less than twice as long
(benchmarks/speed_crowded.py). What is written is the same, up to the order in which a library adds.
"""

import statistics

SLOW = 1.5
"""By how much longer than the fastest of their kind steps take before fewer cores are tried at once."""
STEPS = 4
"""So many steps of a kind in a row are compared, by their seconds a row."""
FEW = 12
"""Steps of up to so many rows are compared with those of as many; above, with those of as many to a power of two."""
HOLD, LONGEST_HOLD = 32, 1024
"""After how many steps fewer or more cores are tried again; it doubles with every trial in vain."""


class Cores:
    """`count` is for the next step; `learn` changes it. most: all cores."""

    def __init__(self, most: int):
        self.most = self.count = most
        self._fastest: dict[tuple[int, int], float] = {}  # by cores and kind: seconds a row
        self._kind, self._last = 0, []  # seconds a row of the last steps, all of this kind and with as many cores
        self._before: tuple[int, float] | None = None  # what a trial is compared with: cores, and seconds a row
        self._hold = dict.fromkeys((False, True), HOLD)  # before fewer and before more are tried
        self._held = 0

    def learn(self, rows: int, seconds: float) -> None:
        """From a step with so many rows, in which nothing was read."""
        if self.most == 1:
            return
        kind = rows if rows <= FEW else FEW * rows.bit_length()
        if kind != self._kind:
            self._kind, self._last = kind, []
            if self._before is not None:
                self.count, self._before = self._before[0], None
        self._last = [*self._last, seconds / rows][-STEPS:]
        self._held += 1
        if len(self._last) < STEPS:
            return
        usual = statistics.median(self._last)
        fastest = self._fastest[self.count, kind] = min(usual, self._fastest.get((self.count, kind), usual))
        if self._before is not None:
            self._judge(usual)
        elif self.count > 1 and (min(self._last) > SLOW * fastest or self._held >= self._hold[False]):
            self._try(self.count // 2, usual)
        elif self.count < self.most and self._held >= self._hold[True]:
            self._try(min(self.most, 2 * self.count), usual)

    def _try(self, count: int, usual: float) -> None:
        self._before, self.count, self._last = (self.count, usual), count, []

    def _judge(self, usual: float) -> None:
        """Stays with what was tried, or goes back to what was before."""
        count, seconds = self._before
        more = self.count > count
        if usual < seconds:
            self._hold = dict.fromkeys((False, True), HOLD)
        else:
            self._hold[more] = min(LONGEST_HOLD, 2 * self._hold[more])
            self._fastest[count, self._kind] = seconds  # if that was slow, so is the whole machine now
            self.count = count
        self._before, self._last, self._held = None, [], 0
