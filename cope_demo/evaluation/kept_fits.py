"""Fits that an evaluation keeps by what they were made from, so that no run makes one twice.

A part of a fit is kept by its own inputs alone: runs that differ in the preference stage share the adapter before it,
and those that differ in DPO alone share the negatives, too.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cope_demo.config import FitConfig
from cope_demo.fit import pipeline, scratch
from cope_demo.model.base_model import BaseModel
from cope_demo.model.task_adapters import TaskAdapter
from cope_demo.paths import cache_dir
from cope_demo.system.memory import return_memory
from cope_demo.texts.tasks import Sample


@dataclass(frozen=True)
class _Part:
    """Stages of a fit that are kept together.

    makes: what they leave behind, in the order in which it is written. later: how the names of settings begin that mean
    nothing to them, but only to the parts after them.
    """

    stages: tuple[str, ...]
    makes: tuple[str, ...]
    later: tuple[str, ...]


_DPO = ("dpo_", "beta")
PARTS = (
    _Part(
        ("history", "oppu"),
        ("base.json", "split.json", "oppu"),
        ("sample_rows", "score_tokens", "candidate", "selection", "negatives_alpha", *_DPO),
    ),
    _Part(("negatives",), ("held_out.json", "pairs.jsonl"), _DPO),
    _Part(("dpo",), ("cope",), ()),
)


def get_kept_fit(
    samples: Sequence[Sample],
    task: str,
    config: FitConfig,
    base: BaseModel,
    tam: TaskAdapter | None,
    model: str | None,
    preferences: bool,
) -> Path:
    """The folder of a fit on these samples, made as far as it is missing: `oppu` in it, and with preferences `cope`.

    base, tam: what it is fitted on; model: where `base` came from. Raises CopeError for samples that will not do.
    """

    def kept(number: int) -> Path:
        part, folder = PARTS[number], _name_folder(PARTS[number], samples, task, config, base, tam)
        if _is_whole(folder, part):
            return folder
        if not (folder / "request.json").exists():
            scratch.prepare(folder, samples, task, "author", model=model, config=config)
        if number:
            before = kept(number - 1)
            for name in (name for earlier in PARTS[:number] for name in earlier.makes):
                _copy(before / name, folder / name)
        for stage in part.stages:
            pipeline.run_stage(stage, folder, lambda event: None, watch=False)
        return_memory()  # a fit keeps what it frees for its next step, and this process makes one after the other
        return folder

    return kept(len(PARTS) - 1 if preferences else 0)


def is_kept(
    samples: Sequence[Sample],
    task: str,
    config: FitConfig,
    base: BaseModel,
    tam: TaskAdapter | None,
    preferences: bool,
) -> bool:
    """Whether get_kept_fit has nothing to make."""
    part = PARTS[-1 if preferences else 0]
    return _is_whole(_name_folder(part, samples, task, config, base, tam), part)


def _name_folder(
    part: _Part, samples: Sequence[Sample], task: str, config: FitConfig, base: BaseModel, tam: TaskAdapter | None
) -> Path:
    """Where this part of a fit is kept, there or not."""
    settings = {name: value for name, value in asdict(config).items() if not name.startswith(part.later)}
    inputs = [settings, base.identity, tam.sha256 if tam else None, task, [asdict(sample) for sample in samples]]
    if base.compute != "float32":  # in which every machine can make the same fit
        inputs.append(base.compute)
    return cache_dir() / "fits" / hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:32]


def _is_whole(folder: Path, part: _Part) -> bool:
    return (folder / part.makes[-1]).exists()


def _copy(source: Path, target: Path) -> None:
    """A copy that is there whole or not at all."""
    if target.exists():
        return
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, part)
    part.rename(target)
