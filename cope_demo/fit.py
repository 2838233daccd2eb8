"""A fit, stage by stage: history -> OPPU -> negatives -> DPO -> report -> publish.

Every stage reads and writes files in one scratch folder and nothing else, so a fit that was cut off goes on at the
stage it had reached, in whatever process: a stage's output gets its final name only when it is whole.
"""

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from .base_model import BaseModel, load_base
from .config import FitConfig
from .dpo import TokenPair, train_dpo
from .errors import CopeError
from .eta import Eta, stage_work
from .events import STAGES, Emit, FitEvent
from .history import History
from .negatives import Candidate, sample_candidates, select_rejected
from .oppu import train_oppu
from .paths import data_dir
from .reward import bits_per_token
from .scoring import response_logps
from .store import SavedUser, Store
from .system.files import json_lines, read_json, read_json_lines, write_whole
from .tasks import Sample
from .training import Example, encode, quiet_libraries, reuse_memory, saved_adapter


def prepare(
    scratch: Path,
    samples: Sequence[Sample],
    task: str,
    user_id: str,
    *,
    name: str = "",
    model: str | None = None,
    config: FitConfig | None = None,
) -> None:
    """Writes what the stages need into `scratch`: request.json and history.jsonl.

    COPE_FIT_CONFIG, a JSON object of FitConfig fields, overrides the default settings (not a given `config`).
    """
    scratch.mkdir(parents=True, exist_ok=True)
    settings = asdict(config or configured())
    request = {"user": user_id, "name": name, "task": task, "model": model, "settings": settings}
    write_whole(scratch / "history.jsonl", json_lines(map(asdict, samples)))
    write_whole(scratch / "request.json", json.dumps(request))


def configured() -> FitConfig:
    """The default settings with the overrides of COPE_FIT_CONFIG. Raises CopeError at an unknown one."""
    text = os.environ.get("COPE_FIT_CONFIG") or "{}"
    try:
        overrides = json.loads(text)
        if not isinstance(overrides, dict):
            raise ValueError("not an object")
    except ValueError as error:
        raise CopeError(f"COPE_FIT_CONFIG must be a JSON object of fit settings ({error}).") from error
    known = {field.name for field in fields(FitConfig)}
    if unknown := sorted(set(overrides) - known):
        raise CopeError(f"COPE_FIT_CONFIG names {unknown[0]!r}; the settings are {', '.join(sorted(known))}.")
    return replace(FitConfig(), **overrides)


