"""Does it work? What was measured on texts of real authors, folded near the end of the page; no model runs for it.

The numbers are those of docs/results.json, which docs/RESULTS.md is made from too (`make results`), and of
docs/controls.json (evidence_controls.py) and docs/families.json (evidence_families.py).
"""

from pathlib import Path

import gradio as gr

from cope_demo.decode.methods import METHODS, list_evaluated
from cope_demo.evaluation.published import (
    AGAINST,
    MEASURED,
    list_contrasting,
    read_controls,
    read_families,
    read_published,
)
from cope_demo.texts.tasks import TASKS
from cope_demo.ui.component import panel, say

from .answer import answer_question
from .evidence_controls import describe_controls, describe_method, describe_written
from .evidence_families import describe_families

CSS = Path(__file__).with_name("evidence.css")
LIMITS = (
    "Higher is nearer to the author’s own words, which is not yet sounding like the author; and what holds for this "
    "model need not hold for another (the paper’s have 7 billion parameters). Intervals are over authors: one task’s "
    "numbers move by several per cent when the fits are repeated."
)

_RULES = {
    "median": "The median author’s most ordinary query",
    "worst": "The query at which CoPe loses most against OPPU",
}
"""By what rule an example was chosen (docs/results_examples.py)."""


def evidence_panel() -> gr.HTML:
    """Lays the part out. Nothing of it changes while the page runs."""
    with gr.Accordion("Does it work? What was measured", open=False, elem_id="evidence"):
        return panel("evidence", say(describe_evidence(read_published(), read_controls(), read_families())), "evidence")


def describe_evidence(published: dict, controls: dict, families: dict) -> dict:
    """The panel's value: one sentence, whose the written texts look like, what was measured, the controls, and other
    models.
    """
    told = {"answer": answer_question(published, controls), "written": describe_written(controls)}
    told |= {"controls": describe_controls(controls), "families": describe_families(families)}
    return {**told, **describe_results(published)}


def describe_results(data: dict) -> dict:
    """What docs/results.json holds, as the panel's value."""
    tasks = data["tasks"]
    absent = [TASKS[name].label for name in MEASURED if name not in tasks]
    if not tasks:
        return {"state": "none", "absent": absent}
    groups = [_describe_group(TASKS[name].label, task) for name, task in tasks.items()]
    if data["pooled"]:
        first = "cope" in data["pooled"]["methods"]  # else it would hide the method that this is about
        groups.insert(0 if first else len(groups), _describe_group("Mean of tasks", data["pooled"]))
    authors = sorted({task["users"] for task in tasks.values()})
    queries = sum(task["queries"] for task in tasks.values())
    each = f"{authors[0]} to {authors[-1]}" if len(authors) > 1 else f"{authors[0]}"
    intro = (
        f"Real authors’ newest texts ({queries}, of {each} authors a task) written anew by "
        f"{data['model'].split('@')[0]} in 4 bit and compared with what the author wrote. ROUGE and METEOR count the "
        "words that both share, 0 to 1."
    )
    sweeps = [_describe_sweep(TASKS[name].label, task) for name, task in tasks.items() if task["sweep"]]
    return {"state": "open", "intro": intro, "limits": LIMITS, "groups": groups, "sweeps": sweeps, "absent": absent}


def _describe_group(label: str, numbers: dict) -> dict:
    rows, task = [], "users" in numbers  # the mean of tasks has only what all of them have
    for method in (m for m in list_evaluated() if task and METHODS[m].paper or m in numbers["methods"]):
        row = {**describe_method(method), "what": METHODS[method].brief, "value": None}
        if method in numbers["methods"]:
            own, (low, high) = numbers["methods"][method], numbers["ci95"][method]["rougeL"]
            others = [own["rouge1"], own["meteor"], own.get("bits_per_token"), own.get("seconds")]
            row |= {"value": own["rougeL"], "low": low, "high": high, "others": others}
        rows.append(row)
    size = f"{numbers['users']} authors, {numbers['queries']} queries." if task else "The methods that all tasks have."
    lead = f"{size} " + " ".join(filter(None, [_describe_gain(numbers, over) for over in AGAINST]))
    examples = [_describe_example(one) for one in numbers.get("examples", [])]
    written = {text["method"] for example in examples for text in example["texts"]}
    rows = [{**row, "texts": row["method"] in written} for row in rows]
    return {"label": label, "lead": lead, "rows": rows, "examples": examples}


def _describe_example(one: dict) -> dict:
    """What the author wrote, and what the methods wrote in its place."""
    gold = one["gold"] + (" […]" if one["cut"] else "")
    texts = [{"method": "", "name": "what the author wrote", "kind": "", "text": gold, "value": None}]
    for method in (name for name in METHODS if name in one):
        texts.append({**describe_method(method), "text": one[method]["text"], "value": one[method]["rougeL"]})
    return {"title": f"{_RULES[one['rule']]}: {one['author']}", "source": one["source"], "texts": texts}


def _describe_gain(numbers: dict, over: str) -> str:
    """What may be said of CoPe against another method, in ROUGE-L."""
    gain = numbers["relative_gain"].get(over, {}).get("cope")
    if not gain:
        return ""
    low, high = numbers["relative_gain_ci95"][over]["cope"]["rougeL"]
    span = f"{_format_percent(gain['rougeL'])} ({_format_percent(low)} to {_format_percent(high)})"
    name = METHODS[over].label
    if low > 0:
        return f"CoPe’s ROUGE-L is above {name}’s by {span}."
    if high < 0:
        return f"CoPe’s ROUGE-L is below {name}’s, by {span}."
    return f"CoPe cannot be told from {name} in ROUGE-L: {span}."


def _format_percent(share: float) -> str:
    return f"{share:+.1%}".replace("-", "−").replace("%", "\u202f%")


def _describe_sweep(label: str, task: dict) -> dict:
    """The sweep's two tables: over alpha at the main tau, and over tau at the main alpha."""
    parts = []
    for moved, fixed in (("alpha", "tau"), ("tau", "alpha")):
        points = [one for one in task["sweep"]["points"] if one[fixed] == task[fixed]]
        rows = [
            {
                "at": f"{one[moved]:g}",
                **describe_method(one["method"]),
                "value": one["rougeL"],
                "low": one["ci95"][0],
                "high": one["ci95"][1],
            }
            for one in sorted(points, key=lambda one: (one[moved], list_contrasting().index(one["method"])))
        ]
        if len({row["at"] for row in rows}) > 1:
            parts.append({"moved": moved, "fixed": f"{fixed} {task[fixed]:g}", "rows": rows})
    against = [{"name": METHODS[m].label, "value": one["rougeL"]} for m, one in task["sweep"]["against"].items()]
    size = f"{task['sweep']['users']} authors, {task['sweep']['queries']} queries"
    return {"label": label, "size": size, "parts": parts, "against": against}
