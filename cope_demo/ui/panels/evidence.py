"""Does it work? What was measured on texts of real authors, folded near the end of the page; no model runs for it.

The numbers are those of docs/results.json, which docs/RESULTS.md is made from too (`make results`).
"""

from pathlib import Path

import gradio as gr

from cope_demo.decode.methods import METHODS, list_evaluated
from cope_demo.evaluation.published import AGAINST, MEASURED, list_contrasting, read_controls, read_published
from cope_demo.texts.tasks import TASKS
from cope_demo.ui.component import panel, say

from .answer import answer_question

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
        return panel("evidence", say(describe_evidence(read_published(), read_controls())), "evidence")


def describe_evidence(published: dict, controls: dict) -> dict:
    """The panel's value: one sentence, what was measured, and the controls."""
    answer = answer_question(published, controls)
    return {"answer": answer, **describe_results(published), "controls": describe_controls(controls)}


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


def describe_controls(data: dict) -> list[dict]:
    """What docs/controls.json holds, a part a task: what an adapter knows of its author, and what contrast changes."""
    return [_describe_task_controls(TASKS[name].label, study) for name, study in data["tasks"].items()]


READERS = (
    ("tam", "TAM", "nobody’s adapter"),
    ("oppu", "OPPU", "the author’s own"),
    ("oppu swapped", "OPPU, swapped", "the other authors’, mean"),
    ("oppu+dpo", "CoPe without contrast", "the author’s own"),
    ("oppu+dpo swapped", "CoPe, swapped", "the other authors’, mean"),
)
"""Who reads the author's own text: the method in the study, its name here, and whose adapter it is."""


def _describe_task_controls(label: str, study: dict) -> dict:
    means = {name: {m: one["mean"] for m, one in many.items()} for name, many in study["endpoints"].items()}
    found, flips, users = means.get("identification", {}).get("oppu"), study["flips"], study["users"]
    lead = f"{users} authors, {study['queries']} of their own unseen texts. "
    if found is not None:
        lead += f"For {found:.0%} of them, of all {users} adapters, the author’s own finds the text likeliest "
        lead += f"(by chance for {1 / users:.0%}). "
    for rule in (name for name in ("oppu alpha 0.1", "oppu alpha 0.5") if flips.get(name, {}).get("tokens")):
        one = flips[rule]
        lead += (
            f"Contrast at alpha {rule.split()[-1]} changes {one['changed'] / one['tokens']:.1%} of OPPU’s next tokens: "
            f"{one['gained']} become the author’s own, {one['lost']} were. "
        )
    columns = ("nats", "identification", "identification pairwise", "agreement")
    rows = [
        {"name": name, "what": what, "values": [means.get(column, {}).get(method) for column in columns]}
        for method, name, what in READERS
        if method in means.get("nats", {})
    ]
    figures = [_draw_found(study), _draw_flips(flips)]
    lead = lead.replace("%", "\u202f%").strip()
    return {"label": label, "lead": lead, "rows": rows, "figures": [one for one in figures if one]}


def _draw_found(study: dict) -> dict | None:
    """How often each reader finds the author of a text, with its interval, beside chance."""
    found = study["endpoints"].get("identification", {})
    rows = [
        {
            "name": name,
            "kind": _describe_method(method.split()[0])["kind"],
            "value": one["mean"],
            "low": low,
            "high": high,
        }
        for method, name, _ in READERS
        if (one := found.get(method)) and one.get("ci95")
        for low, high in [one["ci95"]]
    ]
    chance = {"name": "chance", "value": 1 / study["users"]}
    return {"title": "Whose adapter finds a text’s author", "rows": rows, "lines": [chance]} if rows else None


def _draw_flips(flips: dict) -> dict | None:
    """Of OPPU's next tokens that contrast changes: how many became the author's own, how many were before."""
    rows = [
        {"name": f"alpha {alpha}", "gained": one["gained"], "lost": one["lost"], "of": one["changed"]}
        for alpha in ("0.1", "0.3", "0.5", "1")
        if (one := flips.get(f"oppu alpha {alpha}"))
    ]
    return {"title": "What contrast changes", "flips": rows} if rows else None


def _describe_group(label: str, numbers: dict) -> dict:
    rows, task = [], "users" in numbers  # the mean of tasks has only what all of them have
    for method in (m for m in list_evaluated() if task and METHODS[m].paper or m in numbers["methods"]):
        row = {**_describe_method(method), "what": METHODS[method].brief, "value": None}
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
        texts.append({**_describe_method(method), "text": one[method]["text"], "value": one[method]["rougeL"]})
    return {"title": f"{_RULES[one['rule']]}: {one['author']}", "source": one["source"], "texts": texts}


def _describe_method(name: str) -> dict[str, str]:
    """A method's name, label and colour: "below" for OPPU's adapter, "above" for CoPe's, "" for neither."""
    method = METHODS[name]
    kind = {"oppu": "below", "cope": "above"}[method.adapter] if method.personal else ""
    return {"method": name, "name": method.label.format(other="another author"), "kind": kind}


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
                **_describe_method(one["method"]),
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
