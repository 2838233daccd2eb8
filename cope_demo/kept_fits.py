"""Fits that an evaluation keeps by what they were made from, so that no run makes one twice.

The supervised half is kept by its own inputs alone: runs that differ in the preference stage share it.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from . import fit
from .base_model import BaseModel
from .config import FitConfig, cache_dir
from .history import History
from .task_adapters import TaskAdapter
from .tasks import Sample

SUPERVISED = {"history": "split.json", "oppu": "oppu"}
PREFERENCES = {"negatives": "pairs.jsonl", "dpo": "cope"}
"""The fit's stages, and what each leaves behind."""
_LATER = ("sample_rows", "score_tokens", "candidate", "selection", "negatives_alpha", "dpo_", "beta")
"""How the names of settings begin that mean nothing to the supervised half."""


def kept_fit(
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
    settings = asdict(config)
    if not preferences:
        settings = {name: value for name, value in settings.items() if not name.startswith(_LATER)}
    inputs = [settings, base.identity, tam.sha256 if tam else None, task, [asdict(sample) for sample in samples]]
    folder = cache_dir() / "fits" / hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:32]
    stages = PREFERENCES if preferences else SUPERVISED
    if all((folder / made).exists() for made in stages.values()):
        return folder
    if not (folder / "request.json").exists():
        fit.prepare(folder, History(list(samples), task, len(samples)), "author", model=model, config=config)
    if preferences and not (folder / "oppu").exists():
        half = kept_fit(samples, task, config, base, tam, model, False)
        for name in ("base.json", "split.json"):
            shutil.copyfile(half / name, folder / name)
        shutil.copytree(half / "oppu", folder / "oppu.part", dirs_exist_ok=True)
        (folder / "oppu.part").rename(folder / "oppu")
    for stage, made in stages.items():
        if not (folder / made).exists():
            fit.run_stage(stage, folder, lambda event: None)
    return folder
