"""What finished runs have decided, each in a file small enough to be kept beside the code: TASK-seed-N.jsonl.gz.

Its first line has the run's plan and machine. Each other one is an author's: the record of the controls (controls.py),
the written texts with their scores, and the endpoints of these texts. So tables can be made of the files alone,
whatever became of the runs.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.system.files import format_json_lines

from .endpoints import OF_READING, Replicate, Table

QUOTED = ("news_headline", "scholarly_title", "abstract_generation")
"""Tasks whose texts may be kept whole; of the others the scores alone."""


@dataclass(frozen=True)
class RunRecord:
    """A finished run. plan: see evaluate.Plan; machine: where it was made, in a few words."""

    plan: dict
    machine: str
    replicate: Replicate

    def write(self, folder: Path, table: Table) -> Path:
        """Writes its file into `folder`, and returns it. table: of all its endpoints."""
        replicate, task = self.replicate, self.plan["task"]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{task}-seed-{replicate.seed}.jsonl.gz"
        head = {"plan": self.plan, "machine": self.machine}
        lines = [_make_line(replicate, author, table, task in QUOTED) for author in replicate.records]
        # Without a time of its own the file of a run is the same whenever it is written.
        path.write_bytes(gzip.compress(format_json_lines([head, *lines]).encode(), mtime=0))
        return path


def read_records(folder: Path, task: str) -> list[RunRecord]:
    """The runs of a task that `folder` keeps, by seed.

    Raises CopeError for a file that cannot be read, and for runs that differ in more than their seeds.
    """
    found = [_read_file(path) for path in folder.glob(f"{task}-seed-*.jsonl.gz")]
    for one in found:
        if _forget_seed(one.plan) != _forget_seed(found[0].plan):
            seeds = f"{found[0].replicate.seed} and {one.replicate.seed}"
            raise CopeError(
                f"The runs of {task} with the seeds {seeds} differ in their settings: keep them in different folders."
            )
    return sorted(found, key=lambda one: one.replicate.seed)


def _make_line(replicate: Replicate, author: str, table: Table, quoted: bool) -> dict:
    record = dict(replicate.records[author])
    written = [row for row in record.pop("written") if "adapters_of" in row]  # of samples the means are kept
    texts = [
        {key: value for key, value in row.items() if key != "user" and (quoted or key != "text")}
        for row in (*replicate.rows.get(author, ()), *written)
    ]
    endpoints = {
        endpoint: {
            method: [round(value, 5) for value in by_author[author][replicate.seed]]
            for method, by_author in methods.items()
            if replicate.seed in by_author.get(author, {})
        }
        for endpoint, methods in table.items()
        if endpoint not in OF_READING
    }
    return {**record, "texts": texts, "endpoints": endpoints}


def _read_file(path: Path) -> RunRecord:
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
        head, *lines = [json.loads(line) for line in text.split("\n") if line]
        seed = head["plan"]["fit"]["seed"]
        return RunRecord(head["plan"], head["machine"], Replicate(seed, {line["author"]: line for line in lines}))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise CopeError(f"{path.name} cannot be read ({type(error).__name__}): make it anew from its run.") from error


def _forget_seed(plan: dict) -> dict:
    return {**plan, "fit": {**plan["fit"], "seed": None}, "decode": {**plan.get("decode", {}), "seed": None}}
