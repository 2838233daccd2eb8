"""What follows from a step's logits: every column's next token, as events."""

from collections.abc import Sequence

import torch

from cope_demo.errors import CopeError
from cope_demo.model.base_model import BaseModel

from .choice import pick_token, score_next
from .request import Event, Request, RunningColumn, list_models, write_token
from .trace import ColumnEnd, TokenEvent
from .tracing import TracedStep

NOT_FINITE = (
    "The model's numbers are infinite or none at all under this adapter, so nothing can be chosen by them; fit this "
    "user again, with a lower learning rate."
)


def check_finite(logits: torch.Tensor) -> None:
    """Raises CopeError where any of these logits is no number: compiled loops would go astray by it."""
    if not torch.isfinite(logits.sum(-1)).all():
        raise CopeError(NOT_FINITE)


def advance_traced(
    base: BaseModel,
    columns: Sequence[RunningColumn],
    user: torch.Tensor,
    amateur: torch.Tensor,
) -> list[list[Event]]:
    """Every column takes its next token; of each its events, a TokenEvent and where it ends a ColumnEnd.

    user, amateur: the logits (C, V) of both models. The columns may be of several requests.
    """
    step = TracedStep(base, columns, user, amateur)
    chosen = step.choose()
    written = []
    for number, column in enumerate(columns):
        if column.given is not None:
            chosen[number], column.given = column.given, None
        written.append((chosen[number], write_token(base, column, chosen[number])))
    traced = step.describe(chosen, [text for _, (text, _) in written])
    events: list[list[Event]] = []
    for column, token, (_, (_, stopped)) in zip(columns, traced, written, strict=True):
        events.append([TokenEvent(column.name, len(column.ids) - 1, token)])
        if stopped:
            events[-1].append(ColumnEnd(column.name, stopped))
    return events


def advance_untraced(base: BaseModel, request: Request, logits: torch.Tensor) -> list[bool]:
    """Every column of a request that is not traced takes its next token; whether each of them goes on.

    logits: (rows, V), in the order of Request.rows.
    """
    going, first = [], 0
    for column in request.columns:
        count = len(list_models(column.method, traced=False))
        user, amateur = logits[first], logits[first + count - 1]
        first += count
        seen = torch.tensor(list(column.seen), dtype=torch.long, device=logits.device)
        allowed = score_next(column.method.driver, user, amateur, seen, column.config)
        token = pick_token(allowed, column.random, column.config)
        column.add(token)
        going.append(token not in base.end_ids and len(column.ids) < column.config.max_new_tokens)
    return going
