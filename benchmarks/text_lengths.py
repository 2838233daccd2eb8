"""How many of the authors' texts a fit cuts, and so never shows their end, by its limit of tokens.

    python -m benchmarks.text_lengths DATA

DATA has a folder for each task. `read`: how many of the texts' tokens a fit then reads, over those at the first limit;
what its stages take grows with them. Quick: the first author of each task.
"""

import argparse
from pathlib import Path

from cope_demo.model.base_model import load_base
from cope_demo.texts.lamp import USERS, read_authors
from cope_demo.texts.tasks import find_task

LIMITS = (192, 256, 384, 512)
WHOLE = 1_000_000


def main() -> None:
    """Prints a line a task."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--quick", action="store_true", help="one author of each task")
    options = parser.parse_args()
    base = load_base()
    print(f"| task | texts | median | {' | '.join(f'cut at {limit}, read' for limit in LIMITS)} |")
    print("|---|---|---|" + "---|" * len(LIMITS))
    for folder in sorted(path.parent for path in options.data.glob(f"*/{USERS}")):
        task, authors = find_task(folder.name), read_authors(folder, USERS)[: 1 if options.quick else None]
        texts = [sample.response for author in authors for sample in author.samples(task)]
        lengths = sorted(len(base.response_ids(text, WHOLE)) for text in texts)
        first = sum(min(length, LIMITS[0]) for length in lengths)
        cells = [task.label, len(lengths), lengths[len(lengths) // 2]]
        for limit in LIMITS:
            cut = sum(length > limit for length in lengths) / len(lengths)
            cells.append(f"{cut:.1%}, {sum(min(length, limit) for length in lengths) / first:.2f}")
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
