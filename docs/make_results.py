"""Publishes evaluations: python docs/make_results.py RUNS [--data DIR]

RUNS holds the output folders of `python -m cope_demo evaluate`, of any tasks, at any depth; runs of a task at the same
alpha and tau are put together, those at other values are its sweep. Writes docs/results.json (the page shows it), the
figures docs/images/results-methods.svg and results-sweeps.svg, and the tables between the markers of docs/RESULTS.md.
With --data, the folder that holds each task's data by its name, examples are quoted by the rules that stand there.
Without RUNS the figures and tables are drawn anew from docs/results.json.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from results_examples import examples  # noqa: E402
from results_figures import draw_methods, draw_sweeps  # noqa: E402
from results_text import filled  # noqa: E402

from cope_demo.errors import CopeError  # noqa: E402
from cope_demo.evaluation import published  # noqa: E402

FIGURES = {"results-methods.svg": draw_methods, "results-sweeps.svg": draw_sweeps}


def publish(data: dict, docs: Path) -> list[str]:
    """Writes results.json, the figures and RESULTS.md in `docs` and returns the names of the figures that there are."""
    (docs / "results.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (docs / "images").mkdir(exist_ok=True)
    drawn = []
    for name, draw in FIGURES.items():
        if draw(data, docs / "images" / name):
            drawn.append(name)
        else:
            (docs / "images" / name).unlink(missing_ok=True)
    page = docs / "RESULTS.md"
    page.write_text(filled(page.read_text("utf-8"), data), "utf-8")
    return drawn


def main(arguments: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("runs", nargs="?", type=Path, help="a folder of evaluate's output folders")
    options.add_argument("--data", type=Path, help="a folder of each task's data by its name, for the examples")
    options.add_argument("--docs", type=Path, default=Path(__file__).parent, help="where to write (default: docs)")
    given = options.parse_args(arguments)
    try:
        data = published.read_published()
        if given.runs:
            runs, unfinished = published.read_runs(given.runs)
            data = published.gather(runs)
            for task, numbers in data["tasks"].items():
                own = [run for run in runs if run.plan["task"] == task]
                numbers["examples"] = examples(own, given.data / task) if given.data else []
            for name in unfinished:
                print(f"Left out, as it has not ended: {name}")
        drawn = publish(data, given.docs)
    except CopeError as error:
        print(error, file=sys.stderr)
        return 2
    for task, numbers in data["tasks"].items():
        print(f"{task}: {numbers['users']} authors, {numbers['queries']} queries, {', '.join(numbers['methods'])}")
    print(f"Wrote {', '.join(['results.json', 'RESULTS.md', *drawn])}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
