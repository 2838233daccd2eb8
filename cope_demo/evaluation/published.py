"""The evaluations that are published: many runs of `evaluate` put together, as docs/results.json holds them.

A task may have been measured in several runs: those with the same alpha and tau are put together, method by method, and
the runs at other values are its sweep. Every number is computed from the runs' predictions, and whatever is compared is
compared on the very same queries.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cope_demo.config import DecodeConfig, complete_plan
from cope_demo.decode.methods import METHODS, list_evaluated
from cope_demo.errors import CopeError
from cope_demo.paths import ROOT
from cope_demo.system.files import read_json_lines
from cope_demo.texts.tasks import TASKS

from .metrics import METRICS
from .results import compare_methods, group_by_user, summarize_rows
from .significance import Bootstrap, Pooled

PUBLISHED = ROOT / "docs" / "results.json"
CONTROLS = ROOT / "docs" / "controls.json"
FAMILIES = ROOT / "docs" / "families.json"
MEASURED = tuple(name for name in TASKS if name != "free_writing")
"""The tasks that there is data for."""
AGAINST = ("tam", "oppu")
"""Methods that a sweep over alpha and tau shows beside those that they change."""


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its plan (evaluate.Plan), its rows by method and (user, query), authors left out."""

    folder: Path
    plan: dict
    rows: dict[str, dict[tuple[str, str], dict]]
    skipped: int

    @property
    def point(self) -> tuple[float, float]:
        """Its alpha and tau."""
        return self.plan["decode"]["alpha"], self.plan["decode"]["tau"]


def read_published() -> dict:
    """What docs/results.json holds; nothing where there is no such file."""
    return json.loads(PUBLISHED.read_text("utf-8")) if PUBLISHED.exists() else {"tasks": {}}


def read_controls() -> dict:
    """What docs/controls.json holds; nothing where there is no such file."""
    return json.loads(CONTROLS.read_text("utf-8")) if CONTROLS.exists() else {"tasks": {}, "pooled": None}


def read_families() -> dict:
    """What docs/families.json holds; nothing where there is no such file."""
    return json.loads(FAMILIES.read_text("utf-8")) if FAMILIES.exists() else {"comparisons": []}


def read_runs(folder: Path) -> tuple[list[Run], list[str]]:
    """The finished runs anywhere below `folder`, in the order of their paths, and the names of unfinished ones.

    Raises CopeError when there is none, or when runs that would be compared differ in more than task, methods, authors,
    alpha and tau.
    """
    runs, unfinished = [], []
    for path in sorted(Path(folder).rglob("plan.json")):
        if (path.parent / "results.json").exists():
            runs.append(read_run(path.parent))
        else:
            unfinished.append(path.parent.name)
    if not runs:
        raise CopeError(f"There is no finished run of evaluate below {folder}: each has plan.json and results.json.")
    for run in runs:
        first_of_task = next(other for other in runs if other.plan["task"] == run.plan["task"])
        for other, read in ((runs[0], _read_common), (first_of_task, _read_common_of_task)):
            names = " and ".join(str(one.folder.relative_to(folder)) for one in (run, other))
            check_alike(names, read(run), read(other))
    return runs, unfinished


def check_alike(names: str, one: dict, other: dict) -> None:
    """Raises CopeError, which names both runs and what differs, where these settings of theirs do."""
    if differing := [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]:
        raise CopeError(
            f"{names} differ in {', '.join(differing)}, so their numbers do not belong in one table: keep them in "
            "different folders."
        )


def gather(runs: Sequence[Run], seed: int = 0) -> dict:
    """The runs' numbers: {"model", "fit", "tasks": {task: ...}, "pooled"}.

    A task has what results.summarize_rows gives, its main runs' "alpha" and "tau" (the defaults where there is a run at
    them, else those with the most methods), "skipped" authors, and its "sweep" or None. "pooled" is the mean over the
    tasks, of the methods that all of them have; None for fewer than two tasks or no common method.
    """
    tasks, rows = {}, {}
    for task in (name for name in MEASURED if any(run.plan["task"] == name for run in runs)):
        own = [run for run in runs if run.plan["task"] == task]
        merged = select_main_rows(own)
        rows[task] = [row for by_query in merged.values() for row in by_query.values()]
        plan, (alpha, tau) = own[0].plan, _find_main_point(own)
        tasks[task] = {
            "alpha": alpha,
            "tau": tau,
            "repetition_penalty": plan["decode"]["repetition_penalty"],
            "max_new_tokens": plan["decode"]["max_new_tokens"],
            "task_adapter": plan["task_adapter"],
            "data_sha256": plan["data_sha256"],
            "skipped": max(run.skipped for run in own),
            **summarize_rows(rows[task], tuple(merged), METRICS, seed),
            "sweep": _sweep(own, seed),
        }
    shared = [method for method in list_evaluated() if all(method in task["methods"] for task in tasks.values())]
    return {
        "model": runs[0].plan["model"],
        "fit": runs[0].plan["fit"],
        "tasks": tasks,
        "pooled": _pool_tasks(rows, shared, seed),
    }


