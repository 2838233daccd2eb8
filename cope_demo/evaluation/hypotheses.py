"""What a study is to decide, fixed before it is measured (docs/PLAN.md): one primary comparison, and further ones.

The further ones share an error rate of 5 % by Holm ("A Simple Sequentially Rejective Multiple Test Procedure", 1979).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .published import MEASURED


@dataclass(frozen=True)
class Hypothesis:
    """That one method is above another on an endpoint.

    own, over: methods as they stand in a study's differences. endpoint: as endpoints.py names it. says: in words.
    """

    own: str
    over: str
    endpoint: str
    says: str

    @property
    def pair(self) -> str:
        """Its key among a study's differences of the endpoint."""
        return f"{self.own} over {self.over}"


WRITTEN = "attribution by letters pairwise"
PRIMARY = Hypothesis("cope", "oppu", WRITTEN, "what CoPe writes is more the author's than what OPPU writes")
SECONDARY = (
    Hypothesis("oppu", "tam", WRITTEN, "what OPPU writes is more the author's than what TAM writes"),
    Hypothesis("oppu", "oppu swapped", WRITTEN, "by the own adapter, and not by another author's"),
    Hypothesis("cope", "oppu-scaled", WRITTEN, "by more than a multiple of OPPU's adapter would do"),
    Hypothesis("cope", "oppu", "attribution by shapes pairwise", "the same without content"),
    Hypothesis("oppu+dpo", "oppu", "identification pairwise", "the adapter after DPO knows its author better"),
    Hypothesis("cope", "oppu", "agreement", "CoPe's next token is more often the author's"),
    Hypothesis("cope", "oppu", "rougeL", "CoPe's text is nearer to the author's text than OPPU's"),
    Hypothesis("cope", "tam", "rougeL", "CoPe's text is nearer to the author's text than TAM's"),
)
PLANNED = [(task, seed) for task in MEASURED for seed in (0, 1, 2)]
"""The runs that decide: every task with every seed."""
PLANNED_WITH = {"model": "SmolLM2-135M-Instruct@b179c9523d0e6a0f", "compute": "float32", "users": None}
"""What their plans say of the model, the type that it computes in and the authors (all); the rest are the defaults."""
LEVEL = 0.05
GUARDS = ("repeated", "copied")
"""Endpoints that must not rise with the primary one: a text that repeats itself, or the history, is no success."""
MOST = 0.02
"""By how much they may, of the primary comparison's two methods."""


def judge_hypotheses(study: dict) -> list[dict]:
    """Of every hypothesis that the study can judge its difference, "ci95", "p", "adjusted" p, "holds" and "contrary".

    study: with "differences" as study_summary.summarize_table gives them. The primary one comes first, with its own p
    as "adjusted"; those of the others are Holm's, over as many of them as there are. It does not hold where a guard has
    risen by more than MOST, or is not there. "contrary": whether the difference is below 0 as surely.
    """
    guards = find_guards(study)
    kept = set(guards) == set(GUARDS) and all(numbers["difference"] <= MOST for numbers in guards.values())
    found = [(one, study["differences"].get(one.endpoint, {}).get(one.pair)) for one in (PRIMARY, *SECONDARY)]
    there = [(one, numbers) for one, numbers in found if numbers]
    further = adjust_holm([numbers["p"] for one, numbers in there if one is not PRIMARY])
    adjusted = [numbers["p"] for one, numbers in there if one is PRIMARY] + further
    return [
        {
            "hypothesis": one.pair,
            "endpoint": one.endpoint,
            "says": one.says,
            "primary": one is PRIMARY,
            **{name: numbers[name] for name in ("difference", "ci95", "p")},
            "adjusted": round(p, 5),
            "holds": p < LEVEL and numbers["difference"] > 0 and (kept or one is not PRIMARY),
            "contrary": p < LEVEL and numbers["difference"] < 0,
        }
        for (one, numbers), p in zip(there, adjusted, strict=True)
    ]


def list_made(controls: dict) -> list[tuple[str, int]]:
    """Those of PLANNED that docs/controls.json holds; none where its runs are another model's, say."""
    if any(controls.get("settings", {}).get(name) != value for name, value in PLANNED_WITH.items()):
        return []
    seeds = {task: study["seeds"] for task, study in controls["tasks"].items()}
    return [(task, seed) for task, seed in PLANNED if seed in seeds.get(task, ())]


def find_guards(study: dict) -> dict[str, dict]:
    """The differences of the primary comparison's guards, by endpoint, as far as the study has them."""
    found = {name: study["differences"].get(name, {}).get(PRIMARY.pair) for name in GUARDS}
    return {name: numbers for name, numbers in found.items() if numbers}


def adjust_holm(values: Sequence[float]) -> list[float]:
    """The p values of several tests, each as Holm compares it with the level of all."""
    adjusted, least = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda place: values[place])):
        least = max(least, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = least
    return adjusted
