"""The numbers behind a generated text, as plain data: what the decoder yields and every view shows.

Nothing here knows torch or Gradio, so a saved trace can be rendered anywhere. All logarithms are natural.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

METHODS = ("greedy", "oppu", "cope")
"""The three columns in their order on the page."""
TOLERANCE = 3e-4
"""Nats. The numbers of a trace are rounded to four digits on their way to the page, so a difference that is no larger
may be rounding. The page's script (model.js) has the same."""


@dataclass(frozen=True)
class Alternative:
    """A token that could have been chosen at a step, with the numbers of both models.

    logp_user, logp_base: log-probabilities under the column's personal model and under base, without any penalty.
    reward: logp_user - alpha * logp_base.
    score: what decides, after the repetition penalty. It is finite outside the head too, where the decoder counts it as
        minus infinity: in_head says so, and JSON has no infinity.
    in_head: whether the token is in V_head of the personal model (after the penalty).
    """

    id: int
    text: str
    logp_user: float
    logp_base: float
    reward: float
    score: float
    in_head: bool


@dataclass(frozen=True)
class TraceToken:
    """One token of a column with its numbers (see Alternative), head_size in tokens, and the top alternatives."""

    id: int
    text: str
    logp_user: float
    logp_base: float
    reward: float
    score: float
    in_head: bool
    head_size: int
    alternatives: tuple[Alternative, ...] = ()


@dataclass
class Column:
    """One method's text. `stopped` is "eos", "length", or None while the column is still being written.

    prompt: the whole instruction that this column's models were given, where it is not the trace's own; else None.
    """

    method: str
    tokens: list[TraceToken] = field(default_factory=list)
    stopped: str | None = None
    prompt: str | None = None

    @property
    def text(self) -> str:
        """The tokens' texts, joined."""
        return "".join(token.text for token in self.tokens)

    def to_json(self) -> dict:
        """The column as plain dicts and lists; "prompt" is only there where it has one of its own."""
        tokens = [asdict(token) for token in self.tokens]
        own = {} if self.prompt is None else {"prompt": self.prompt}
        return {"method": self.method, "text": self.text, "stopped": self.stopped, **own, "tokens": tokens}


@dataclass
class Trace:
    """A whole comparison. Its JSON is the schema that `compare --json` writes."""

    model: str
    user: str
    task: str
    prompt: str
    alpha: float
    tau: float
    repetition_penalty: float
    prompt_ids: list[int]
    columns: list[Column]

    def column(self, method: str) -> Column:
        """The column of one method."""
        return next(c for c in self.columns if c.method == method)

    def to_json(self) -> dict:
        """The trace as plain dicts and lists."""
        data = {k: v for k, v in self.__dict__.items() if k != "columns"}
        data["columns"] = [column.to_json() for column in self.columns]
        return data

    def dumps(self) -> str:
        """`to_json` as a string."""
        return json.dumps(self.to_json(), ensure_ascii=False)


@dataclass(frozen=True)
class TokenEvent:
    """The decoder wrote one token: `method`'s token number `index`."""

    method: str
    index: int
    token: TraceToken


@dataclass(frozen=True)
class ColumnEnd:
    """A column has ended, by its end token ("eos") or at the asked length ("length")."""

    method: str
    stopped: str


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
