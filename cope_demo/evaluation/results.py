"""An evaluation's rows as a table: means, intervals over users, gains; as JSON and as Markdown."""

import json
from collections.abc import Sequence
from pathlib import Path

from cope_demo.system.files import write_whole

from .significance import Bootstrap

NAMES = {"rouge1": "ROUGE-1", "rougeL": "ROUGE-L", "meteor": "METEOR"}
REFERENCES = ("tam", "oppu")
"""What the gains are over."""


def summarize_rows(rows: Sequence[dict], methods: Sequence[str], metrics: Sequence[str], seed: int = 0) -> dict:
    """Means over queries, 95 % intervals by bootstrap over users, and relative gains over REFERENCES.

    rows: lines of predictions.jsonl; every user has every method on the same queries. A method's "bits_over_tam" is the
    relative difference of its bits a token from tam's, and the ends of its interval.
    """
    users = sorted({row["user"] for row in rows})
    boots = {metric: Bootstrap(group_by_user(rows, methods, metric), seed) for metric in metrics}
    numbers = compare_methods(boots, methods)
    table = numbers["methods"]
    for method in methods:
        own = [row for row in rows if row["method"] == method]
        if own[0]["bits"] is not None:
            table[method]["bits_per_token"] = round(sum(row["bits"] for row in own) / len(own), 4)
        table[method]["seconds"] = round(sum(row["seconds"] for row in own) / len(own), 3)
    likely = [method for method in methods if "bits_per_token" in table[method]]
    if REFERENCES[0] in likely:
        boot = Bootstrap(group_by_user(rows, likely, "bits"), seed)
        for method in likely:
            change, span = boot.gain(method, REFERENCES[0]), boot.gain_interval(method, REFERENCES[0])
            table[method]["bits_over_tam"] = [round(change, 4), *_pair(span)]
    queries = len({(row["user"], row["query"]) for row in rows})
    return {"users": len(users), "queries": queries, **numbers}


def compare_methods(boots: dict[str, Bootstrap], methods: Sequence[str]) -> dict:
    """metric -> Bootstrap as numbers: "methods", "ci95", "relative_gain" over REFERENCES and "relative_gain_ci95"."""
    table = {m: {metric: round(boot.mean(m), 4) for metric, boot in boots.items()} for m in methods}
    intervals = {m: {metric: _pair(boot.interval(m)) for metric, boot in boots.items()} for m in methods}
    gains, gain_intervals = {}, {}
    for over in REFERENCES:
        others = [m for m in methods if m != over] if over in methods else []
        gains[over] = {m: {k: round(boot.gain(m, over), 4) for k, boot in boots.items()} for m in others}
        gain_intervals[over] = {m: {k: _pair(boot.gain_interval(m, over)) for k, boot in boots.items()} for m in others}
    return {"methods": table, "relative_gain": gains, "ci95": intervals, "relative_gain_ci95": gain_intervals}


def write_results(out: Path, result: dict) -> None:
    """Writes results.json and results.md into the run's folder."""
    write_whole(out / "results.json", json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    write_whole(out / "results.md", format_markdown(result))


def format_markdown(result: dict) -> str:
    """The table for people: a line a method, intervals in brackets, gains in ROUGE-L."""
    gains = [over for over in REFERENCES if result["relative_gain"].get(over)]
    titles = ["method", *NAMES.values(), *(f"ROUGE-L over {over}" for over in gains), "bits a token", "s a query"]
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for method, values in result["methods"].items():
        cells = [f"{values[m]:.4f} [{_span(result['ci95'][method][m], '.4f')}]" for m in NAMES]
        for over in gains:
            gain = result["relative_gain"][over].get(method)
            span = _span(result["relative_gain_ci95"][over][method]["rougeL"], "+.1%") if gain else ""
            cells.append(f"{gain['rougeL']:+.1%} [{span}]" if gain else "")
        bits = values.get("bits_per_token")
        cells += ["" if bits is None else f"{bits:.3f}", f"{values['seconds']:.2f}"]
        lines.append(f"| {' | '.join([method, *cells])} |")
    head = (
        f"{result['task']}: {result['users']} users, {result['queries']} queries; means over queries, 95 % intervals "
    )
    notes = [f"- {user}: {why}" for user, why in result.get("skipped", {}).items()]
    left_out = ["", "Not measured:", *notes] if notes else []
    return "\n".join([head + "by paired bootstrap over users.", "", *lines, *left_out]) + "\n"


def group_by_user(rows: Sequence[dict], methods: Sequence[str], metric: str) -> dict[str, dict[str, list[float]]]:
    """The rows of these methods as Bootstrap takes them."""
    values: dict[str, dict[str, list[float]]] = {method: {} for method in methods}
    for row in rows:
        if row["method"] in values:
            values[row["method"]].setdefault(row["user"], []).append(row[metric])
    return values


def _pair(interval: tuple[float, float]) -> list[float]:
    return [round(value, 4) for value in interval]


def _span(pair: Sequence[float], form: str) -> str:
    return f"{pair[0]:{form}}, {pair[1]:{form}}"
