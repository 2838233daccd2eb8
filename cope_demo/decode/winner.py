"""Which alternative of a step would win at other settings, from a trace's numbers alone.

The page's script decides it, too (ui/token_view/winner.js); tests/decode/winner_cases.json holds both to one table.
"""

import math
from collections.abc import Sequence

TOLERANCE = 3e-4
"""Nats. The numbers of a trace are rounded to four digits on their way to the page, so a difference that is no larger
may be rounding. The page's script (ui/token_view/winner.js) has the same."""


def contrast_winner(
    expert: Sequence[float], logp_base: Sequence[float], alpha: float, tau: float, written: int | None = None
) -> int:
    """Whom contrast would choose among a step's alternatives at these settings, as a position in them.

    The same choice as reward.contrast_winners, for a reader of the trace: where the numbers differ by no more than
    TOLERANCE, a token counts as plausible, and the written one stays.
    expert: personal log-probabilities after the repetition penalty. written: the position of the written token.
    """
    floor = max(expert) + math.log(tau) - TOLERANCE if tau else -math.inf
    scores = {at: user - alpha * logp_base[at] for at, user in enumerate(expert) if user >= floor}
    best = max(scores, key=scores.__getitem__)
    return written if written in scores and scores[best] - scores[written] <= TOLERANCE else best
