"""What finished runs have decided, each in a file small enough to be kept beside the code: TASK-seed-N.jsonl.gz.

Its first line has the run's plan and machine. Each other one is an author's: the record of the controls (controls.py),
the written texts with their scores, and the endpoints of these texts. So tables can be made of the files alone,
whatever became of the runs.
"""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cope_demo.config import DecodeConfig, complete_plan
from cope_demo.errors import CopeError
from cope_demo.system.files import format_json_lines

from .endpoints import OF_READING, Replicate, Table
from .published import check_alike

QUOTED = ("news_headline", "scholarly_title", "abstract_generation")
"""Tasks whose texts may be kept whole; of the others the scores alone."""
ENDING = ".jsonl.gz"
OF_TASKS = ("task", "data_sha256", "task_adapter", "decode.repetition_penalty", "decode.max_new_tokens")
"""What a task has of its own in a run's plan."""


@dataclass(frozen=True)
class RunRecord:
    """A finished run. plan: see evaluate.Plan; machine: where it was made, in a few words. skipped: author -> why they
    are not among the run's."""

    plan: dict
    machine: str
    replicate: Replicate
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its task and seed, as its file begins."""
        return f"{self.plan['task']}-seed-{self.replicate.seed}"

    def write(self, folder: Path, table: Table) -> Path:
        """Writes its file into `folder`, and returns it. table: of all its endpoints.

        A run that is there already keeps the name of its machine. Raises CopeError, and writes nothing, where another
        one of this task and seed is there, and where the others there differ in more than their tasks and seeds.
        """
        replicate, path = self.replicate, folder / f"{self.name}{ENDING}"
        folder.mkdir(parents=True, exist_ok=True)
        known = _read_file(path) if path.exists() else None
        if known and not self._is(known):
            raise CopeError(f"{path.name} in {folder} is of another run: remove it if this one is to take its place.")
        _check_together([*(_read_file(other) for other in sorted(folder.glob(f"*{ENDING}")) if other != path), self])
        head = {"plan": self.plan, "machine": known.machine if known else self.machine}
        head |= {"skipped": dict(self.skipped)} if self.skipped else {}
        lines = [_make_line(replicate, author, table, self.plan["task"] in QUOTED) for author in replicate.records]
        # Without a time of its own the file of a run is the same whenever it is written.
        path.write_bytes(gzip.compress(format_json_lines([head, *lines]).encode(), mtime=0))
        return path

    def _is(self, other: "RunRecord") -> bool:
        """Whether both are of one run: no two give the same log-probabilities."""
        mine, others = ({name: one["logps"] for name, one in run.replicate.records.items()} for run in (self, other))
        return _describe(self.plan) == _describe(other.plan) and mine == others


def read_records(folder: Path, tasks: Sequence[str]) -> dict[str, list[RunRecord]]:
    """The runs that `folder` keeps of these tasks, by task (those with any) and seed.

    Raises CopeError for a file that cannot be read, and for runs that differ in more than their tasks and seeds.
    """
    found = {task: [_read_file(path) for path in sorted(folder.glob(f"{task}-seed-*{ENDING}"))] for task in tasks}
    _check_together([one for many in found.values() for one in many])
    return {task: sorted(many, key=lambda one: one.replicate.seed) for task, many in found.items() if many}


def _check_together(runs: Sequence[RunRecord]) -> None:
    """Raises CopeError where these runs do not belong into one table."""
    first: dict[str, RunRecord] = {}
    for one in runs:
        for other, but in ((first.setdefault(one.plan["task"], one), ()), (runs[0], OF_TASKS)):
            check_alike(f"{one.name} and {other.name}", _describe(one.plan, but), _describe(other.plan, but))


def _describe(plan: dict, but: Sequence[str] = ()) -> dict:
    """A plan without its seeds and what is named in `but`, its settings beside the rest."""
    plan = complete_plan(plan)
    parts = {name: plan.pop(name, {}) for name in ("decode", "fit")}
    plan |= {f"{part}.{name}": value for part, own in parts.items() for name, value in own.items() if name != "seed"}
    return {name: value for name, value in plan.items() if name not in but}


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
        replicate = Replicate(
            seed, {line["author"]: line for line in lines}, decode=DecodeConfig(**head["plan"]["decode"])
        )
        return RunRecord(head["plan"], head["machine"], replicate, head.get("skipped", {}))
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise CopeError(f"{path.name} cannot be read ({type(error).__name__}): make it anew from its run.") from error
