"""The numbers behind a generated text, as plain data: what the decoder yields and every view shows.

Nothing here knows torch or Gradio, so a saved trace can be rendered anywhere. All logarithms are natural.
"""

import json
from dataclasses import asdict, dataclass, field, replace


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
class TraceToken(Alternative):
    """One token of a column with its numbers, head_size in tokens, and the top alternatives."""

    head_size: int
    alternatives: tuple[Alternative, ...] = ()


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

    def at_alpha(self, alpha: float) -> "Column":
        """The same text with the rewards at another alpha, as of a column that is written without contrast."""

        def move(token):
            return replace(token, reward=token.logp_user - alpha * token.logp_base)

        tokens = [replace(move(token), alternatives=tuple(map(move, token.alternatives))) for token in self.tokens]
        return replace(self, tokens=tokens)

    def record(self, event: TokenEvent | ColumnEnd) -> None:
        """Adds what the decoder wrote: the next token, or why the column has ended."""
        if isinstance(event, TokenEvent):
            self.tokens.append(event.token)
        else:
            self.stopped = event.stopped

    def to_json(self) -> dict:
        """The column as plain dicts and lists; "prompt" is only there where it has one of its own."""
        tokens = [asdict(token) for token in self.tokens]
        own = {} if self.prompt is None else {"prompt": self.prompt}
        return {"method": self.method, "text": self.text, "stopped": self.stopped, **own, "tokens": tokens}


@dataclass
class Trace:
    """A whole comparison. Its JSON is the schema that `compare --json` writes.

    against: the user whom the columns "against" and "score" set the person against, in the place of base; else None.
    """

    model: str
    user: str
    task: str
    prompt: str
    alpha: float
    tau: float
    repetition_penalty: float
    prompt_ids: list[int]
    columns: list[Column]
    against: str | None = None

    def column(self, method: str) -> Column:
        """The column of one method."""
        return next(c for c in self.columns if c.method == method)

    def record(self, event: TokenEvent | ColumnEnd) -> None:
        """Adds what the decoder wrote to the event's column."""
        self.column(event.method).record(event)

    def unwritten(self) -> "Trace":
        """The same comparison before its first token."""
        return replace(self, columns=[Column(column.method, prompt=column.prompt) for column in self.columns])

    def to_json(self) -> dict:
        """The trace as plain dicts and lists; "against" is only there where somebody is named."""
        data = {k: v for k, v in self.__dict__.items() if k != "columns" and (k, v) != ("against", None)}
        data["columns"] = [column.to_json() for column in self.columns]
        return data

    def dumps(self) -> str:
        """`to_json` as a string."""
        return json.dumps(self.to_json(), ensure_ascii=False)
