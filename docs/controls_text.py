"""The measured parts of docs/controls.md: tables as Markdown, made from what docs/controls.json holds."""

from controls_findings import list_findings
from made_parts import fill_parts

from cope_demo.evaluation.hypotheses import PLANNED, list_made
from cope_demo.evaluation.study_text import (
    format_decisions,
    format_differences,
    format_hypotheses,
    format_pairs,
    format_reading,
    format_written,
)
from cope_demo.texts.tasks import TASKS

NOTHING = "Not measured yet."
PARTS = {
    "reading": format_reading,
    "decisions": format_decisions,
    "pairs": format_pairs,
    "written": format_written,
    "differences": format_differences,
}
"""Marker name -> what makes a task's part."""


def fill_controls(text: str, data: dict) -> str:
    """The page with its measured parts made anew; see made_parts.fill_parts."""
    made = {"measured": _measured(data), "findings": list_findings(data) or NOTHING}
    made |= {name: _by_task(data, make) for name, make in PARTS.items()}
    made["hypotheses"] = _decide(data)
    if data["tasks"] and data["pooled"]:
        made["differences"] += f"\n\n**Mean of the tasks**\n\n{format_differences(data['pooled'])}"
    return fill_parts(text, made, "docs/controls.md")


def _measured(data: dict) -> str:
    if not data["tasks"]:
        return NOTHING
    sizes = [
        f"{TASKS[name].label.lower()} with {study['users']} authors, {study['queries']} queries and "
        f"{'one seed' if len(study['seeds']) == 1 else str(len(study['seeds'])) + ' seeds'}"
        for name, study in data["tasks"].items()
    ]
    left_out = [
        f"{author}, {TASKS[name].label.lower()} ({why})"
        for name, study in data["tasks"].items()
        for author, why in study["left_out"].items()
    ]
    told = f" Left out of every method: {'; '.join(left_out)}." if left_out else ""
    model = data["settings"]["model"].split("@")[0]
    return f"Measured with {model}: {'; '.join(sizes)}.{told} Machine: {data['machine']}."


def _decide(data: dict) -> str:
    """The hypotheses by the mean of the tasks and, as a description, by each; while planned runs are missing, that
    nothing is decided."""
    made, parts = list_made(data), []
    if made != PLANNED:
        missing = f"{len(made)} of the {len(PLANNED)} planned runs are made, and nothing is decided before all of them."
        parts.append(missing)
    if data["tasks"] and data["pooled"]:
        parts.append(f"**Mean of the tasks**\n\n{format_hypotheses(data['pooled'], final=made == PLANNED)}")
    return "\n\n".join([*parts, "By task, which is a description and not judged:", _by_task(data, format_hypotheses)])


def _by_task(data: dict, make) -> str:
    parts = [(name, make(study)) for name, study in data["tasks"].items()]
    return "\n\n".join(f"**{TASKS[name].label}**\n\n{part}" for name, part in parts if part) or NOTHING
