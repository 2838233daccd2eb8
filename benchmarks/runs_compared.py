"""Runs of evaluate that differ in one setting, each method against itself: benchmarks/runs_compared.py RUN ...

The runs have the same task and authors; compared is what all of them have, against the first. Gains are in ROUGE-L,
with 95 % by paired bootstrap over authors; loops is the share of word 4-grams that the same text already had.
No time is measured. Quick: the first method alone.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cope_demo.evaluation.metrics import METRICS
from cope_demo.evaluation.published import read_run
from cope_demo.evaluation.results import group_by_user
from cope_demo.evaluation.significance import Bootstrap

GAIN = "rougeL"


def lines(folders: list[Path], quick: bool = False) -> list[str]:
    """The table: a row for each method and run, the runs named by their folders."""
    runs = [read_run(folder).rows for folder in folders]
    methods = [method for method in runs[0] if all(method in run for run in runs)][: 1 if quick else None]
    names = [folder.name for folder in folders]
    table = [f"| | | ROUGE-1 | ROUGE-L | METEOR | loops | over {names[0]} |", "|---|---|---|---|---|---|---|"]
    for method in methods:
        queries = sorted(set.intersection(*(set(run[method]) for run in runs)))
        rows = [{**run[method][at], "method": name} for name, run in zip(names, runs, strict=True) for at in queries]
        boots = {metric: Bootstrap(group_by_user(rows, names, metric)) for metric in METRICS}
        for name in names:
            means = [f"{boots[metric].mean(name):.3f}" for metric in METRICS]
            texts = [row["text"] for row in rows if row["method"] == name]
            low, high = boots[GAIN].gain_interval(name, names[0])
            gain = "" if name == names[0] else f"{boots[GAIN].gain(name, names[0]):+.1%} ({low:+.1%}, {high:+.1%})"
            looped = f"{sum(map(loops, texts)) / len(texts):.1%}"
            table.append(f"| {method} | {name} | {' | '.join(means)} | {looped} | {gain} |")
    return table


def loops(text: str) -> float:
    """Share of the text's word 4-grams that it already had."""
    words = text.split()
    grams = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("runs", nargs="+", type=Path, help="output folders of evaluate; the first is the reference")
    options.add_argument("--quick", action="store_true", help="the first method alone")
    given = options.parse_args()
    print("\n".join(lines(given.runs, given.quick)))
