"""Publishes the controls: python docs/make_controls.py [RUNS --data DATA --machine TEXT]

RUNS holds a folder for each task, by its name, as `python -m cope_demo evaluate --controls` leaves it, DATA the tasks'
data. What every run there has decided goes into docs/records/plan/, which keeps the runs of earlier days, too. From all
of them come docs/controls.json (the page shows it) and the tables between the markers of docs/controls.md.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from controls_text import fill_controls  # noqa: E402

from cope_demo.errors import CopeError  # noqa: E402
from cope_demo.evaluation.endpoints import Replicate, tabulate_endpoints  # noqa: E402
from cope_demo.evaluation.hypotheses import PLANNED, PLANNED_WITH  # noqa: E402
from cope_demo.evaluation.published import MEASURED  # noqa: E402
from cope_demo.evaluation.records import RunRecord, read_records  # noqa: E402
from cope_demo.evaluation.study import (  # noqa: E402
    read_replicate,
    share_authors,
    summarize_study,
    tabulate_study,
)
from cope_demo.evaluation.study_summary import summarize_table  # noqa: E402
from cope_demo.system.files import read_json, sha256_file  # noqa: E402
from cope_demo.texts.lamp import USERS, read_authors  # noqa: E402

RECORDS = Path("records", "plan")


def keep_runs(runs: Path, data: Path, machine: str, records: Path) -> None:
    """Writes what every run below `runs` has decided into `records`."""
    found = [name for name in MEASURED if (runs / name).is_dir()]
    if not found:
        raise CopeError(f"There is no folder of a task in {runs}; the tasks are {', '.join(MEASURED)}.")
    for task in found:
        authors, sha256 = read_authors(data / task, USERS), sha256_file(data / task / USERS)
        for folder in sorted(path.parent for path in (runs / task).rglob("plan.json")):
            if not is_finished(folder):
                print(f"{folder.relative_to(runs)} is not finished and is left out.", file=sys.stderr)
                continue
            replicate = read_replicate(folder)
            if (task, replicate.seed) not in PLANNED:
                print(f"{folder.relative_to(runs)} is not one of docs/PLAN.md and is left out.", file=sys.stderr)
                continue
            plan, skipped = read_json(folder / "plan.json"), read_json(folder / "results.json").get("skipped", {})
            if plan["data_sha256"] != sha256:
                raise CopeError(f"{data / task / USERS} is not the file that {folder.relative_to(runs)} was made from.")
            kept = RunRecord(plan, machine, replicate, skipped)
            kept.write(records, tabulate_study(task, [replicate], authors))


def is_finished(folder: Path) -> bool:
    """Whether a run and its controls have all of their authors."""
    results = folder / "results.json"
    return results.exists() and len(list((folder / "controls").glob("*.json"))) == read_json(results)["users"]


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
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "runs", nargs="?", type=Path, help="a folder with a folder of evaluate --controls for each task"
    )
    options.add_argument("--data", type=Path, help="a folder of each task's data by its name")
    options.add_argument("--machine", default="", help="where these runs were made, in a few words")
    options.add_argument("--docs", type=Path, default=Path(__file__).parent, help="where to write (default: docs)")
    given = options.parse_args(arguments)
    try:
        if given.runs and not (given.data and given.machine):
            raise CopeError("Name the data of the runs with --data, and where they were made with --machine.")
        if given.runs:
            keep_runs(given.runs, given.data, given.machine, given.docs / RECORDS)
        found = gather_controls(given.docs / RECORDS)
    except CopeError as error:
        print(error, file=sys.stderr)
        return 2
    (given.docs / "controls.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    page = given.docs / "controls.md"
    page.write_text(fill_controls(page.read_text("utf-8"), found), "utf-8")
    for task, study in found["tasks"].items():
        print(f"{task}: {study['users']} authors, {study['queries']} queries, seeds {study['seeds']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
