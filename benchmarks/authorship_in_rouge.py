"""How much ROUGE-L sees of authorship: python -m benchmarks.authorship_in_rouge DATA

An author's newest texts (the gold texts of an evaluation) are compared with DRAWS texts of the author's own history,
and with as many of other authors' of the same task, drawn at random. DATA holds each task's data by its name.
"""

import random
import sys
from pathlib import Path

from cope_demo.evaluation.metrics import score_text
from cope_demo.evaluation.published import MEASURED
from cope_demo.evaluation.replicates import estimate_mean
from cope_demo.texts.lamp import USERS, read_authors
from cope_demo.texts.tasks import find_task

DRAWS = 3


def compare_authors(data: Path, task_name: str) -> tuple[list[float], list[float]]:
    """Every author's mean ROUGE-L of their gold texts with own texts, and with other authors'."""
    draw, task = random.Random(0), find_task(task_name)
    authors = read_authors(data / task_name, USERS)
    histories = [[sample.response for sample in author.samples(task)] for author in authors]
    means = []
    for number, author in enumerate(authors):
        others = [text for other, texts in enumerate(histories) if other != number for text in texts]
        means.append(
            [
                sum(
                    score_text(query.gold, text)["rougeL"]
                    for query in author.queries
                    for text in draw.sample(pool, DRAWS)
                )
                / (DRAWS * len(author.queries))
                for pool in (histories[number], others)
            ]
        )
    own, other = zip(*means, strict=True)
    return list(own), list(other)


def main(data: Path) -> None:
    """Prints the table."""
    import numpy

    print("| task | same author | another author | difference |\n|---|---|---|---|")
    for task in (name for name in MEASURED if (data / name).is_dir()):
        own, other = map(numpy.array, compare_authors(data, task))
        found = estimate_mean([own - other])
        low, high = found.ends
        span = f"{found.mean:+.3f} [{low:+.3f}, {high:+.3f}]"
        print(f"| {find_task(task).label} | {own.mean():.3f} | {other.mean():.3f} | {span} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
