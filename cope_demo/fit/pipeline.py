"""A fit: this package takes a person's Samples and gives the adapters of OPPU and CoPe, with a report.

This file runs it stage by stage: history -> OPPU -> negatives -> DPO -> report -> publish. Every stage reads and writes
files in one scratch folder (scratch.py) and nothing else, so a fit that was interrupted goes on at the stage it had
reached, in any process: a stage's output gets its final name only when it is whole.

oppu.py holds the supervised stage, candidates.py what is written to be rejected, negatives.py what of it is, dpo.py the
loss and its reference, report.py the measures on held-out texts, tam.py the task adapter, training.py what all of them
share. averaging.py makes one adapter of fits with several seeds. response_logps.py reads given texts, examples.py turns
them into tokens, events.py and eta.py report progress, watching.py lets one see the model learn, speeds.py remembers
how fast it was.
"""

import json
import random
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from cope_demo.config import FitConfig, read_fit_config
from cope_demo.errors import CopeError
from cope_demo.paths import data_dir
from cope_demo.saved.store import SavedUser, Store
from cope_demo.system.files import read_json_lines, write_whole
from cope_demo.texts.history import History

from .averaging import average_fits, take_part
from .dpo import TokenPair, train_dpo
from .events import STAGES, Emit, FitEvent
from .examples import Example
from .negatives import write_negatives
from .oppu import train_oppu
from .report import write_report
from .scratch import StageContext, halve, make_manifest, prepare
from .speeds import record_speed
from .training import quiet_libraries, reuse_memory

__all__ = ["fit_user", "halve", "make_manifest", "prepare", "read_fit_config", "run_stage"]
"""`stage_runner` calls all of these but `fit_user`, here or in the module that COPE_FIT_MODULE names."""


def run_stage(stage: str, scratch: Path, emit: Emit, watch: bool = True) -> None:
    """Runs one stage of events.STAGES but "publish". It may be repeated, and does nothing where its output stands.

    watch: whether somebody may want to see the model learn (watching.py).
    """
    quiet_libraries()
    reuse_memory()
    if stage != "history" and not (scratch / "split.json").exists():
        raise CopeError("The fit's files are incomplete: start the fit again.")
    context = StageContext(scratch, emit, watch)
    started, again = time.monotonic(), (scratch / "report.json").exists()
    _RUN[stage](context)
    context.note_stage(stage, started)
    if stage == "report" and not again:
        request = context.request
        with suppress(OSError):  # a full disk spoils no fit that is whole
            record_speed(context.samples(), request["model"], request["settings"], context.times(), context.setup())


def fit_user(
    history: History,
    user_id: str,
    *,
    name: str = "",
    model: str | None = None,
    config: FitConfig | None = None,
    store: Store | None = None,
    emit: Emit = lambda event: None,
) -> SavedUser:
    """All stages in order, in this process; returns the published user. Raises CopeError with a sentence."""
    store = store or Store()
    (data_dir() / "scratch").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=data_dir() / "scratch") as folder:
        scratch = Path(folder)
        prepare(scratch, history.samples, history.task, user_id, name=name, model=model, config=config)

        def record(event: FitEvent) -> None:
            with open(scratch / "events.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(event.to_json()) + "\n")
            emit(event)

        for stage in STAGES[:-1]:
            run_stage(stage, scratch, record)
        record(FitEvent("publish", 0, 1))
        saved = store.publish(scratch, user_id, make_manifest(scratch))
        record(FitEvent("publish", 1, 1, eta=0.0))
        return saved


def _split_texts(context: StageContext) -> None:
    """Holds a few texts out for the report, the same ones for the same seed."""
    count = len(context.samples())
    if count < 2:
        raise CopeError("A fit needs at least 5 texts; add more of this person's writing.")
    config = context.config
    held_out = min(config.holdout, max(1, int(count * config.holdout_share)))
    picked = random.Random(config.seed).sample(range(count), held_out)
    split = {"train": [i for i in range(count) if i not in picked], "held_out": sorted(picked)}
    tam = context.base.tam
    base = {
        "name": context.base.name,
        "identity": context.base.identity,
        "task_adapter": tam.to_json() if tam else None,
    }
    write_whole(context.scratch / "base.json", json.dumps(base))
    write_whole(context.scratch / "split.json", json.dumps(split))
    context.emit(FitEvent("history", 1, 1))


def _train_oppu(context: StageContext) -> None:
    examples = context.examples("train", retrieving=True)

    def train(number: int, config: FitConfig, folder: Path, emit: Emit) -> None:
        watches = [] if number else context.make_watches("oppu", emit)
        train_oppu(context.base, examples, config, folder, emit, watches)

    context.make_folder("oppu", lambda part: average_fits(context.config, part, context.emit, train))


def _train_dpo(context: StageContext) -> None:
    rows = [row for row in read_json_lines(context.scratch / "pairs.jsonl") if row["part"] == "train"]
    pairs = [pair for e, row in zip(context.examples("train"), rows, strict=True) for pair in _list_pairs(e, row)]

    def train(number: int, config: FitConfig, folder: Path, emit: Emit) -> None:
        watches = [] if number else context.make_watches("dpo", emit)
        oppu = context.scratch / "oppu"
        if config.seeds_averaged > 1:
            oppu = take_part(oppu, number, config.lora_rank, folder.with_name(f"{folder.name}.before"))
        train_dpo(context.base, oppu, pairs, config, folder, emit, watches)

    context.make_folder("cope", lambda part: average_fits(context.config, part, context.emit, train))


def _list_pairs(example: Example, row: dict) -> list[TokenPair]:
    """The pairs of one text, by its line of pairs.jsonl."""
    first = {"ids": row["rejected_ids"], "base_logp": row["base_rejected_logp"]}
    return [
        TokenPair(example.prompt_ids, example.response_ids, one["ids"], row["base_chosen_logp"], one["base_logp"])
        for one in (first, *row.get("also_rejected", ()))
    ]


_RUN = {
    "history": _split_texts,
    "oppu": _train_oppu,
    "negatives": write_negatives,
    "dpo": _train_dpo,
    "report": write_report,
}
