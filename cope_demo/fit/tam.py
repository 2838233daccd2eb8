"""The task adapter (TAM): a LoRA on other people's texts of a task, which then belongs to `base` of that task.

A run works in OUT/.training and saves its whole state every few steps, so one that was interrupted goes on from there
and ends with the same bytes as one that was not. Only safetensors and JSON are written and read.

Source: the task-adapted model of OPPU and CoPe ("Personalized LLM Decoding via Contrasting Personal Preference",
EMNLP 2025); the loss is the cross-entropy of the answers, prompts carry none.
"""

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from cope_demo.config import TamConfig
from cope_demo.errors import CopeError
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.model.padding import pad_sequences
from cope_demo.model.task_adapters import WEIGHTS
from cope_demo.system.files import read_json, sha256_file, write_whole
from cope_demo.texts.lamp import OTHERS, read_authors
from cope_demo.texts.tasks import Sample, find_task

from .examples import Example, encode
from .response_logps import response_logps
from .tam_card import NO_LICENCE, format_card
from .training import apply_new_adapter, apply_saved_adapter, reuse_memory, save_adapter, seed_everything

SAVE_STEPS = 20
"""Steps between two saved states; an interrupted run repeats at most that many."""
PASS_TOKENS = 512
"""Padded tokens in one forward and backward pass; a batch of long texts at once would need over 10 GB."""
CLIP = 1.0
WARM_UP = 0.05

Report = Callable[[int, int, float, float], None]
"""Receives (step, of, loss in nats a token, seconds to go)."""


def split_texts(data: Path, task_name: str, config: TamConfig) -> tuple[list[Sample], list[Sample]]:
    """Training and validation texts of user_others.json; no user has texts in both. Raises CopeError without any."""
    task = find_task(task_name)
    authors = read_authors(data, OTHERS)
    random.Random(config.seed).shuffle(authors)
    parts: tuple[list[Sample], list[Sample]] = ([], [])
    for author in authors:
        part = parts[1] if len(parts[1]) < config.validation else parts[0]
        part.extend(author.samples(task) + author.query_samples(task))
    train, validation = parts[0][: config.examples], parts[1][: config.validation]
    if not train:
        raise CopeError(
            f"{Path(data) / OTHERS} has {len(validation)} texts for {task_name}; more than {config.validation} are "
            "needed, as so many are kept for validation."
        )
    return train, validation


def train_tam(
    task_name: str,
    data: Path,
    out: Path,
    *,
    source: str = "",
    license: str = NO_LICENCE,
    model: str | None = None,
    config: TamConfig | None = None,
    report: Report = lambda step, of, loss, eta: None,
) -> dict:
    """Trains the task's adapter and writes it to `out` in peft's format, with a card and tam.json, which it returns.

    source: where the texts come from and under which licence, for the card; license: the same by the hub's name.
    A run with the same settings that was interrupted in `out` is continued; a finished one is returned as it is.
    Raises CopeError for data that will not do, or a run of other settings in `out`.
    """
    config = config or TamConfig()
    train, validation = split_texts(data, task_name, config)
    base = load_base(model, trainable=True)
    plan = {
        "task": task_name,
        "base": {"name": base.name, "identity": base.identity},
        "source": source,
        "license": license,
        "data_sha256": sha256_file(Path(data) / OTHERS),
        "settings": asdict(config),
    }
    if (out / "tam.json").exists():
        done = read_json(out / "tam.json")
        if {key: done.get(key) for key in plan} != plan:
            raise CopeError(f"{out} holds a task adapter of other data or settings: name another folder.")
        return done
    state = out / ".training"
    state.mkdir(parents=True, exist_ok=True)
    if _read_or_write_json(state / "plan.json", lambda: plan) != plan:
        raise CopeError(f"{state} holds an unfinished run of other data or settings: remove it or name another folder.")
    reuse_memory()
    before = _read_or_write_json(state / "before.json", lambda: _measure_nats(base, base.model, validation, config))
    seconds = _train(base, [encode(base, s, config) for s in train], config, state, report)
    with apply_saved_adapter(base, state / "adapter") as model_with_tam:
        after = _measure_nats(base, model_with_tam, validation, config)
    counts = {"train": len(train), "validation": len(validation)}
    result = {**plan, "texts": counts, "nats_per_token": {"before": before, "after": after}, "seconds": round(seconds)}
    for path in (state / "adapter").iterdir():
        if path.name != "README.md":  # peft's own card, which says nothing
            shutil.copyfile(path, out / path.name)  # and not moved: whoever is cut off here goes on from them
    result["adapter_sha256"] = sha256_file(out / WEIGHTS)
    (out / "README.md").write_text(format_card(result), "utf-8")
    _write_json(out / "tam.json", result)
    shutil.rmtree(state)
    return result


def _train(base: BaseModel, examples: Sequence[Example], config: TamConfig, state: Path, report: Report) -> float:
    """Fits a fresh LoRA into state/adapter, from the last saved step on. Returns the seconds of the whole run."""
    if (state / "adapter").exists():
        return read_json(state / "step.json")["seconds"]
    seed_everything(config.seed)
    batches = _make_batches(examples, config)
    with apply_new_adapter(base, config) as model:
        weights = {name: p for name, p in model.named_parameters() if p.requires_grad}
        for parameter in weights.values():
            parameter.data = parameter.data.float()
        optimizer = torch.optim.AdamW(weights.values(), lr=config.learning_rate, weight_decay=0.0)
        first, spent = _resume(state, weights, optimizer)
        model.train()
        started, loss = time.monotonic(), 0.0
        for step in range(first, len(batches)):
            optimizer.param_groups[0]["lr"] = config.learning_rate * _schedule_rate(step, len(batches))
            loss = _add_gradients(base, model, [examples[i] for i in batches[step]])
            torch.nn.utils.clip_grad_norm_(weights.values(), CLIP)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            passed = time.monotonic() - started
            report(step + 1, len(batches), loss, passed / (step + 1 - first) * (len(batches) - step - 1))
            if (step + 1) % SAVE_STEPS == 0 or step + 1 == len(batches):
                _save(state, weights, optimizer, step + 1, spent + passed)
        part = state / "adapter.part"
        shutil.rmtree(part, ignore_errors=True)
        save_adapter(model, part)
        os.replace(part, state / "adapter")
    return read_json(state / "step.json")["seconds"]


