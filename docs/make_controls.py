"""Publishes the controls: python docs/make_controls.py RUNS --data DATA --machine TEXT

RUNS holds a folder for each task, by its name, as `python -m cope_demo evaluate --controls` leaves it, DATA the tasks'
data. Writes docs/controls.json (the page shows it), what every run has decided into docs/records/, and the tables
between the markers of docs/controls.md. Without RUNS the tables are made anew from docs/controls.json.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from controls_text import fill_controls  # noqa: E402

from cope_demo.errors import CopeError  # noqa: E402
from cope_demo.evaluation.endpoints import Replicate  # noqa: E402
from cope_demo.evaluation.published import MEASURED, read_controls  # noqa: E402
from cope_demo.evaluation.study import read_replicates, summarize_study  # noqa: E402
from cope_demo.evaluation.study_summary import summarize_table  # noqa: E402
from cope_demo.texts.lamp import USERS, read_authors  # noqa: E402

QUOTED = ("news_headline", "scholarly_title", "abstract_generation")
"""Tasks whose texts may be committed whole; of the others a record has the scores alone."""


def gather_controls(runs: Path, data: Path, machine: str, records: Path) -> dict:
    """What docs/controls.json holds; writes each run's record on the way."""
    studies, tables = {}, {}
    for task in (name for name in MEASURED if (runs / name).is_dir()):
        authors, replicates = read_authors(data / task, USERS), read_replicates(runs / task)
        studies[task], tables[task] = summarize_study(task, replicates, authors)
        for replicate in replicates:
            path = records / f"{task}-seed-{replicate.seed}.jsonl"
            records.mkdir(exist_ok=True)
            lines = [make_record(replicate, author, task in QUOTED) for author in replicate.records]
            path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    if not studies:
        raise CopeError(f"There is no folder of a task in {runs}; the tasks are {', '.join(MEASURED)}.")
    pooled = summarize_table(list(tables.values())) if len(tables) > 1 else None
    return {"machine": machine, "tasks": studies, "pooled": pooled}


def make_record(replicate: Replicate, author: str, quoted: bool) -> dict:
    """What a run has decided for an author, compact: the controls' record and the run's texts and scores."""
    record = dict(replicate.records[author])
    sampled: dict[str, dict[str, list[float]]] = {}
    texts = []
    for row in (*replicate.rows.get(author, ()), *record.pop("written")):
        if "bits" in row or "adapters_of" in row:
            texts.append({key: value for key, value in row.items() if key != "user" and (quoted or key != "text")})
        else:
            sampled.setdefault(row["method"], {}).setdefault(row["query"], []).append(round(row["rougeL"], 4))
    return {**record, "texts": texts, "sampled_rougeL": sampled}


def main(arguments: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "runs", nargs="?", type=Path, help="a folder with a folder of evaluate --controls for each task"
    )
    options.add_argument("--data", type=Path, help="a folder of each task's data by its name")
    options.add_argument("--machine", default="", help="where it was measured, in a few words")
    options.add_argument("--docs", type=Path, default=Path(__file__).parent, help="where to write (default: docs)")
    given = options.parse_args(arguments)
    try:
        if given.runs and not given.data:
            raise CopeError("Name the data of the runs with --data.")
        if given.runs:
            found = gather_controls(given.runs, given.data, given.machine, given.docs / "records")
            (given.docs / "controls.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        else:
            found = read_controls()
    except CopeError as error:
        print(error, file=sys.stderr)
        return 2
    page = given.docs / "controls.md"
    page.write_text(fill_controls(page.read_text("utf-8"), found), "utf-8")
    for task, study in found["tasks"].items():
        print(f"{task}: {study['users']} authors, {study['queries']} queries, seeds {study['seeds']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
