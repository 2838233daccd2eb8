"""A study's table of endpoints as numbers: means with intervals over authors, and the differences that were asked for.

One or several tasks: each counts once, and only authors of the same task are compared.
"""

from collections.abc import Iterable, Sequence

from .controls import ADAPTERS, RULES
from .endpoints import Replicate, Table
from .replicates import (
    Interval,
    average_authors,
    estimate_components,
    estimate_gain,
    estimate_mean,
    flip_signs,
    subtract,
)

PAIRS = (
    ("oppu", "tam"),
    ("oppu-scaled", "oppu"),
    ("oppu+cd", "oppu"),
    ("oppu+cd", "oppu-scaled"),
    ("oppu+dpo", "oppu"),
    ("cope", "oppu"),
    ("cope", "tam"),
    ("cope", "oppu-scaled"),
    ("oppu-against-mean", "oppu"),
    ("against-mean", "cope"),
    ("against", "cope"),
    ("oppu+retrieval", "oppu"),
    ("oppu+cd+retrieval", "oppu+retrieval"),
    ("cope+retrieval", "cope"),
    ("oppu", "oppu swapped"),
    ("oppu+dpo", "oppu+dpo swapped"),
    ("cope", "cope swapped"),
    ("oppu swapped", "tam"),
    ("oppu sampled", "tam sampled"),
    ("oppu+dpo sampled", "oppu sampled"),
    ("cope sampled", "oppu sampled"),
)
"""What is compared wherever an endpoint has both; a rule of the controls also with the plain one of its adapter."""
NO_DIFFERENCES = ("changed",)
"""Endpoints that are differences themselves."""


def summarize_table(tables: Sequence[Table]) -> dict:
    """{"endpoints": endpoint -> method -> {"mean", "ci95"}, "differences": endpoint -> "A over B" -> numbers}.

    tables: one for each task. Numbers of a difference: "difference" with "ci95", its sign-flip "p", the smallest
    "detectable" one, "gain" with "gain_ci95" where the reference is above 0, and with one task the "components" of its
    variance. An endpoint or method that a task lacks is left out.
    """
    endpoints, differences, compared = {}, {}, []
    for endpoint in (name for name in tables[0] if all(name in table for table in tables)):
        parts = [table[endpoint] for table in tables]
        methods = [name for name in parts[0] if all(name in part for part in parts)]
        groups = {name: [average_authors(part[name]) for part in parts] for name in methods}
        endpoints[endpoint] = {name: round_interval("mean", estimate_mean(groups[name])) for name in methods}
        if endpoint not in NO_DIFFERENCES:
            differences[endpoint] = {}
            compared += [(endpoint, parts, groups, own, over) for own, over in _list_pairs(methods)]
    changes = [_subtract_groups(groups[own], groups[over]) for _, _, groups, own, over in compared]
    for (endpoint, parts, groups, own, over), p in zip(compared, flip_signs(changes), strict=True):
        differences[endpoint][f"{own} over {over}"] = _compare(parts, groups, own, over, p)
    return {"endpoints": endpoints, "differences": differences}


def count_pairs(replicates: Iterable[Replicate]) -> dict[str, dict[str, int]]:
    """The pairs that OPPU ranks right before DPO, of all fits together; see controls.count_right_pairs."""
    total: dict[str, dict[str, int]] = {}
    for record in (record for one in replicates for record in one.records.values()):
        for part, counts in record.get("pairs", {}).items():
            have = total.setdefault(part, dict.fromkeys(counts, 0))
            for name, count in counts.items():
                have[name] += count
    return total


def _list_pairs(methods: Sequence[str]) -> list[tuple[str, str]]:
    rules = [
        (name, ADAPTERS[rule.adapter])
        for name, rule in RULES.items()
        if rule.adapter and name in methods and name != ADAPTERS[rule.adapter]
    ]
    return [pair for pair in (*PAIRS, *rules) if set(pair) <= set(methods)]


def _subtract_groups(own: Sequence, over: Sequence) -> list:
    return [mine - other for mine, other in zip(own, over, strict=True)]


def _compare(parts: Sequence[dict], groups: dict[str, list], own: str, over: str, p: float) -> dict:
    found = estimate_mean(_subtract_groups(groups[own], groups[over]))
    numbers = {
        **round_interval("difference", found),
        "p": round(p, 5),
        "detectable": _round(found.detectable),
    }
    if sum(group.mean() for group in groups[over]) > 0:
        gain = estimate_gain(groups[own], groups[over])
        numbers |= {"gain": _round(gain.mean), "gain_ci95": [_round(end) for end in gain.ends]}
    if len(parts) == 1:
        numbers["components"] = estimate_components(subtract(parts[0][own], parts[0][over]))
    return numbers


def round_interval(name: str, interval: Interval) -> dict:
    """{`name`: the estimate, "ci95": [low, high]}; an end is None where one author leaves it open."""
    return {name: _round(interval.mean), "ci95": [_round(end) for end in interval.ends]}


def _round(value: float) -> float | None:
    """None for what one author leaves open, as JSON has no infinity. What is nearly 0 keeps its sign."""
    return (round(value, 5) or float(f"{value:.1g}")) if abs(value) != float("inf") else None
