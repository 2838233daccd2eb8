"""Publishes the controls: python docs/make_controls.py [RUNS --data DATA --machine TEXT]

RUNS holds a folder for each task, by its name, as `python -m cope_demo evaluate --controls` leaves it, DATA the tasks'
data. What every run there has decided goes into docs/records/plan/, which keeps the runs of earlier days, too. From all
of them come docs/controls.json (the page shows it) and the tables between the markers of docs/controls.md.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from controls_text import fill_controls  # noqa: E402
from kept_runs import keep_runs, parse_options  # noqa: E402
from made_parts import publish  # noqa: E402

from cope_demo.errors import CopeError  # noqa: E402
from cope_demo.evaluation.endpoints import Replicate, tabulate_endpoints  # noqa: E402
from cope_demo.evaluation.hypotheses import PLANNED, PLANNED_WITH  # noqa: E402
from cope_demo.evaluation.published import MEASURED  # noqa: E402
from cope_demo.evaluation.records import RunRecord, read_records  # noqa: E402
from cope_demo.evaluation.study import share_authors, summarize_study  # noqa: E402
from cope_demo.evaluation.study_summary import summarize_table  # noqa: E402

RECORDS = Path("records", "plan")


def is_planned(plan: dict) -> bool:
    """Whether docs/PLAN.md has the run's task and seed."""
    return (plan["task"], plan["fit"]["seed"]) in PLANNED


def gather_controls(records: Path) -> dict:
    """What docs/controls.json holds, from all runs that are kept."""
    studies, tables, machines, settings = {}, {}, [], {}
    for task, kept in read_records(records, MEASURED).items():
        replicates = share_authors([one.replicate for one in kept])
        tables[task] = tabulate_endpoints(replicates)
        studies[task] = summarize_study(replicates, tables[task]) | {"left_out": find_left_out(kept, replicates[0])}
        machines += [one.machine for one in kept]
        settings = {name: kept[0].plan.get(name) for name in PLANNED_WITH}
    pooled = summarize_table(list(tables.values())) if len(tables) > 1 else None
    shared = {"machine": "; ".join(dict.fromkeys(machines)), "settings": settings}
    return {**shared, "tasks": studies, "pooled": pooled}


def find_left_out(kept: Sequence[RunRecord], shared: Replicate) -> dict[str, str]:
    """The authors whom a run lacks, who therefore count in none of the task's: why, seed by seed."""
    found = {}
    for author in dict.fromkeys(author for one in kept for author in (*one.replicate.records, *one.skipped)):
        if author not in shared.records:
            lacking = [one for one in kept if author not in one.replicate.records]
            reasons = [f"seed {one.replicate.seed}: {one.skipped.get(author, 'not measured')}" for one in lacking]
            found[author] = "; ".join(reasons)
    return found


def main(arguments: list[str] | None = None) -> int:
    try:
        given = parse_options(arguments, __doc__.splitlines()[0])
        records = given.docs / RECORDS
        if given.runs:
            keep_runs(given.runs, given.data, given.machine, lambda plan: records if is_planned(plan) else None)
        found = gather_controls(records)
    except CopeError as error:
        print(error, file=sys.stderr)
        return 2
    publish(given.docs, "controls", found, fill_controls)
    for task, study in found["tasks"].items():
        print(f"{task}: {study['users']} authors, {study['queries']} queries, seeds {study['seeds']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
