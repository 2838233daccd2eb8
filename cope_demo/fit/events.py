"""What a fit reports while it runs: a stream of typed, JSON-ready events."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

STAGES = ("history", "oppu", "negatives", "dpo", "report", "publish")
"""The stages of a fit in their order; every event names one of them."""


@dataclass(frozen=True)
class FitEvent:
    """One moment of a fit.

    stage: one of STAGES.
    step, of: progress inside the stage, `0 <= step <= of`.
    loss: training loss of the step in nats (SFT: cross-entropy a token; DPO: the preference loss), None elsewhere.
    margin: reward margin chosen - rejected of the DPO step, in nats times beta (trl's `rewards/margins`), or None.
    eta: estimated seconds until the whole fit is done, or None while unknown.
    message: a sentence worth showing, or None.
    watched: what the model made of a held-out sentence and its instruction (watching.py), or None. It holds words.
    """

    stage: str
    step: int
    of: int
    loss: float | None = None
    margin: float | None = None
    eta: float | None = None
    message: str | None = None
    watched: dict | None = None

    def to_json(self) -> dict:
        """A dict of plain values, with the fields as they stand above."""
        return asdict(self)


Emit = Callable[[FitEvent], None]
"""Receives every event. It may raise to stop the fit: a cancelled job does."""