def list_contrasting() -> tuple[str, ...]:
    """The paper's methods that alpha and tau change."""
    return tuple(name for name in list_evaluated(paper=True) if METHODS[name].contrasts)


def select_main_rows(runs: Sequence[Run]) -> dict[str, dict[tuple[str, str], dict]]:
    """method -> (user, query) -> row of a task's runs at the main alpha and tau, on the queries that all have."""
    return _merge_rows([run for run in runs if run.point == _find_main_point(runs)])


def read_run(folder: Path) -> Run:
    """A finished run. Raises CopeError when it cannot be read."""
    try:
        plan, result = (json.loads((folder / name).read_text("utf-8")) for name in ("plan.json", "results.json"))
        plan = complete_plan(plan)
        lines = read_json_lines(folder / "predictions.jsonl")
        rows: dict[str, dict[tuple[str, str], dict]] = {}
        for row in lines:
            if row["user"] not in result["skipped"]:
                rows.setdefault(row["method"], {})[row["user"], row["query"]] = row
        return Run(folder, plan, rows, len(result["skipped"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = type(error).__name__
        raise CopeError(f"The run {folder.name} cannot be read ({why}): run evaluate again.") from error


def _read_common(run: Run) -> dict:
    """What all runs have in common."""
    return {"model": run.plan["model"], "compute": run.plan.get("compute"), **run.plan["fit"]}


def _read_common_of_task(run: Run) -> dict:
    """What all runs of a task have in common."""
    decode = {name: value for name, value in run.plan["decode"].items() if name not in ("alpha", "tau")}
    return {name: run.plan[name] for name in ("data_sha256", "task_adapter")} | decode


def _find_main_point(runs: Sequence[Run]) -> tuple[float, float]:
    default = (DecodeConfig.alpha, DecodeConfig.tau)
    points = {run.point for run in runs}
    if default in points:
        return default
    return max(sorted(points), key=lambda point: len({m for run in runs if run.point == point for m in run.rows}))


def _merge_rows(runs: Sequence[Run]) -> dict[str, dict[tuple[str, str], dict]]:
    """The methods of several runs, each from the first that has it, on the queries that all of them have."""
    found: dict[str, dict] = {}
    for run in runs:
        found = {**run.rows, **found}
    return _keep_common_queries(
        {method: found[method] for method in list_evaluated() if method in found}, runs[0].plan["task"]
    )


def _keep_common_queries(columns: dict, task: str) -> dict:
    """The columns on the queries that all have. Raises CopeError where there is none."""
    queries = set.intersection(*(set(rows) for rows in columns.values()))
    if not queries:
        raise CopeError(f"The runs of {task} have no query in common: measure them on the same authors.")
    return {name: {query: rows[query] for query in sorted(queries)} for name, rows in columns.items()}


def _sweep(runs: Sequence[Run], seed: int) -> dict | None:
    """The methods that contrast at every alpha and tau that was run, beside AGAINST, all on the same queries.

    None without a second alpha or tau.
    """
    points = sorted({run.point for run in runs if set(list_contrasting()) & set(run.rows)})
    if len(points) < 2:
        return None
    main = select_main_rows(runs)
    columns = {method: main[method] for method in AGAINST if method in main}
    swept = {}
    for point in points:
        for method, rows in _merge_rows([run for run in runs if run.point == point]).items():
            if method in list_contrasting():
                columns[f"{method} {point}"] = rows
                swept[f"{method} {point}"] = (method, point)
    columns = _keep_common_queries(columns, runs[0].plan["task"])
    boot = Bootstrap({name: _group_values(rows) for name, rows in columns.items()}, seed)

    def number(name: str) -> dict:
        return {"rougeL": round(boot.mean(name), 4), "ci95": [round(end, 4) for end in boot.interval(name)]}

    found = []
    for name, (method, (alpha, tau)) in swept.items():
        found.append({"method": method, "alpha": alpha, "tau": tau, **number(name)})
        if "oppu" in columns:
            found[-1]["over_oppu"] = round(boot.gain(name, "oppu"), 4)
            found[-1]["over_oppu_ci95"] = [round(end, 4) for end in boot.gain_interval(name, "oppu")]
    queries = next(iter(columns.values()))
    return {
        "users": len({user for user, _ in queries}),
        "queries": len(queries),
        "against": {method: number(method) for method in AGAINST if method in columns},
        "points": sorted(found, key=lambda one: (one["method"], one["tau"], one["alpha"])),
    }


def _group_values(rows: dict[tuple[str, str], dict]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for (user, _), row in rows.items():
        values.setdefault(user, []).append(row["rougeL"])
    return values


def _pool_tasks(rows: dict[str, list[dict]], methods: Sequence[str], seed: int) -> dict | None:
    if len(rows) < 2 or not methods:
        return None
    boots = {
        metric: Pooled([group_by_user(many, methods, metric) for many in rows.values()], seed) for metric in METRICS
    }
    return {"tasks": list(rows), **compare_methods(boots, methods)}
