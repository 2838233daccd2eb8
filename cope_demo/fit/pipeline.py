"""A fit, stage by stage: history -> OPPU -> negatives -> DPO -> report -> publish.

Every stage reads and writes files in one scratch folder and nothing else, so a fit that was cut off goes on at the
stage it had reached, in whatever process: a stage's output gets its final name only when it is whole.
"""

import json
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from cope_demo.config import FitConfig
from cope_demo.errors import CopeError
from cope_demo.paths import data_dir
from cope_demo.saved.store import SavedUser, Store
from cope_demo.system.files import format_json_lines, read_json, read_json_lines, write_whole
from cope_demo.texts.history import History

from .dpo import TokenPair, train_dpo
from .events import STAGES, Emit, FitEvent
from .examples import Example
from .negatives import Candidate, sample_candidates, select_rejected
from .oppu import train_oppu
from .report import write_report
from .response_logps import response_logps
from .scratch import Work, configured, halve, manifest, prepare
from .training import quiet_libraries, reuse_memory, saved_adapter

__all__ = ["configured", "fit_user", "halve", "manifest", "prepare", "run_stage"]
"""Of these, `stage_runner` calls all but `fit_user`, in whatever module COPE_FIT_MODULE names."""


def run_stage(stage: str, scratch: Path, emit: Emit) -> None:
    """Runs one stage of events.STAGES but "publish". It may be repeated, and does nothing where its output stands."""
    quiet_libraries()
    reuse_memory()
    if stage != "history" and not (scratch / "split.json").exists():
        raise CopeError("The fit's files are incomplete: start the fit again.")
    work = Work(scratch, emit)
    started = time.monotonic()
    _RUN[stage](work)
    times = work.times() | {stage: time.monotonic() - started}
    write_whole(scratch / "times.json", json.dumps(times))


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
        saved = store.publish(scratch, user_id, manifest(scratch))
        record(FitEvent("publish", 1, 1, eta=0.0))
        return saved


def _split(work: Work) -> None:
    """Holds a few texts out for the report: at most a fifth, the same ones for the same seed."""
    count = len(work.samples())
    if count < 2:
        raise CopeError("A fit needs at least 5 texts; add more of this person's writing.")
    held = min(work.config.holdout, max(1, count // 5))
    picked = random.Random(work.config.seed).sample(range(count), held)
    split = {"train": [i for i in range(count) if i not in picked], "held_out": sorted(picked)}
    tam = work.base.tam
    base = {"name": work.base.name, "identity": work.base.identity, "task_adapter": tam.to_json() if tam else None}
    write_whole(work.scratch / "base.json", json.dumps(base))
    write_whole(work.scratch / "split.json", json.dumps(split))
    work.emit(FitEvent("history", 1, 1))


def _oppu(work: Work) -> None:
    examples = work.examples("train")
    work.folder("oppu", lambda part: train_oppu(work.base, examples, work.config, part, work.emit))


def _negatives(work: Work) -> None:
    """Candidates for all prompts (held-out ones too, for the report), scored; the rejected of each training pair.

    held_out.json keeps the log-probabilities of the held-out texts and, after them, of their candidates.
    """
    if (work.scratch / "pairs.jsonl").exists():
        return
    base, config, samples = work.base, work.config, work.samples()
    split = read_json(work.scratch / "split.json")
    order = split["train"] + split["held_out"]
    own = work.examples("train") + work.examples("held_out")
    spoken = sample_candidates(base, own, config, work.emit, config.sample_rows)
    answers = [Example(e.prompt_ids, one.ids) for e, many in zip(own, spoken, strict=True) for one in many]
    pad, steps = base.tokenizer.pad_token_id, 2 * len(own) + len(answers)
    logp_base = response_logps(base.model, own, pad, config.score_tokens, work.ticker("negatives", steps))
    with saved_adapter(base, work.scratch / "oppu") as model:
        tick = work.ticker("negatives", steps, len(own))
        logp_user = response_logps(model, own + answers, pad, config.score_tokens, tick)
    pairs, heard = [], iter(logp_user[len(own) :])
    for number, (index, example, many) in enumerate(zip(order, own, spoken, strict=True)):
        candidates = [Candidate(one.ids, float(next(heard).mean()), float(one.logps.mean())) for one in many]
        rejected = select_rejected(candidates, config)
        chosen = Candidate(example.response_ids, float(logp_user[number].mean()), float(logp_base[number].mean()))
        pairs.append(
            {
                "part": "train" if number < len(split["train"]) else "held_out",
                "prompt": samples[index].prompt,
                "chosen": samples[index].response,
                "rejected": base.tokenizer.decode(rejected.response_ids, skip_special_tokens=True),
                "chosen_reward": chosen.reward(config.negatives_alpha),
                "rejected_reward": rejected.reward(config.negatives_alpha),
                "base_chosen_logp": float(logp_base[number].sum()),
                "base_rejected_logp": rejected.logp_base * len(rejected.response_ids),
                "rejected_ids": rejected.response_ids,
                "candidates": [
                    {
                        "text": base.tokenizer.decode(c.response_ids, skip_special_tokens=True),
                        "reward": c.reward(config.negatives_alpha),
                        "ids": c.response_ids,
                    }
                    for c in candidates
                ],
            }
        )
    first = len(split["train"])
    rivals = [one for many in spoken[first:] for one in many]
    kept = {
        "base": [*logp_base[first:], *(one.logps for one in rivals)],
        "oppu": [*logp_user[first : len(own)], *logp_user[len(logp_user) - len(rivals) :]],
    }
    scores = {name: [values.tolist() for values in many] for name, many in kept.items()}
    write_whole(work.scratch / "held_out.json", json.dumps(scores))
    write_whole(work.scratch / "pairs.jsonl", format_json_lines(pairs))


def _dpo(work: Work) -> None:
    pairs = [pair for pair in read_json_lines(work.scratch / "pairs.jsonl") if pair["part"] == "train"]
    tokens = [
        TokenPair(e.prompt_ids, e.response_ids, p["rejected_ids"], p["base_chosen_logp"], p["base_rejected_logp"])
        for e, p in zip(work.examples("train"), pairs, strict=True)
    ]
    oppu = work.scratch / "oppu"
    work.folder("cope", lambda part: train_dpo(work.base, oppu, tokens, work.config, part, work.emit))


_RUN = {"history": _split, "oppu": _oppu, "negatives": _negatives, "dpo": _dpo, "report": write_report}
