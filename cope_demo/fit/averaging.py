"""One adapter of several fits that differ in their seeds: the mean of their products B A.

The chance in a fit (order of the texts, first weights) moves an adapter about; the mean of R fits moves less. Their
ranks stand side by side, and lora_alpha stays what it is: peft scales with lora_alpha / (R * r), a fit's own scale at
1/R. So it is a plain LoRA of rank R * r, and every part of it can be taken out again.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from cope_demo.config import FitConfig
from cope_demo.system.files import read_json, write_whole

from .events import Emit, FitEvent

SEED_STEP = 10_007
"""Between the seeds of fits that are averaged: far more than between those of runs that are compared."""
WEIGHTS, SETTINGS = "adapter_model.safetensors", "adapter_config.json"

Train = Callable[[int, FitConfig, Path, Emit], None]
"""Trains fit number n with these settings and saves its adapter to this folder, in peft's format."""


def average_fits(config: FitConfig, folder: Path, emit: Emit, train: Train) -> None:
    """Saves to `folder` the mean of `seeds_averaged` adapters; of one, the adapter as `train` made it."""
    count = config.seeds_averaged
    if count == 1:
        return train(0, config, folder, emit)
    own = folder.with_name(f"{folder.name}.seeds")
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    for number in range(count):

        def emit_part(event: FitEvent, number=number) -> None:
            emit(replace(event, step=number * event.of + event.step, of=count * event.of))

        train(number, replace(config, seed=(config.seed + number * SEED_STEP) % 2**31), own / str(number), emit_part)
    join_adapters([own / str(number) for number in range(count)], folder)
    shutil.rmtree(own)


def join_adapters(folders: list[Path], target: Path) -> None:
    """Writes the adapter whose product B A is the mean of those in `folders`, which have the same shape."""
    many = [load_file(folder / WEIGHTS) for folder in folders]
    joined = {name: torch.cat([tensors[name] for tensors in many], _rank_of(name)) for name in many[0]}
    _write(target, joined, folders[0], len(folders) * read_json(folders[0] / SETTINGS)["r"])


def take_part(folder: Path, number: int, rank: int, target: Path) -> Path:
    """Writes fit `number` of a joined adapter, of rank `rank`, to `target` and returns that."""
    tensors = load_file(folder / WEIGHTS)
    own = {name: tensor.narrow(_rank_of(name), number * rank, rank) for name, tensor in tensors.items()}
    _write(target, own, folder, rank)
    return target


def _rank_of(name: str) -> int:
    """The dimension of the ranks: A is (r, in), B is (out, r)."""
    return 0 if ".lora_A." in name else 1


def _write(target: Path, tensors: dict[str, torch.Tensor], like: Path, rank: int) -> None:
    """An adapter with the settings of the one in `like`, but of this rank."""
    target.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, target / WEIGHTS, {"format": "pt"})
    write_whole(target / SETTINGS, json.dumps(read_json(like / SETTINGS) | {"r": rank}, indent=2))
