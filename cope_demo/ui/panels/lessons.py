"""Short lessons: saved comparisons of the sample users that open without a model, each with a few steps of text.

lesson_data/NAME.json is written by hand: title, user, prompt, settings, columns, steps. lesson_data/traces/NAME.json is
the comparison itself, made by `make lessons`. A step points at a token of a column by the token's text; the numbers in
its own text stand in braces and are filled in from the trace (`collect_facts` names them), so that it cannot say what
the trace does not. What a step claims in words stands beside it as conditions on the same numbers, which the tests
check.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import METHODS
from cope_demo.decode.winner import contrast_winner
from cope_demo.paths import SAMPLE_USERS
from cope_demo.ui.figures import format_fixed, round_logp
from cope_demo.ui.token_view import wire

FOLDER = Path(__file__).parent / "lesson_data"
ORDER = ("reward", "plausible-head", "alpha", "dpo", "when-it-hurts", "another-amateur")
_SAME = 5e-4
"""How near two logarithms are that were rounded on the way and are the same."""
_LOGARITHMS = ("logp_user", "logp_base", "reward", "score")
_SEEN = {" ": "\u2423", "\n": "\u21b5", "\t": "\u21e5"}


@dataclass(frozen=True)
class Lesson:
    """A lesson as it is written, and its trace (trace.Trace.to_json).

    columns: by the trace's column names; a column may be another run of a method: {"of", "name", "alpha", "tau"}.
    steps: {"text", "claims"} and, where it is about a token, {"column", "token", "show"}; show is what the figure has
        of it: "none" (all columns), "token" (both models' bars), "suppose" (with "alpha" and "tau": what other settings
        would have chosen) or "steps" (the decision up to its "phase", 0 to 3; at 3 the reader is asked for the word
        first). "other" names an alternative of the token.
    against, other: the user whom a column contrasts with in the place of base, and how the page speaks of that person.
    """

    id: str
    title: str
    teaser: str
    user: str
    who: str
    prompt: str
    settings: dict
    columns: dict[str, dict]
    steps: list[dict]
    trace: dict
    against: str = ""
    other: str = ""

    @property
    def config(self) -> DecodeConfig:
        """The settings that "Run it live" fills in."""
        return DecodeConfig(**self.settings)

    def find_token(self, step: dict) -> int:
        """The index of the step's token in its column. Raises ValueError when the column has no such token."""
        return [token["text"] for token in self._column(step["column"])["tokens"]].index(step["token"])

    def find_settings(self, column: str) -> tuple[str, float, float]:
        """What a column was decoded with: its method, alpha and tau."""
        own = self.columns[column]
        return own.get("of", column), own.get("alpha", self.settings["alpha"]), own.get("tau", self.settings["tau"])

    def collect_facts(self, step: dict) -> dict:
        """The numbers of a step's token, and of what would have won at the step's own alpha and tau ("would").

        `p` and `base` are the token's probabilities for the person (after the repetition penalty) and for base, `log`
        and `logbase` their logarithms, `score` what decided. The same with `favourite_` (the expert's), `would_` and
        `other_` before them. `margin_` and `bits_` of `oppu` and `cope` are the fit's, on held-out texts.
        """
        column = self._column(step["column"])
        method, alpha, tau = self.find_settings(step["column"])
        token = column["tokens"][self.find_token(step)]
        row = METHODS[method]
        contrast = alpha if row.contrasts else 0.0

        def expert(other: dict) -> float:  # as token_view/token.js
            found = other["score"] + contrast * other["logp_base"]
            same = row.driver == "base" or abs(found - other["logp_user"]) < _SAME
            return other["logp_user"] if same else found

        favourite = max(token["alternatives"], key=expert)
        new_alpha, new_tau = step.get("alpha", alpha), step.get("tau", tau)
        experts, bases = zip(*((expert(other), other["logp_base"]) for other in token["alternatives"]), strict=True)
        written = [other["id"] for other in token["alternatives"]].index(token["id"])
        would = token["alternatives"][contrast_winner(experts, bases, new_alpha, new_tau, written)]
        found = {"who": self.who, "alpha": alpha, "tau": tau, "head": token["head_size"]}
        found |= {"reward": token["logp_user"] - alpha * token["logp_base"], "cut": tau * math.exp(expert(favourite))}
        report = json.loads((SAMPLE_USERS / self.user / "report.json").read_text("utf-8"))
        for stage in ("oppu", "cope"):
            found |= {f"margin_{stage}": report["margin"][stage], f"bits_{stage}": report["bits_per_token"][stage]}
        named = {"": token, "favourite": favourite, "would": would}
        if "other" in step:
            named["other"] = next(other for other in token["alternatives"] if other["text"] == step["other"])
        for name, other in named.items():
            begin = f"{name}_" if name else ""
            own = next((o for o in token["alternatives"] if o["id"] == other["id"]), other)
            numbers = {"p": math.exp(expert(own)), "log": expert(own)}
            numbers |= {"base": math.exp(own["logp_base"]), "logbase": own["logp_base"]}
            numbers["score"] = expert(own) - contrast * own["logp_base"]
            found |= {f"{begin}{key}": value for key, value in numbers.items()}
            found[name or "token"] = own["text"]
        return found

    def fill_text(self, step: dict) -> str:
        """The step's text with its numbers."""
        return step["text"].format(**_format_facts(self.collect_facts(step))) if "column" in step else step["text"]

    def _column(self, name: str) -> dict:
        return next(column for column in self.trace["columns"] if column["method"] == name)


