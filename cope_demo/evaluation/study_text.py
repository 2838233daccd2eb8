"""A study's numbers as Markdown tables, for results in a folder and for docs/."""

from collections.abc import Sequence

from .controls import ADAPTERS, RULES
from .hypotheses import MOST, PRIMARY, find_guards, judge_hypotheses

ABSENT = "–"
WRITTEN = {
    "rougeL": "ROUGE-L",
    "attribution by letters pairwise": "by letters",
    "attribution by shapes pairwise": "by shapes",
    "attribution by meaning pairwise": "by meaning",
    "copied": "copied",
    "repeated": "repeated",
}
"""Endpoints of written texts, and their columns."""
READ = {
    "nats": "nats a token",
    "identification": "author found",
    "identification pairwise": "in pairs",
    "margin": "margin, nats a token",
    "agreement": "next token right",
}
"""Endpoints of the adapters on the authors' own texts."""
LISTED = (
    "rougeL",
    "agreement",
    "agreement as written",
    "identification",
    "identification pairwise",
    "nats",
    "attribution by letters pairwise",
)
"""Endpoints whose differences are listed."""


def format_study(title: str, study: dict) -> str:
    """All tables of a study: what was to be decided, written texts, adapters, decisions, pairs, differences."""
    seeds = f"seed {study['seeds'][0]}" if len(study["seeds"]) == 1 else f"{len(study['seeds'])} seeds"
    head = (
        f"{title}: {study['users']} authors, {study['queries']} queries, {seeds}; means over authors of means over "
        "their queries and seeds, in brackets 95 % by Student's t over authors."
    )
    parts = [head, format_hypotheses(study), format_written(study), format_reading(study)]
    parts += [format_decisions(study), format_pairs(study)]
    return "\n\n".join([*filter(None, parts), format_differences(study)]) + "\n"


def format_hypotheses(study: dict, final: bool | None = None) -> str:
    """What was to be decided, by the study's numbers; the primary comparison first.

    final: whether the measurement is all that was planned, so that it decides; None for one that decides nothing, as a
    single task's, which is without Holm's p and results.
    """
    rows = [
        [
            f"**{one['hypothesis']}**" if one["primary"] else one["hypothesis"],
            one["endpoint"],
            with_span(one, "difference", "+.4f"),
            tell_p(one["p"]),
            *([] if final is None else [tell_p(one["adjusted"]), _name_result(one) + ("" if final else " so far")]),
        ]
        for one in judge_hypotheses(study)
    ]
    titles = ["to be decided", "endpoint", "difference", "sign-flip p"]
    titles += [] if final is None else ["by Holm", "result"]
    guards = [f"{name} {with_span(one, 'difference', '+.4f')}" for name, one in find_guards(study).items()]
    told = (
        f"\n\nGuards, `{PRIMARY.own}` over `{PRIMARY.over}`, at most {MOST:+.2f}: {'; '.join(guards)}."
        if guards
        else ""
    )
    return format_table(titles, rows) + told if rows else ""


def tell_p(p: float) -> str:
    return f"{p:.4f}" if p >= 0.0001 else "below 0.0001"


def _name_result(judged: dict) -> str:
    return "holds" if judged["holds"] else "the contrary" if judged["contrary"] else "not shown"


def format_written(study: dict) -> str:
    """Written texts: nearness to the author's text, attribution in pairs, copying and repetition."""
    return _tabulate(study, "what was written", WRITTEN, tuple(WRITTEN))


def format_reading(study: dict) -> str:
    """The authors' own texts as the adapters read them."""
    return _tabulate(study, "the author's text, read by", READ, ("nats",))


def format_decisions(study: dict) -> str:
    """Next-token agreement of every rule, and what its flips gain and lose against the plain rule of its adapter.

    A table for each adapter.
    """
    agreement, tables = study["endpoints"].get("agreement", {}), {}
    for name, rule in RULES.items():
        if name not in agreement:
            continue
        flips, plain = study["flips"][name], ADAPTERS[rule.adapter] if rule.adapter else "tam"
        change = study["differences"]["agreement"].get(f"{name} over {plain}")
        cells = [with_span(agreement[name], "mean")]
        if name == plain:
            cells += [""] * 4
        else:
            share = f"{flips['changed'] / max(1, flips['tokens']):.1%}"
            cells += [share, str(flips["gained"]), str(flips["lost"]), with_span(change, "difference", "+.4f")]
        tables.setdefault(rule.adapter or next(iter(ADAPTERS)), []).append([name, *cells])
    titles = ["rule, on the author's text", "agreement", "tokens changed", "became right", "were right", "difference"]
    return "\n\n".join(format_table(titles, rows) for rows in tables.values())


def format_pairs(study: dict) -> str:
    """What OPPU ranks right before DPO."""
    rows = [
        [
            {"train": "trained on", "held_out": "held out"}.get(part, part),
            f"{counts['right']} of {counts['candidates']} ({counts['right'] / counts['candidates']:.1%})",
            f"{counts['rejected_right']} of {counts['texts']} ({counts['rejected_right'] / counts['texts']:.1%})",
        ]
        for part, counts in study.get("pairs", {}).items()
    ]
    titles = ["OPPU ranks the own text above, before DPO", "a candidate", "the rejected one"]
    return format_table(titles, rows) if rows else ""


def format_differences(study: dict, endpoints: Sequence[str] = LISTED) -> str:
    """Differences paired within author and seed, with the sign-flip test and where their variance comes from.

    A table for each endpoint.
    """
    tables = []
    for endpoint in (name for name in endpoints if name in study["differences"]):
        rows = []
        for pair, numbers in study["differences"][endpoint].items():
            if pair.split(" over ")[0] in RULES and pair.split(" over ")[0] not in (*ADAPTERS.values(), "tam"):
                continue  # the table of decisions has it
            parts = numbers.get("components") or {}
            spread = [_number(parts.get(name), ".3f") for name in ("author", "refit", "query")]
            gain = with_span(numbers, "gain", "+.1%", "gain_ci95") if "gain" in numbers else ABSENT
            cells = [with_span(numbers, "difference", "+.4f"), gain, f"{numbers['p']:.3f}"]
            rows.append([pair, *cells, _number(numbers["detectable"], ".4f"), *spread])
        titles = [endpoint, "difference", "gain", "sign-flip p", "detectable", "SD author", "refit", "query"]
        tables += [format_table(titles, rows)] if rows else []
    return "\n\n".join(tables)


def format_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(cells)} |" for cells in (titles, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(titles), *lines[1:]])


def _tabulate(study: dict, title: str, columns: dict[str, str], lead: Sequence[str]) -> str:
    """A line a method that any endpoint of `lead` has, a column an endpoint."""
    there = {name: label for name, label in columns.items() if name in study["endpoints"]}
    methods = dict.fromkeys(method for name in lead for method in study["endpoints"].get(name, ()))
    rows = [
        [method, *(with_span(study["endpoints"][name].get(method), "mean") for name in there)] for method in methods
    ]
    return format_table([title, *there.values()], rows) if rows else ""


def with_span(numbers: dict | None, name: str, form: str = ".3f", ends: str = "ci95") -> str:
    if not numbers:
        return ABSENT
    low, high = numbers[ends]
    span = "" if low is None else f" [{low:{form}}, {high:{form}}]"
    return f"{numbers[name]:{form}}{span}"


def _number(value: float | None, form: str) -> str:
    return ABSENT if value is None else f"{value:{form}}"