def _add_gradients(base: BaseModel, model: PeftModel, batch: Sequence[Example]) -> float:
    """Adds a batch's gradients, in passes of PASS_TOKENS; returns the loss: nats a token of the answers.

    Rows are padded on the left, so that the answers end together and only their positions need logits.
    """
    device, mixed = base.device, base.dtype == torch.bfloat16
    tokens, total = sum(len(e.response_ids) for e in batch), 0.0
    for rows in _split_passes(batch):
        ids, mask = pad_sequences([e.prompt_ids + e.response_ids for e in rows], base.tokenizer.pad_token_id)
        labels, _ = pad_sequences([e.response_ids for e in rows], -100)
        length = labels.shape[1]
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            out = model(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                position_ids=(mask.cumsum(-1) - 1).clamp(min=0).to(device),
                use_cache=False,
                logits_to_keep=length + 1,
            )
        logits, targets = out.logits[:, -length - 1 : -1].flatten(0, 1), labels.flatten().to(device)
        kept = targets != -100
        loss = torch.nn.functional.cross_entropy(logits[kept].float(), targets[kept], reduction="sum")
        (loss / tokens).backward()
        total += float(loss.detach())
    return total / tokens


def _split_passes(batch: Sequence[Example]) -> list[list[Example]]:
    """The batch in parts of at most PASS_TOKENS padded tokens (or one text), each of similar length."""
    parts: list[list[Example]] = []
    for example in sorted(batch, key=lambda e: len(e.prompt_ids) + len(e.response_ids)):
        length = len(example.prompt_ids) + len(example.response_ids)
        if not parts or length * (len(parts[-1]) + 1) > PASS_TOKENS:
            parts.append([])
        parts[-1].append(example)
    return parts


def _make_batches(examples: Sequence[Example], config: TamConfig) -> list[list[int]]:
    """The batches of all epochs, in random order: texts of similar length together, out of 50 random batches each."""
    rng, batches = random.Random(config.seed + 1), []
    for _ in range(config.epochs):
        order = list(range(len(examples)))
        rng.shuffle(order)
        epoch: list[list[int]] = []
        pool = 50 * config.batch
        for start in range(0, len(order), pool):
            near = sorted(
                order[start : start + pool], key=lambda i: len(examples[i].prompt_ids) + len(examples[i].response_ids)
            )
            epoch += [near[i : i + config.batch] for i in range(0, len(near), config.batch)]
        rng.shuffle(epoch)
        batches += epoch
    return batches


def _schedule_rate(step: int, of: int) -> float:
    """Share of the learning rate at `step` of `of`: up during the warm-up, then linearly down to 0."""
    warm = max(1, int(WARM_UP * of))
    return (step + 1) / warm if step < warm else (of - step) / max(1, of - warm)


def _save(state: Path, weights: dict, optimizer: torch.optim.AdamW, step: int, seconds: float) -> None:
    """The whole state of the run, whole or not at all: step.json, written last, names the file it belongs to."""
    tensors = {}
    for name, parameter in weights.items():
        moments = optimizer.state[parameter]
        tensors[f"{name}|weight"] = parameter.data
        tensors[f"{name}|exp_avg"], tensors[f"{name}|exp_avg_sq"] = moments["exp_avg"], moments["exp_avg_sq"]
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, state / f"step-{step}.safetensors")
    _write_json(state / "step.json", {"step": step, "seconds": seconds})
    for path in state.glob("step-*.safetensors"):
        if path.name != f"step-{step}.safetensors":
            path.unlink()


def _resume(state: Path, weights: dict, optimizer: torch.optim.AdamW) -> tuple[int, float]:
    """Puts the last saved state back. Returns its step and the seconds that it took; (0, 0.0) at a first start."""
    if not (state / "step.json").exists():
        return 0, 0.0
    saved = read_json(state / "step.json")
    tensors = load_file(state / f"step-{saved['step']}.safetensors")
    for name, parameter in weights.items():
        parameter.data.copy_(tensors[f"{name}|weight"])
        optimizer.state[parameter] = {
            "step": torch.tensor(float(saved["step"])),
            "exp_avg": tensors[f"{name}|exp_avg"].to(parameter.device),
            "exp_avg_sq": tensors[f"{name}|exp_avg_sq"].to(parameter.device),
        }
    return saved["step"], saved["seconds"]


def _measure_nats(base: BaseModel, model: torch.nn.Module, samples: Sequence[Sample], config: TamConfig) -> float:
    """Mean negative log-probability of the answers' tokens in nats."""
    values = response_logps(model, [encode(base, s, config) for s in samples], base.tokenizer.pad_token_id)
    return round(float(-torch.cat(values).mean()), 4)


def _read_or_write_json(path: Path, make: Callable[[], object]):
    """What the JSON file holds; where there is none, `make`'s value is written first."""
    if not path.exists():
        _write_json(path, make())
    return read_json(path)


def _write_json(path: Path, data) -> None:
    write_whole(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
