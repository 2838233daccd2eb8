"""What another model gives beside the embedded one on the same authors, for the page. The numbers are those of
docs/families.json (`make families`).
"""

from cope_demo.evaluation.hypotheses import WRITTEN
from cope_demo.texts.tasks import TASKS

FOUND = ("identification pairwise", "oppu", "")
"""How often an adapter of OPPU finds its author's text, as families.QUANTITIES names it."""
ALPHA = "0.5"
"""The alpha of contrast that is drawn: at 0.1 a text has a dozen changed tokens."""


def describe_families(data: dict) -> list[dict]:
    """A part for each other model and task, laid out like one of evidence_controls.describe_controls without its table:
    {"label", "lead", "rows": [], "figures"}.
    """
    return [_describe_comparison(one) for one in data["comparisons"]]


def _describe_comparison(found: dict) -> dict:
    names = {kind: identity.split("@")[0] for kind, identity in found["models"].items()}
    numbers = {(one["endpoint"], one["own"], one["over"]): one for one in found["quantities"]}
    lead = (
        f"{names['other']} and {names['embedded']} on the same {found['users']} authors ({found['queries']} of their "
    )
    lead += f"texts, {_count_seeds(found['seeds'])}). "
    if one := numbers.get(FOUND):
        lead += f"Of two authors’ adapters, the right one finds the text likelier in {one['other']['mean']:.0%} of the "
        lead += f"cases ({names['embedded']}: {one['embedded']['mean']:.0%}).{_tell_difference(one)} "
    if one := numbers.get((WRITTEN, "cope", "oppu")):
        lead += f"CoPe’s lead over OPPU in whose earlier texts it is nearer to, by letters: {_points(one['other'])} "
        lead += f"({names['embedded']}: {_points(one['embedded'])}).{_tell_difference(one)}"
    shares = {kind: one for kind, one in found["flips"].get(ALPHA, {}).items() if one["ci95"]}
    changed = numbers.get(("changed", f"oppu alpha {ALPHA}", ""), {})
    figures = [
        _draw("Whose adapter finds a text’s author", numbers.get(FOUND, {}), "mean", names, "chance"),
        _draw(f"Next tokens that contrast at {ALPHA} changes", changed, "mean", names),
        _draw("Of these, where it counts: for the better", shares, "right", names, "as often as not"),
    ]
    return {
        "label": f"{TASKS[found['task']].label}: {names['other']}",
        "lead": lead.replace("%", "\u202f%").strip(),
        "rows": [],
        "figures": [one for one in figures if one["rows"]],
    }


def _draw(title: str, numbers: dict, key: str, names: dict[str, str], half: str = "") -> dict:
    """A figure of both models' shares with their intervals. half: what a half is called, where it is worth a line."""
    rows = []
    for kind in (kind for kind in names if kind in numbers):
        one = numbers[kind]
        low, high = one["ci95"] if one["ci95"][0] is not None else (one[key], one[key])
        rows.append({"name": names[kind], "what": "", "kind": "below", "value": one[key], "low": low, "high": high})
    lines = [{"name": half, "value": 0.5}] if half else []
    return {"title": title, "rows": rows, "lines": lines, "start": 0}


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
