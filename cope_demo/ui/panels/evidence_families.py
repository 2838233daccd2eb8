"""What another model gives beside the embedded one on the same authors, for the page. The numbers are those of
docs/families.json (`make families`).
"""

from cope_demo.evaluation.hypotheses import WRITTEN
from cope_demo.texts.tasks import TASKS

FOUND = ("identification pairwise", "oppu", "")
"""How often an adapter of OPPU finds its author's text, as families.QUANTITIES names it."""
ALPHAS = ("0.1", "0.5")
"""The alphas of contrast that are drawn."""


def describe_families(data: dict) -> list[dict]:
    """A part for each other model and task, laid out like one of evidence_controls.describe_controls without its table:
    {"label", "lead", "rows": [], "figures"}.
    """
    return [_describe_comparison(one) for one in data["comparisons"]]


def _describe_comparison(found: dict) -> dict:
    names = {kind: identity.split("@")[0] for kind, identity in found["models"].items()}
    numbers = {(one["endpoint"], one["own"], one["over"]): one for one in found["quantities"]}
    lead = (
        f"On the same {found['users']} authors ({found['queries']} texts of theirs, {_count_seeds(found['seeds'])}). "
    )
    if one := numbers.get(FOUND):
        lead += f"Of two authors’ adapters, the right one finds the text likelier in {one['other']['mean']:.0%} of the "
        lead += f"cases ({names['embedded']}: {one['embedded']['mean']:.0%}).{_tell_difference(one)} "
    if one := numbers.get((WRITTEN, "cope", "oppu")):
        lead += (
            f"What CoPe wrote is nearer to its author’s earlier texts than what OPPU wrote by {_points(one['other'])} "
        )
        lead += f"({names['embedded']}: {_points(one['embedded'])}).{_tell_difference(one)}"
    figures = [_draw_found(numbers, names), _draw_changed(numbers, names)]
    return {
        "label": f"{TASKS[found['task']].label}: {names['other']}",
        "lead": lead.replace("%", "\u202f%").strip(),
        "rows": [],
        "figures": [one for one in figures if one["rows"]],
    }


def _draw_found(numbers: dict, names: dict[str, str]) -> dict:
    """How often an adapter finds its author's text, by model."""
    rows = _make_rows(numbers, names, [(*FOUND, "adapters of OPPU")])
    start = max(0.0, min([0.5, *(row["low"] for row in rows)]) - 0.1)
    line = {"name": "chance", "value": 0.5}
    return {"title": "Whose adapter finds a text’s author", "rows": rows, "lines": [line], "start": round(start, 3)}


def _draw_changed(numbers: dict, names: dict[str, str]) -> dict:
    """How many of OPPU's next tokens contrast changes, by alpha and model."""
    asked = [("changed", f"oppu alpha {alpha}", "", f"contrast at alpha {alpha}") for alpha in ALPHAS]
    rows = _make_rows(numbers, names, asked)
    return {"title": "Next tokens that contrast changes", "rows": rows, "lines": [], "start": 0}


def _make_rows(numbers: dict, names: dict[str, str], asked: list[tuple[str, str, str, str]]) -> list[dict]:
    rows = []
    for *key, what in asked:
        for kind, name in names.items() if tuple(key) in numbers else ():
            one = numbers[tuple(key)][kind]
            low, high = one["ci95"] if one["ci95"][0] is not None else (one["mean"], one["mean"])
            rows.append({"name": name, "what": what, "kind": "below", "value": one["mean"], "low": low, "high": high})
    return rows


def _points(interval: dict) -> str:
    return f"{100 * interval['mean']:.1f} points".replace("-", "−")


def _tell_difference(one: dict) -> str:
    """Whether chance may have made the two models differ; nothing where one author alone was measured."""
    low, high = one["difference"]["ci95"]
    if low is None:
        return ""
    return " The difference is more than chance explains." if low > 0 or high < 0 else " The difference may be chance."


def _count_seeds(seeds: list[int]) -> str:
    return "one fit each" if len(seeds) == 1 else f"{len(seeds)} fits each"
