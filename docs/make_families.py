"""Publishes other models: python docs/make_families.py [RUNS --data DATA --machine TEXT]

RUNS holds a folder for each task, by its name, as `evaluate --model FILE --controls` leaves it, DATA the tasks' data.
What every run there has decided goes into docs/records/families/MODEL/. From all of them, and from docs/records/plan/
for the embedded model, come docs/families.json (the page shows it) and the tables of docs/families.md.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from families_text import fill_families, name_model  # noqa: E402
from kept_runs import keep_runs, parse_options  # noqa: E402
from made_parts import publish  # noqa: E402
from make_controls import RECORDS as PLAN  # noqa: E402

from cope_demo.errors import CopeError  # noqa: E402
from cope_demo.evaluation.families import compare_families  # noqa: E402
from cope_demo.evaluation.published import MEASURED  # noqa: E402
from cope_demo.evaluation.records import read_records  # noqa: E402

RECORDS = Path("records", "families")


def gather_families(docs: Path) -> dict:
    """What docs/families.json holds, from all runs that are kept: a comparison for each model and task."""
    embedded, comparisons = read_records(docs / PLAN, MEASURED), []
    for folder in sorted(path for path in (docs / RECORDS).glob("*") if path.is_dir()):
        for task, runs in read_records(folder, MEASURED).items():
            if task not in embedded:
                raise CopeError(f"The embedded model has no run of {task}: measure it first (make controls).")
            pair = {"embedded": embedded[task], "other": runs}
            models = {kind: own[0].plan["model"] for kind, own in pair.items()}
            comparisons.append({"task": task, "models": models, **compare_families(**pair)})
    return {"comparisons": comparisons}


def main(arguments: list[str] | None = None) -> int:
    try:
        given = parse_options(arguments, __doc__.splitlines()[0])
        if given.runs:
            records = given.docs / RECORDS
            keep_runs(given.runs, given.data, given.machine, lambda plan: records / name_model(plan["model"]))
        found = gather_families(given.docs)
    except CopeError as error:
        print(error, file=sys.stderr)
        return 2
    publish(given.docs, "families", found, fill_families)
    for one in found["comparisons"]:
        print(f"{name_model(one['models']['other'])}, {one['task']}: {one['users']} authors, seeds {one['seeds']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
