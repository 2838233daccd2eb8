"""How long a fit will still take: each stage's work counted in token passes, at the speed seen so far."""

import time
from collections.abc import Sequence

from cope_demo.config import FitConfig

from .events import FitEvent
from .examples import Example

TRAIN, FORWARD, SAMPLE = 3.0, 1.0, 2.2
"""Work of one token in a training pass (forward and backward), in a scoring pass, and in batched sampling."""
UNITS_PER_SECOND = 650.0
"""A first guess on two cores with the embedded model, replaced by the measured speed as soon as there is one."""


def estimate_work(train: Sequence[Example], held_out: Sequence[Example], config: FitConfig) -> dict[str, float]:
    """Work units of each stage of a fit."""
    own = sum(len(e.prompt_ids) + len(e.response_ids) for e in train)
    held = sum(len(e.prompt_ids) + len(e.response_ids) for e in held_out)
    answers = sum(len(e.response_ids) for e in [*train, *held_out])
    k = 1 if config.candidate_temperature == 0 else config.candidates
    return {
        "oppu": TRAIN * own * config.oppu_epochs,
        "negatives": SAMPLE * answers * k + FORWARD * (own + held) * (2 + k),
        "dpo": TRAIN * 2 * own * config.dpo_epochs,
        "report": FORWARD * held * (1 + k),
    }


class Eta:
    """The remaining seconds of a fit, as its stages move on.

    work: units by stage. spent: seconds of the stages that are already done (a resumed fit has some).
    """

    def __init__(self, work: dict[str, float], spent: dict[str, float]):
        self.work, self.spent = work, spent
        self.start = time.monotonic()

    def seconds(self, event: FitEvent) -> float | None:
        """Seconds until the fit is done, by this event's stage and step."""
        stages = list(self.work)
        if event.stage not in stages:
            return None
        here = stages.index(event.stage)
        fraction = event.step / event.of if event.of else 0.0
        before = sum(self.work[stage] for stage in stages[:here] if stage in self.spent)
        done = before + fraction * self.work[event.stage]
        elapsed = sum(self.spent.get(stage, 0.0) for stage in stages[:here]) + time.monotonic() - self.start
        speed = done / elapsed if done and elapsed > 2 else UNITS_PER_SECOND
        left = (1 - fraction) * self.work[event.stage] + sum(self.work[stage] for stage in stages[here + 1 :])
        return left / speed
