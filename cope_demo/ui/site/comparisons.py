"""The sample users' saved comparisons, one for each of their example prompts: they open without a model.

comparison_data/USER-N.jsonl is made by `make comparisons`. Its first line is the trace's header with how it was
decoded; the others are lines of token_view/wire.py as they travel, a third of the trace's JSON. The methods' labels are
no part of it: they are those of the day on which it is read.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import describe_columns
from cope_demo.decode.trace import TokenEvent, Trace
from cope_demo.saved.store import Card
from cope_demo.ui.component import say
from cope_demo.ui.token_view import wire

FOLDER = Path(__file__).parent / "comparison_data"
DECODING = ("max_new_tokens", "temperature", "seed")


@dataclass(frozen=True)
class Comparison:
    """A saved comparison.

    name: USER-N, N counting the user's example prompts from 1. header: the trace's JSON without its columns. decoding:
    {"max_new_tokens", "temperature", "seed"}. lines: wire.py's messages with the tokens and ends of its columns.
    """

    name: str
    header: dict
    methods: tuple[str, ...]
    decoding: dict
    lines: str

    def render(self, who: str) -> str:
        """The token view's value. who: how it speaks of the person."""
        more = {"methods": self.methods, "table": describe_columns(self.methods, who), "decoding": self.decoding}
        first = wire.line("start", run="saved", who=who, **more, **self.header)
        return first + self.lines + wire.line("done", seconds=None)


def format_comparison(trace: Trace, config: DecodeConfig) -> str:
    """A complete trace and its settings as a saved comparison's file."""
    header = {name: value for name, value in trace.to_json().items() if name != "columns"}
    header |= {"decoding": {name: getattr(config, name) for name in DECODING}}
    lines = [say(header) + "\n"]
    for column in trace.columns:
        lines.append(wire.tokens(0, [TokenEvent(column.method, *token) for token in enumerate(column.tokens)]))
        lines.append(wire.line("end", method=column.method, stopped=column.stopped))
    return "".join(lines)


def list_names(card: Card) -> list[str]:
    """The names of a sample user's comparisons, in the order of the card's prompts."""
    return [f"{card.id}-{number}" for number in range(1, len(card.prompts) + 1)]


def read_comparison(name: str) -> Comparison:
    """A saved comparison by its name. Raises OSError where there is none."""
    first, lines = (FOLDER / f"{name}.jsonl").read_text("utf-8").split("\n", 1)
    header = json.loads(first)
    decoding = header.pop("decoding")
    messages = [json.loads(line) for line in lines.splitlines()]
    methods = tuple(message["method"] for message in messages if message["t"] == "end")
    return Comparison(name, header, methods, decoding, lines)
