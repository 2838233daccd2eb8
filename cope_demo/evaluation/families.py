"""Another model beside the embedded one, on the same authors with the same seeds: does what a person's adapter knows,
and what contrast changes, grow with the model?

Models cut texts into other tokens, so log-probabilities a token are not compared. A text that was written is told from
other authors' texts among those of its own run (attribution.py), which may have been more for one model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy

from cope_demo.errors import CopeError

from .endpoints import Replicate, Table, count_flips, tabulate_endpoints
from .hypotheses import WRITTEN
from .published import check_alike
from .records import RunRecord
from .replicates import average_authors, estimate_gain, estimate_mean, flip_signs
from .study import share_authors
from .study_summary import round_interval


@dataclass(frozen=True)
class Quantity:
    """What is compared: a method's mean of an endpoint, or with `over` its lead over another method.

    endpoint, own, over: as endpoints.py names them. says: in words.
    """

    endpoint: str
    own: str
    over: str
    says: str

    def read(self, table: Table) -> numpy.ndarray | None:
        """Each author's value, (authors,); None where the table lacks it."""
        found = table.get(self.endpoint, {})
        if not {self.own, self.over or self.own} <= set(found):
            return None
        own = average_authors(found[self.own])
        return own - average_authors(found[self.over]) if self.over else own


ALPHAS = ("0.1", "0.3", "0.5", "1")
QUANTITIES = (
    Quantity("identification pairwise", "oppu", "", "author found in pairs by OPPU's adapters (chance 0.5)"),
    Quantity("identification pairwise", "oppu+dpo", "", "author found in pairs after DPO"),
    Quantity("identification pairwise", "oppu+dpo", "oppu", "the same, after DPO over OPPU"),
    *(
        Quantity("changed", f"oppu alpha {alpha}", "", f"share of OPPU's next tokens that contrast at {alpha} changes")
        for alpha in ALPHAS
    ),
    Quantity("agreement", "oppu alpha 0.1", "oppu", "next token right: OPPU contrasted at 0.1 over OPPU"),
    Quantity("agreement", "oppu alpha 0.5", "oppu", "next token right: OPPU contrasted at 0.5 over OPPU"),
    Quantity("agreement", "cope", "oppu", "next token right: CoPe over OPPU"),
    Quantity(WRITTEN, "oppu", "tam", "written text by letters: OPPU over TAM"),
    Quantity(WRITTEN, "cope", "oppu", "written text by letters: CoPe over OPPU"),
    Quantity("attribution by shapes pairwise", "cope", "oppu", "written text by shapes: CoPe over OPPU"),
    Quantity("rougeL", "oppu", "tam", "ROUGE-L: OPPU over TAM"),
    Quantity("rougeL", "cope", "oppu", "ROUGE-L: CoPe over OPPU"),
)


def compare_families(embedded: Sequence[RunRecord], other: Sequence[RunRecord]) -> dict:
    """What two models give on the authors and seeds of a task that both have.

    embedded, other: one model's runs of the task each. Returns "users", "queries", "seeds", "machine" (of `other`);
    "quantities": a list of {"endpoint", "own", "over", "says", "embedded", "other", "difference", "p"}, the first two
    {"mean", "ci95"}, the difference {"mean", "ci95"} of the other model over the embedded one, paired by author;
    "flips": alpha -> the same two names -> see `count_right_flips`; "fit": what differs in how they were fitted,
    setting -> [embedded, other]. Raises CopeError where they have no seed or author in common, or were measured on
    other data or decoded otherwise.
    """
    names = f"{embedded[0].name} of {embedded[0].plan['model']} and {other[0].plan['model']}"
    check_alike(names, *(_describe_reading(runs[0].plan) for runs in (embedded, other)))
    kept = {"embedded": embedded, "other": other}
    seeds = sorted(set.intersection(*({run.replicate.seed for run in runs} for runs in kept.values())))
    if not seeds:
        raise CopeError("The two models have no seed in common: measure the same seeds with each.")
    shared = share_authors([run.replicate for runs in kept.values() for run in runs if run.replicate.seed in seeds])
    both = {"embedded": shared[: len(seeds)], "other": shared[len(seeds) :]}
    records = shared[0].records.values()
    return {
        "users": len(records),
        "queries": sum(len(record["queries"]) for record in records),
        "seeds": seeds,
        "fit": _list_differing(*(runs[0].plan["fit"] for runs in (embedded, other))),
        "machine": "; ".join(dict.fromkeys(run.machine for run in other if run.replicate.seed in seeds)),
        "quantities": _compare_quantities({name: tabulate_endpoints(own) for name, own in both.items()}),
        "flips": {
            alpha: {name: count_right_flips(own, f"oppu alpha {alpha}") for name, own in both.items()}
            for alpha in ALPHAS
        },
    }


def _describe_reading(plan: dict) -> dict:
    """What two runs must share for their texts to be compared: data and decoding."""
    return {"data_sha256": plan["data_sha256"], **{k: v for k, v in plan["decode"].items() if k != "seed"}}


def _list_differing(one: dict, other: dict) -> dict[str, list]:
    return {name: [one[name], other.get(name)] for name in one if name != "seed" and one[name] != other.get(name)}


def _compare_quantities(tables: Mapping[str, Table]) -> list[dict]:
    read = [(one, {name: one.read(table) for name, table in tables.items()}) for one in QUANTITIES]
    there = [(one, values) for one, values in read if all(own is not None for own in values.values())]
    changes = [values["other"] - values["embedded"] for _, values in there]
    return [
        {
            **{"endpoint": one.endpoint, "own": one.own, "over": one.over, "says": one.says},
            **{name: round_interval("mean", estimate_mean([own])) for name, own in values.items()},
            "difference": round_interval("mean", estimate_mean([change])),
            "p": round(p, 5),
        }
        for (one, values), change, p in zip(there, changes, flip_signs([[change] for change in changes]), strict=True)
    ]


def count_right_flips(replicates: Sequence[Replicate], rule: str) -> dict:
    """What contrast changes of the plain rule's tokens: the counts of endpoints.count_flips, and of the tokens of which
    one side is the author's, the share that became so: "right", with its "ci95" over authors, cut at 0 and 1 (None
    where there is no such token).
    """
    authors = [_count_author(replicates, author, rule) for author in replicates[0].records]
    counts = {name: sum(one[name] for one in authors) for name in authors[0]}
    gained, decided = (numpy.array([one["gained"] + part * one["lost"] for one in authors], float) for part in (0, 1))
    if not decided.any():
        return {**counts, "right": None, "ci95": None}
    ratio = estimate_gain([gained], [decided])  # a ratio of means less 1
    found = round_interval("right", replace(ratio, mean=ratio.mean + 1))
    return {**counts, **found, "ci95": [None if end is None else min(1.0, max(0.0, end)) for end in found["ci95"]]}


def _count_author(replicates: Sequence[Replicate], author: str, rule: str) -> dict[str, int]:
    return count_flips([replace(one, records={author: one.records[author]}) for one in replicates])[rule]
