"""How long a fit will still take: each stage's work counted in token passes, at the speed seen so far."""

import time
from collections.abc import Sequence

from cope_demo.config import FitConfig

from .events import FitEvent
from .examples import Example

TRAIN, FORWARD, SAMPLE = 3.0, 1.0, 1.3
"""Work of one token in a training pass (forward and backward), in a scoring pass, and in batched sampling."""
STEP = 85.0
"""Work of a step of sampling beside that of its tokens: the weights are read and unpacked for one row as for 48."""
MEASURED_SECONDS = 2.0
"""A speed that was measured for less than this is not believed."""


def estimate_work(train: Sequence[Example], held_out: Sequence[Example], config: FitConfig) -> dict[str, float]:
    """Work units of each stage of a fit. A candidate is taken to be as long as the person's own answer."""
    own = sum(len(e.prompt_ids) + len(e.response_ids) for e in train)
    held = sum(len(e.prompt_ids) + len(e.response_ids) for e in held_out)
    trained = sum(len(e.response_ids) for e in train)
    answers = trained + sum(len(e.response_ids) for e in held_out)
    k = config.candidate_count
    pairs = k if config.selection == "all" else 1  # "misranked" has at least one, and mostly no more
    longest = max((len(e.response_ids) for e in [*train, *held_out]), default=0)
    steps = max(longest, k * answers / config.sample_rows)
    return {
        "oppu": TRAIN * own * config.oppu_epochs * config.seeds_averaged,
        "negatives": STEP * steps + SAMPLE * answers * k + FORWARD * (2 * (own + held) + k * answers),
        "dpo": TRAIN * (own + trained) * config.dpo_epochs * pairs * config.seeds_averaged,
        "report": FORWARD * (held + k * (answers - trained)),
    }


class Eta:
    """The remaining seconds of a fit, as its stages move on, by the speed that was measured here and nothing else.

    work: units by stage. spent: seconds of the stages that are already done (a resumed fit has some).
    """

    def __init__(self, work: dict[str, float], spent: dict[str, float]):
        self.work, self.spent = work, spent
        self._first: tuple[float, float] | None = None  # when the stage's first event came, and what was done by then

    def seconds(self, event: FitEvent) -> float | None:
        """Seconds until the fit is done, by this event's stage and step; None before anything was measured."""
        if event.stage not in self.work:
            return None
        stages = list(self.work)
        here = stages.index(event.stage)
        fraction = event.step / event.of if event.of else 0.0
        measured = {stage: self.spent[stage] for stage in stages[:here] if stage in self.spent}
        own = self._measure_stage(event.stage, fraction)
        speeds = [self.work[stage] / seconds for stage, seconds in measured.items() if seconds > 0]
        if own:
            speeds.append(own)
        if not speeds:
            return None
        mean = sum(speeds) / len(speeds)
        later = sum(self.work[stage] for stage in stages[here + 1 :])
        return (1 - fraction) * self.work[event.stage] / (own or mean) + later / mean

    def _measure_stage(self, stage: str, fraction: float) -> float | None:
        """Units a second of this stage since its first event; None before that can be said."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, fraction)
        began, before = self._first
        if now - began < MEASURED_SECONDS or fraction <= before:
            return None
        return (fraction - before) * self.work[stage] / (now - began)
