"""A comparison on its way to the browser: lines of compact JSON, in a text that only ever grows.

Each line is one message:
    {"t": "idle", "who", "methods", "table", "user", "opening"}   nothing has run yet; opening: the page was just loaded
    {"t": "start", "run", "who", "methods", "table", "decoding", "prompts" (optional), trace header}   the columns begin
    {"t": "branch", "run", "method", "at"}            this column goes on from its first `at` tokens
    {"t": "wait", "message"}                          nothing to show yet, and why
    {"t": "tokens", "seq", "rows"}                    new tokens, batches numbered from 0
    {"t": "end", "method", "stopped"}                 a column has ended
    {"t": "done", "seconds", "message" (optional)} | {"t": "error", "message"}
    {"t": "lesson", "id", "number", "title", "steps"} what to look at in the comparison before it (lessons.py)
A row is [method, index, id, text, logp_user, logp_base, score, in_head, head_size, alternatives], an alternative
[id, text, logp_user, logp_base, score, in_head]; rewards follow from the log-probabilities and alpha. "table" has a row
of each method (methods.describe_columns): its label and what the browser must know of it. "decoding" has what a trace
does not tell and a continuation needs: {"max_new_tokens", "temperature", "seed"}; "prompts", by method, the prompts of
columns that have one of their own; "adapter", where the adapters come from the hub, their address there; "other" is how
the page speaks of the user whom the trace is against, if anybody. A page that the browser saves has "alpha", "tau" and
"forced" (the visitor chose the token) in its branches as well.
"""

from collections.abc import Sequence

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import describe_columns
from cope_demo.decode.trace import Alternative, TokenEvent, Trace, TraceToken
from cope_demo.ui.component import say
from cope_demo.ui.figures import round_logp


def line(kind: str, **fields) -> str:
    """One message, ended by a newline."""
    return say({"t": kind, **fields}) + "\n"


def idle(who: str, methods: Sequence[str], **more) -> str:
    """The view before anything has run: a frame for every method. more: further fields of the message."""
    return line("idle", who=who, methods=methods, table=describe_columns(methods, who), **more)


def start(
    run: str,
    who: str,
    trace: Trace,
    methods: tuple[str, ...],
    config: DecodeConfig | None = None,
    other: str = "",
    adapter: str = "",
) -> str:
    """The first message of a comparison: everything of the trace but its columns, and how it is decoded.

    other: how the page speaks of the user whom the trace is against. adapter: the address on the hub of the adapters
    that write, where they come from there.
    """
    header = {name: value for name, value in trace.to_json().items() if name != "columns"}
    decoding = config and {name: getattr(config, name) for name in ("max_new_tokens", "temperature", "seed")}
    more = _describe(methods, who, other) | _prompts([column.to_json() for column in trace.columns])
    more |= {"adapter": adapter} if adapter else {}
    return line("start", run=run, who=who, methods=methods, decoding=decoding, **more, **header)


def branch(run: str, method: str, at: int) -> str:
    """The first message of a continuation: this column is cut to its first `at` tokens, and goes on."""
    return line("branch", run=run, method=method, at=at)


def whole(trace: dict, who: str, variants: dict[str, dict] | None = None, other: str = "", **more) -> str:
    """A finished comparison from its JSON (trace.Trace.to_json). other: as in `start`; without, that user's id.

    variants: of columns with settings of their own, {"alpha", "tau", "name", and "of" for a further run of a method}.
    more: further fields of its first message.
    """
    header = {name: value for name, value in trace.items() if name != "columns"}
    methods = [column["method"] for column in trace["columns"]]
    known = [*methods, *(variant["of"] for variant in (variants or {}).values() if "of" in variant)]
    more = _describe(known, who, other or trace.get("against") or "") | _prompts(trace["columns"]) | more
    if variants is not None:
        more["variants"] = variants
    messages = [line("start", run="saved", who=who, methods=methods, **header, **more)]
    for column in trace["columns"]:
        messages.append(tokens(0, [TokenEvent(column["method"], i, _saved(t)) for i, t in enumerate(column["tokens"])]))
        messages.append(line("end", method=column["method"], stopped=column["stopped"]))
    return "".join(messages) + line("done", seconds=None)


def _describe(methods: Sequence[str], who: str, other: str) -> dict:
    return {"table": describe_columns(methods, who, other), **({"other": other} if other else {})}


def _prompts(columns: list[dict]) -> dict:
    prompts = {column["method"]: column["prompt"] for column in columns if "prompt" in column}
    return {"prompts": prompts} if prompts else {}


def _saved(data: dict) -> TraceToken:
    return TraceToken(**{**data, "alternatives": tuple(Alternative(**other) for other in data["alternatives"])})


def tokens(seq: int, events: list[TokenEvent]) -> str:
    """One batch of new tokens, in the order in which they were written."""
    return line("tokens", seq=seq, rows=[_row(event) for event in events])


def _row(event: TokenEvent) -> list:
    token = event.token
    numbers = [round_logp(value) for value in (token.logp_user, token.logp_base, token.score)]
    others = [_alternative(other) for other in token.alternatives]
    return [event.method, event.index, token.id, token.text, *numbers, int(token.in_head), token.head_size, others]


def _alternative(other: Alternative) -> list:
    numbers = [round_logp(value) for value in (other.logp_user, other.logp_base, other.score)]
    return [other.id, other.text, *numbers, int(other.in_head)]