def halve(scratch: Path) -> bool:
    """Lets the stages take half as many texts and tokens at a time from now on. False when that was done before."""
    request = read_json(scratch / "request.json")
    if request.get("halved"):
        return False
    settings = request["settings"]
    halves = {name: max(1, settings[name] // 2) for name in ("oppu_batch", "dpo_batch", "sample_rows", "score_tokens")}
    write_whole(scratch / "request.json", json.dumps({**request, "settings": settings | halves, "halved": True}))
    return True


def run_stage(stage: str, scratch: Path, emit: Emit) -> None:
    """Runs one stage of events.STAGES but "publish". It may be repeated, and does nothing where its output stands."""
    quiet_libraries()
    reuse_memory()
    if stage != "history" and not (scratch / "split.json").exists():
        raise CopeError("The fit's files are incomplete: start the fit again.")
    work = _Work(scratch, emit)
    started = time.monotonic()
    _RUN[stage](work)
    times = work.times() | {stage: time.monotonic() - started}
    write_whole(scratch / "times.json", json.dumps(times))


def manifest(scratch: Path) -> dict:
    """The manifest of the finished fit in `scratch`, but for its files."""
    request, base = read_json(scratch / "request.json"), read_json(scratch / "base.json")
    return {
        "format": 1,
        "user": request["user"],
        "name": request["name"],
        "task": request["task"],
        "task_adapter": base.pop("task_adapter"),
        "base": base,
        "settings": request["settings"],
        "report": read_json(scratch / "report.json"),
        "versions": {p: version(p) for p in ("torch", "transformers", "peft", "trl", "bitsandbytes")},
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


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


class _Work:
    """What a stage works with: its folder, the settings, the examples, the base model, and where events go."""

    def __init__(self, scratch: Path, emit: Emit):
        self.scratch = scratch
        self.request = read_json(scratch / "request.json")
        self.config = FitConfig(**self.request["settings"])
        self._emit, self._eta = emit, None

    @property
    def base(self) -> BaseModel:
        return _base(self.request["model"], self.request["task"])

    def times(self) -> dict[str, float]:
        path = self.scratch / "times.json"
        return read_json(path) if path.exists() else {}

    def samples(self) -> list[Sample]:
        return [Sample(**row) for row in read_json_lines(self.scratch / "history.jsonl")]

    def examples(self, part: str) -> list[Example]:
        """The tokens of one part, "train" or "held_out"."""
        samples = self.samples()
        return [encode(self.base, samples[i], self.config) for i in read_json(self.scratch / "split.json")[part]]

    def emit(self, event: FitEvent) -> None:
        """Passes the event on with an ETA."""
        if self._eta is None:
            work = stage_work(self.examples("train"), self.examples("held_out"), self.config)
            self._eta = Eta(work, self.times())
        self._emit(replace(event, eta=self._eta.seconds(event)))

    def ticker(self, stage: str, of: int, before: int = 0) -> Callable[[int], None]:
        """Turns a count of done examples, after `before` others, into events of `stage`."""
        return lambda done: self.emit(FitEvent(stage, before + done, of))

    def folder(self, name: str, fill: Callable[[Path], None]) -> None:
        """Makes the folder `name` by `fill`, unless it stands; it appears only when it is whole."""
        final, part = self.scratch / name, self.scratch / f"{name}.part"
        if final.exists():
            return
        shutil.rmtree(part, ignore_errors=True)
        fill(part)
        os.replace(part, final)


def _split(work: _Work) -> None:
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


def _oppu(work: _Work) -> None:
    examples = work.examples("train")
    work.folder("oppu", lambda part: train_oppu(work.base, examples, work.config, part, work.emit))


def _negatives(work: _Work) -> None:
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
    write_whole(work.scratch / "pairs.jsonl", json_lines(pairs))


def _dpo(work: _Work) -> None:
    pairs = [pair for pair in read_json_lines(work.scratch / "pairs.jsonl") if pair["part"] == "train"]
    tokens = [
        TokenPair(e.prompt_ids, e.response_ids, p["rejected_ids"], p["base_chosen_logp"], p["base_rejected_logp"])
        for e, p in zip(work.examples("train"), pairs, strict=True)
    ]
    oppu = work.scratch / "oppu"
    work.folder("cope", lambda part: train_dpo(work.base, oppu, tokens, work.config, part, work.emit))


def _report(work: _Work) -> None:
    """What the fit did for this person, on the held-out texts. Base and OPPU were heard with the negatives."""
    import torch

    own = work.examples("held_out")
    pairs = [pair for pair in read_json_lines(work.scratch / "pairs.jsonl") if pair["part"] == "held_out"]
    rivals = [[Example(e.prompt_ids, c["ids"]) for c in p["candidates"]] for e, p in zip(own, pairs, strict=True)]
    everything = own + [rival for many in rivals for rival in many]
    heard = read_json(work.scratch / "held_out.json")
    logps = {name: [torch.tensor(values) for values in many] for name, many in heard.items()}
    with saved_adapter(work.base, work.scratch / "cope") as model:
        pad = work.base.tokenizer.pad_token_id
        tick = work.ticker("report", len(everything))
        logps["cope"] = response_logps(model, everything, pad, work.config.score_tokens, tick)
    report = {"train": len(read_json(work.scratch / "split.json")["train"]), "held_out": len(own)}
    report["bits_per_token"] = {name: _bits(values[: len(own)]) for name, values in logps.items()}
    report["pairs"] = sum(len(many) for many in rivals)
    margins = {"base": _margins(logps["base"], rivals)}
    for name in ("oppu", "cope"):
        rewards = [user - amateur for user, amateur in zip(logps[name], logps["base"], strict=True)]
        margins[name] = _margins(rewards, rivals)
    report["pairs_right"] = {name: _share(margin > 0 for margin in many) for name, many in margins.items()}
    report["margin"] = {name: round(sum(many) / len(many), 4) for name, many in margins.items()}
    report["seconds"] = {stage: round(seconds, 1) for stage, seconds in work.times().items()}
    write_whole(work.scratch / "report.json", json.dumps(report))
    work.emit(FitEvent("report", len(everything), len(everything)))


def _bits(values) -> float:
    import torch

    return round(bits_per_token(torch.cat(values)), 4)


def _margins(values, rivals) -> list[float]:
    """For each pair: mean value of the own text's tokens less that of base's sample.

    Of base the value is log pi_base; of an adapter its implicit reward log pi - log pi_base (alpha 1, as in DPO): how
    much more than base it likes the text.
    """
    means = [float(value.mean()) for value in values]
    other = iter(means[len(rivals) :])
    return [mine - next(other) for mine, many in zip(means, rivals, strict=False) for _ in many]


def _share(verdicts) -> float:
    verdicts = list(verdicts)
    return round(sum(verdicts) / len(verdicts), 4)


_RUN = {"history": _split, "oppu": _oppu, "negatives": _negatives, "dpo": _dpo, "report": _report}


@lru_cache(maxsize=1)
def _base(model: str | None, task: str) -> BaseModel:
    """The base that a process fits with, its task adapter included; loaded once."""
    return load_base(model, trainable=True, task=task)
