"""What the controls say of the methods, for the page: whose earlier texts a written text is nearest to, what an adapter
knows of its author, and what contrast changes. The numbers are those of docs/controls.json (`make controls`).
"""

from cope_demo.decode.methods import METHODS
from cope_demo.evaluation.hypotheses import PLANNED, PRIMARY, WRITTEN, list_made
from cope_demo.texts.tasks import TASKS

from .answer import count_kinds, tell_chance

WRITERS = (
    ("tam", "TAM", "adapter of the task"),
    ("oppu swapped", "OPPU, swapped", "another author’s adapter"),
    ("oppu", "OPPU", "adapter of the author"),
    ("cope", "CoPe", "DPO and contrast"),
    ("gold", "The author", "what they wrote themselves"),
)
"""Who wrote: the method in the study, its name here, and whose adapter it is."""
LEADS = (("oppu", "tam"), PRIMARY.pair.split(" over "))
"""The comparisons that are told of."""


def describe_method(name: str) -> dict[str, str]:
    """A method's name, label and colour: "below" for OPPU's adapter, "above" for CoPe's, "" for neither."""
    method = METHODS[name]
    kind = {"oppu": "below", "cope": "above"}[method.adapter] if method.personal else ""
    return {"method": name, "name": method.label.format(other="another author"), "kind": kind}


def describe_written(data: dict) -> dict | None:
    """How often what each method wrote is nearer to its own author's history than to another's: the mean of the tasks,
    or the one task's. None where CoPe was not measured.
    """
    studies = list(data["tasks"].values())
    study = data.get("pooled") or (studies[0] if len(studies) == 1 else None)
    if study is None or "cope" not in study["endpoints"].get(WRITTEN, {}):
        return None
    share = study["endpoints"][WRITTEN]["cope"]["mean"]
    lead = "Laid between its author’s earlier texts and another author’s, what CoPe wrote is nearer to its author’s in "
    lead += f"{share:.0%} of the cases, by letters; a coin would say 50%. "
    lead += " ".join(filter(None, (_tell_lead(study, *pair) for pair in LEADS)))
    made = len(list_made(data))
    rests = f"{sum(one['users'] for one in studies)} authors of {count_kinds(len(studies))}; {made} of the "
    rests += f"{len(PLANNED)} planned runs are made"
    rests += "." if made == len(PLANNED) else ", and nothing is decided before all are."
    return {"lead": _set_percent(lead), "rests": rests, "figure": _draw_written(study)}


def _tell_lead(study: dict, own: str, over: str) -> str:
    """By how many points one method is above another, and whether that is chance."""
    numbers = study["differences"].get(WRITTEN, {}).get(f"{own} over {over}")
    if numbers is None:
        return ""
    lead, (low, high) = (100 * numbers["difference"], (100 * end for end in numbers["ci95"]))
    way = "ahead of" if lead >= 0 else "behind"
    span = f"({low:+.1f} to {high:+.1f})".replace("-", "−")
    far = f"{abs(lead):.1f} points {way} {METHODS[over].label} {span}"
    return f"{METHODS[own].label} is {far}, {tell_chance(low, high)}."


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
    seeds = len(study["seeds"])
    read = f", each read with the adapters of {seeds} fits, which are counted together" if seeds > 1 else ""
    lead = f"{users} authors, {study['queries']} of their own unseen texts{read}. "
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
    figures = [_draw_written(study), _draw_flips(flips), _draw_found(study)]
    return {"label": label, "lead": _set_percent(lead), "rows": rows, "figures": [one for one in figures if one]}


def _draw_written(study: dict) -> dict | None:
    """How often what each wrote is nearer to its author's history than to another's, beside chance."""
    return _draw_shares("Whose earlier texts it is nearer to", study, WRITTEN, WRITERS, 0.5)


def _draw_found(study: dict) -> dict | None:
    """How often each reader finds the author of a text, with its interval, beside chance."""
    return _draw_shares("Whose adapter finds a text’s author", study, "identification", READERS, 1 / study["users"])


def _draw_shares(title: str, study: dict, endpoint: str, names: tuple, chance: float) -> dict | None:
    """A figure of an endpoint's means and intervals, from a tenth below the lowest on; None where nobody has any."""
    found = study["endpoints"].get(endpoint, {})
    rows = []
    for method, name, what in names:
        if one := found.get(method):
            own = method.split()[0]
            kind = describe_method(own)["kind"] if own in METHODS else ""
            low, high = one["ci95"]
            rows.append({"name": name, "what": what, "kind": kind, "value": one["mean"], "low": low, "high": high})
    start = max(0, min([chance, *(row["low"] for row in rows)]) - 0.1)
    line = {"name": "chance", "value": chance}
    return {"title": title, "rows": rows, "lines": [line], "start": round(start, 3)} if rows else None


def _draw_flips(flips: dict) -> dict | None:
    """Of OPPU's next tokens that contrast changes: how many became the author's own, how many were before."""
    rows = [
        {"name": f"alpha {alpha}", "gained": one["gained"], "lost": one["lost"], "of": one["changed"]}
        for alpha in ("0.1", "0.3", "0.5", "1")
        if (one := flips.get(f"oppu alpha {alpha}"))
    ]
    return {"title": "What contrast changes", "flips": rows} if rows else None


def _set_percent(text: str) -> str:
    return text.replace("%", "\u202f%").strip()
