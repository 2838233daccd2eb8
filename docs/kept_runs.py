"""Takes finished runs of `python -m cope_demo evaluate --controls` into docs/records/, to be published from there."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cope_demo.errors import CopeError  # noqa: E402
from cope_demo.evaluation.published import MEASURED  # noqa: E402
from cope_demo.evaluation.records import RunRecord  # noqa: E402
from cope_demo.evaluation.study import read_replicate, tabulate_study  # noqa: E402
from cope_demo.system.files import read_json, sha256_file  # noqa: E402
from cope_demo.texts.lamp import USERS, read_authors  # noqa: E402


def parse_options(arguments: list[str] | None, about: str) -> argparse.Namespace:
    """The options of such a script. Raises CopeError for runs without their data or machine."""
    options = argparse.ArgumentParser(description=about)
    options.add_argument(
        "runs", nargs="?", type=Path, help="a folder with a folder of evaluate --controls for each task"
    )
    options.add_argument("--data", type=Path, help="a folder of each task's data by its name")
    options.add_argument("--machine", default="", help="where these runs were made, in a few words")
    options.add_argument("--docs", type=Path, default=Path(__file__).parent, help="where to write (default: docs)")
    given = options.parse_args(arguments)
    if given.runs and not (given.data and given.machine):
        raise CopeError("Name the data of the runs with --data, and where they were made with --machine.")
    return given


def keep_runs(runs: Path, data: Path, machine: str, place: Callable[[dict], Path | None]) -> None:
    """Writes what every finished run below `runs` has decided into the folder that `place` names for its plan; one for
    which it names none is left out.
    """
    found = [name for name in MEASURED if (runs / name).is_dir()]
    if not found:
        raise CopeError(f"There is no folder of a task in {runs}; the tasks are {', '.join(MEASURED)}.")
    for task in found:
        authors, sha256 = read_authors(data / task, USERS), sha256_file(data / task / USERS)
        for folder in sorted(path.parent for path in (runs / task).rglob("plan.json")):
            if not is_finished(folder):
                print(f"{folder.relative_to(runs)} is not finished and is left out.", file=sys.stderr)
                continue
            plan, skipped = read_json(folder / "plan.json"), read_json(folder / "results.json").get("skipped", {})
            if (records := place(plan)) is None:
                print(f"{folder.relative_to(runs)} is not one of docs/PLAN.md and is left out.", file=sys.stderr)
                continue
            if plan["data_sha256"] != sha256:
                raise CopeError(f"{data / task / USERS} is not the file that {folder.relative_to(runs)} was made from.")
            replicate = read_replicate(folder)
            kept = RunRecord(plan, machine, replicate, skipped)
            kept.write(records, tabulate_study(task, [replicate], authors))


def is_finished(folder: Path) -> bool:
    """Whether a run and its controls have all of their authors."""
    results = folder / "results.json"
    return results.exists() and len(list((folder / "controls").glob("*.json"))) == read_json(results)["users"]