def _format_facts(facts: dict) -> dict:
    """The facts as a text shows them: probabilities in percent, logarithms with two digits."""
    shown = {}
    for name, value in facts.items():
        if isinstance(value, str):
            shown[name] = value.strip() or "".join(_SEEN.get(c, c) for c in value)
        elif name.endswith(("p", "base", "cut")) and not name.endswith("logbase"):
            shown[name] = format_percent(value)
        elif name in ("alpha", "tau", "head"):
            shown[name] = f"{value:,g}"
        else:
            shown[name] = format_fixed(value, 2)
    return shown


def format_percent(p: float) -> str:
    """A probability as the token view writes it (token_view/numbers.js)."""
    p *= 100
    digits = 0 if p >= 9.95 else 1 if p >= 0.095 else 2
    text = "100" if p >= 99.95 else format_fixed(p, digits)
    return f"{text}\u202f%" if p >= 0.01 else "<\u202f0.01\u202f%"


def _round_logarithms(data: dict) -> dict:
    return {key: round_logp(value) if key in _LOGARITHMS else value for key, value in data.items()}


@cache
def read_lesson(name: str) -> Lesson:
    """A lesson by its name in ORDER."""
    data = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    trace = json.loads((FOLDER / "traces" / f"{name}.json").read_text("utf-8"), object_hook=_round_logarithms)
    return Lesson(id=name, trace=trace, **data)


def describe_cards() -> list[dict]:
    """What the row of lessons shows."""
    found = [read_lesson(name) for name in ORDER]
    return [{"id": one.id, "title": one.title, "teaser": one.teaser} for one in found]


def render_lesson(name: str) -> str:
    """A lesson as the token view's value (wire.py): its comparison, then its steps."""
    one = read_lesson(name)
    steps = []
    for step in one.steps:
        shown = {"text": one.fill_text(step)}
        if "column" in step:
            shown |= {"method": step["column"], "index": one.find_token(step), "show": step["show"]}
            shown |= {key: step[key] for key in ("alpha", "tau", "phase") if key in step}
        steps.append(shown)
    variants = {key: own for key, own in one.columns.items() if own}
    head = {"id": name, "number": ORDER.index(name) + 1, "title": one.title, "steps": steps}
    decoding = {name: getattr(one.config, name) for name in ("max_new_tokens", "temperature", "seed")}
    return wire.whole(one.trace, one.who, variants=variants, other=one.other, decoding=decoding) + wire.line(
        "lesson", **head
    )
