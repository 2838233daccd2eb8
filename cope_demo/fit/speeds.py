"""How fast the fits on this host were, and from that how long one of other texts takes here.

What is kept of a fit are two numbers, from which nothing of its texts can be told: the seconds that its stages take
before their work begins (the model is loaded, a trainer is made) and the seconds a character of text. Nothing is known
before the first fit of a model has ended.
"""

import json
import os
import statistics
from collections.abc import Sequence
from pathlib import Path

from cope_demo.config import FitConfig
from cope_demo.paths import data_dir
from cope_demo.system.files import read_json, write_whole
from cope_demo.system.locks import file_lock
from cope_demo.texts.tasks import Sample

KEPT = 5
"""Fits of a model and its settings that are remembered: the newest, as a host changes."""
CHARACTERS = 4
"""Characters of a token, about: only to cut a text where a fit cuts it."""
PROMPT = 80
"""Characters of an instruction that is not made yet."""
FILE, LOCK = "fit-speeds.json", "fit-speeds.lock"


def record_speed(
    samples: Sequence[Sample],
    model: str | None,
    settings: dict,
    seconds: dict[str, float],
    setup: dict[str, float],
    folder: Path | None = None,
) -> None:
    """Remembers a fit that has been through all its stages.

    model: as it was asked for, None for the default. settings: fields of FitConfig. seconds: by stage. setup: how many
    of them passed before the stage's work began. folder: where, None for the data folder.
    """
    folder = folder or data_dir()
    folder.mkdir(parents=True, exist_ok=True)
    start = sum(setup.values())
    key = _name_kind(model, settings)
    rate = (sum(seconds.values()) - start) / count_characters(samples, FitConfig(**settings))
    with file_lock(folder / LOCK):
        known = _read(folder)
        known[key] = [*known.get(key, []), {"start": start, "per_character": rate}][-KEPT:]
        write_whole(folder / FILE, json.dumps(known, indent=1))


def estimate_fit(
    samples: Sequence[Sample], model: str | None, config: FitConfig, folder: Path | None = None
) -> float | None:
    """Seconds that a fit of these texts takes by the median of the last fits here; None where there was none."""
    found = _read(folder or data_dir()).get(_name_kind(model, vars(config)))
    if not found or not samples:
        return None
    start, rate = (statistics.median(one[name] for one in found) for name in ("start", "per_character"))
    return start + rate * count_characters(samples, config)


def count_characters(samples: Sequence[Sample], config: FitConfig) -> int:
    """The characters that a fit reads of these texts, at least 1."""
    prompt, response = (CHARACTERS * limit for limit in (config.max_prompt_tokens, config.max_response_tokens))
    return max(1, sum(min(len(s.prompt) or PROMPT, prompt) + min(len(s.response), response) for s in samples))


def _name_kind(model: str | None, settings: dict) -> str:
    """What must be the same for two fits to be as fast: the model, and all settings but seed and learning rates."""
    rest = {name: value for name, value in settings.items() if name != "seed" and "learning_rate" not in name}
    return json.dumps({"model": model or os.environ.get("COPE_MODEL") or "embedded", **rest}, sort_keys=True)


def _read(folder: Path) -> dict[str, list[dict]]:
    """The rates of the last fits by their kind; none where the file is missing or damaged."""
    try:
        known = read_json(folder / FILE)
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
