"""What the page of a batch knows of a trace before anybody opens it: how its tokens spread, and what was overruled.

The page's script (digest.js) makes the same of a trace that is dropped into it; the tests hold both to one result.
"""

import math

from cope_demo.decode.methods import METHODS
from cope_demo.decode.winner import TOLERANCE
from cope_demo.ui.figures import round_logp

BIN, ENDS = 0.5, (-16, 15)
"""Nats that a bar of the distribution is wide, and the numbers of the first and the last; beyond counts as there."""
CONTEXT = 70
"""Characters of the text before an overruled word."""
_SAME = 5e-4
"""As in token_view/token.js: so near, expert and logp_user are one value that was rounded."""


def digest_trace(trace: dict) -> dict:
    """{"columns": [[method, tokens, sum, [[bin, count], …]]], "overruled": [[method, index, chosen, favourite, gain,
    four probabilities, text before]]} of a trace's JSON (trace.Trace.to_json).

    A column's numbers are of log pi_user - log pi_base over its tokens. gain: by how many nats of score the chosen
    token was ahead of the personal model's favourite; the probabilities are log pi_user and log pi_base of the chosen
    one, then of the favourite.
    """
    columns = [[column["method"], *_spread(column["tokens"])] for column in trace["columns"]]
    overruled = [row for column in trace["columns"] for row in _list_overruled(column, trace["alpha"])]
    return {"columns": columns, "overruled": overruled}


def _spread(tokens: list[dict]) -> tuple[int, float, list]:
    values = [round_logp(token["logp_user"]) - round_logp(token["logp_base"]) for token in tokens]
    bins: dict[int, int] = {}
    for value in values:
        at = min(max(math.floor(value / BIN + 1e-6), ENDS[0]), ENDS[1])
        bins[at] = bins.get(at, 0) + 1
    return len(values), round(sum(values), 3), sorted(map(list, bins.items()))


def _list_overruled(column: dict, alpha: float) -> list[list]:
    row = METHODS.get(column["method"])
    if row is None or not row.contrasts or _is_sampled(column):
        return []
    found, before = [], ""
    for index, token in enumerate(column["tokens"]):
        first, own = token, _expert(token, alpha)
        best = own
        for other in token["alternatives"]:
            if (expert := _expert(other, alpha)) > best:
                first, best = other, expert
        if first["id"] != token["id"]:
            gain = token["score"] - (best - alpha * first["logp_base"])
            numbers = [round_logp(one[name]) for one in (token, first) for name in ("logp_user", "logp_base")]
            found.append(
                [column["method"], index, token["text"], first["text"], round(gain, 3), *numbers, before[-CONTEXT:]]
            )
        before += token["text"]
    return found


def _expert(token: dict, alpha: float) -> float:
    """The personal model's log-probability after the repetition penalty."""
    found = token["score"] + alpha * token["logp_base"]
    return token["logp_user"] if abs(found - token["logp_user"]) < _SAME else found


def _is_sampled(column: dict) -> bool:
    return any(
        other["in_head"] and other["score"] > token["score"] + TOLERANCE
        for token in column["tokens"]
        for other in token["alternatives"]
    )
