"""Does it work, in one sentence that asks for no term, and on how many authors it rests: computed from the results."""

from cope_demo.decode.methods import METHODS

OPENINGS = {2: "Yes", 1: "In part", 0: "It cannot be told yet"}
"""By how many of the two comparisons come out for CoPe beyond chance."""
MODELS = {
    "tam": "a model that knows only the kind of writing",
    "oppu": f"a plain fit on the author’s texts ({METHODS['oppu'].label})",
}


def answer_question(published: dict, controls: dict) -> dict | None:
    """{"sentence", "rests"} of docs/results.json and docs/controls.json; None where CoPe was compared with nothing."""
    measured = _find_widest(published)
    if measured is None:
        return None
    numbers, kinds = measured
    clauses = [
        (over, *_read_gain(numbers, over)) for over in MODELS if "cope" in numbers["relative_gain"].get(over, {})
    ]
    if not clauses:
        return None
    above = sum(low > 0 for _, _, low, _ in clauses)
    worse = all(high < 0 for _, _, _, high in clauses)
    opening = "No" if worse else OPENINGS[2 if above == len(clauses) else min(above, 1)]
    told = ", and ".join(_compare(*clause) for clause in clauses)
    authors = sum(published["tasks"][name]["users"] for name in kinds)
    rests = f"It rests on {authors} authors of {count_kinds(len(kinds))}, by the words that both texts share (ROUGE-L)"
    studies = controls["tasks"].values()
    if studies:
        few = sum(study["users"] for study in studies)
        rests += f"; the controls below on {few} authors of {count_kinds(len(studies))}"
    return {"sentence": f"{opening}: what CoPe writes is {told}.", "rests": f"{rests}."}


def _find_widest(published: dict) -> tuple[dict, list[str]] | None:
    """The numbers that rest on the most tasks, and the tasks' names."""
    tasks, pooled = published["tasks"], published.get("pooled")
    if pooled and "cope" in pooled["methods"]:
        return pooled, list(pooled["tasks"])
    name = next((name for name, task in tasks.items() if "cope" in task["methods"]), None)
    return None if name is None else (tasks[name], [name])


def _read_gain(numbers: dict, over: str) -> tuple[float, float, float]:
    low, high = numbers["relative_gain_ci95"][over]["cope"]["rougeL"]
    return numbers["relative_gain"][over]["cope"]["rougeL"], low, high


def _compare(over: str, gain: float, low: float, high: float) -> str:
    if low <= 0 <= high and float(f"{gain:.3f}") == 0:
        return f"no nearer than that of {MODELS[over]}"
    way = f"{abs(gain):.1%}".replace("%", "\u202f%") + (" nearer" if gain > 0 else " less near")
    return f"{way} to the author’s own words than that of {MODELS[over]}, {tell_chance(low, high)}"


def tell_chance(low: float, high: float) -> str:
    """Whether chance may have made a difference with this 95 % interval."""
    return "more than chance explains" if low > 0 or high < 0 else "which may be chance"


def count_kinds(count: int) -> str:
    """How many kinds of writing, in words."""
    return "one kind of writing" if count == 1 else f"{count} kinds of writing"
