"""A fit's scratch folder: the request, what each stage writes, and the manifest of the finished fit.

request.json and history.jsonl come from `prepare`; split.json and base.json from the history stage; oppu/ and cope/ are
the adapters, pairs.jsonl and held_out.json the negatives, report.json the report; times.json has seconds by stage, and
setup.json how many of them passed before the stage's work began.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from cope_demo.config import FitConfig, read_fit_config
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.model.resident import find_trainable_base
from cope_demo.system.files import format_json_lines, read_json, read_json_lines, write_whole
from cope_demo.texts.tasks import Sample

from .eta import Eta, estimate_work
from .events import Emit, FitEvent
from .examples import Example, encode, encode_retrieving
from .watching import Watch


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
    settings = asdict(config or read_fit_config())
    request = {"user": user_id, "name": name, "task": task, "model": model, "settings": settings}
    write_whole(scratch / "history.jsonl", format_json_lines(map(asdict, samples)))
    write_whole(scratch / "request.json", json.dumps(request))


def halve(scratch: Path) -> bool:
    """Halves the batches of the stages from now on. False when that was done before."""
    request = read_json(scratch / "request.json")
    if request.get("halved"):
        return False
    settings = request["settings"]
    halves = {name: max(1, settings[name] // 2) for name in ("oppu_batch", "dpo_batch", "sample_rows", "score_tokens")}
    write_whole(scratch / "request.json", json.dumps({**request, "settings": settings | halves, "halved": True}))
    return True


def make_manifest(scratch: Path) -> dict:
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


class StageContext:
    """What a stage reads and writes: its folder, the settings, the examples, the base model, and where events go."""

    def __init__(self, scratch: Path, emit: Emit, watch: bool = True):
        self.scratch, self._watch = scratch, watch
        self.request = read_json(scratch / "request.json")
        self.config = FitConfig(**self.request["settings"])
        self._emit, self._eta = emit, None
        self.begun: float | None = None
        """When the stage's first event came, by time.monotonic: all before it is the same for any number of texts."""

    @property
    def base(self) -> BaseModel:
        return _load_base_once(self.request["model"], self.request["task"])

    def times(self) -> dict[str, float]:
        return self._read_seconds("times.json")

    def setup(self) -> dict[str, float]:
        return self._read_seconds("setup.json")

    def note_stage(self, stage: str, started: float) -> None:
        """The stage that began at `started`, by time.monotonic, is done."""
        ended = time.monotonic()
        setup = (self.begun or ended) - started
        write_whole(self.scratch / "times.json", json.dumps(self.times() | {stage: ended - started}))
        write_whole(self.scratch / "setup.json", json.dumps(self.setup() | {stage: setup}))

    def _read_seconds(self, name: str) -> dict[str, float]:
        path = self.scratch / name
        return read_json(path) if path.exists() else {}

    def samples(self) -> list[Sample]:
        return [Sample(**row) for row in read_json_lines(self.scratch / "history.jsonl")]

    def examples(self, part: str, retrieving: bool = False) -> list[Example]:
        """The tokens of one part, "train" or "held_out"; with `retrieving` after similar texts, if the settings ask."""
        every = self.samples()
        samples = [every[number] for number in read_json(self.scratch / "split.json")[part]]
        if retrieving and self.config.retrieval:
            return encode_retrieving(self.base, samples, self.config)
        return [encode(self.base, sample, self.config) for sample in samples]

    def emit(self, event: FitEvent) -> None:
        """Passes the event on with an ETA."""
        self.begun = self.begun or time.monotonic()
        if self._eta is None:
            work = estimate_work(self.examples("train"), self.examples("held_out"), self.config)
            self._eta = Eta(work, self.times())
        self._emit(replace(event, eta=self._eta.seconds(event)))

    def make_watches(self, stage: str, emit: Emit) -> list[Watch]:
        """Who looks at the model while `stage` trains it; nobody where that is not asked for. emit: gets the looks."""
        if not self._watch:
            return []
        samples, examples = self.samples(), self.examples("held_out")
        held_out = [samples[number] for number in read_json(self.scratch / "split.json")["held_out"]]
        return [Watch(self.base, list(zip(held_out, examples, strict=True)), stage, emit)]

    def make_reporter(self, stage: str, of: int) -> Callable[[int], None]:
        """A function that turns a count of done examples, `of` in all, into events of `stage`."""
        return lambda done: self.emit(FitEvent(stage, done, of))

    def make_folder(self, name: str, fill: Callable[[Path], None]) -> None:
        """Makes the folder `name` by `fill`, unless it exists; it gets its name only when it is whole."""
        final, part = self.scratch / name, self.scratch / f"{name}.part"
        if final.exists():
            return
        shutil.rmtree(part, ignore_errors=True)
        fill(part)
        os.replace(part, final)


@lru_cache(maxsize=1)
def _load_base_once(model: str | None, task: str) -> BaseModel:
    """The base that this process fits with, its task adapter included; the last one stays loaded.

    A process that keeps a base for its workers serves that model alone.
    """
    return find_trainable_base(task) or load_base(model, trainable=True, task=task)
