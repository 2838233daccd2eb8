"""What makes a fit on a CPU quick, each part against what it replaces: median milliseconds of a step, taken in turns.

    python benchmarks/speed_training.py [--json] [--quick]

OPPU and DPO are one batch of 4 texts or pairs, forward and backward, with the shipped task adapter for posts; sampling
is 3 candidates of 16 tokens for each of 8 prompts. Prompts have 40 tokens and responses 60, or 240 and 80; all are
random but for the first 28, a template. Padded rows are what families get whose attention reads no trees of tokens.
Quick: the short ones, one round.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from common import medians, table
from peft.tuners.lora import LoraLayer
from trl import DPOTrainer

from cope_demo.config import FitConfig
from cope_demo.fit import candidates
from cope_demo.fit.candidates import sample_candidates
from cope_demo.fit.dpo import BaseReferenceTrainer, TokenPair, train_dpo
from cope_demo.fit.examples import Example
from cope_demo.fit.oppu import LeanTrainer
from cope_demo.fit.training import apply_new_adapter, reuse_memory, save_adapter
from cope_demo.model.attention import NAME
from cope_demo.model.base_model import BaseModel, load_base

LENGTHS = {"short": (40, 60), "long": (240, 80)}
ROUNDS = 4
QUICK = "--quick"
PROMPTS, NEW_TOKENS, TEMPLATE = 8, 16, 28


@contextmanager
def substitute(owner, name, value):
    """Replaces owner's `name` by `value` inside the `with` block."""
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)


@contextmanager
def use_peft_forward(model: torch.nn.Module):
    """Uses peft's own forward in every layer inside the `with` block."""
    kept = {layer: layer.__dict__.pop("forward") for layer in model.modules() if isinstance(layer, LoraLayer)}
    yield
    for layer, forward in kept.items():
        layer.forward = forward


@contextmanager
def use_attention(model: torch.nn.Module, name: str):
    """Uses another attention inside the `with` block."""
    model.set_attn_implementation(name)
    yield
    model.set_attn_implementation(NAME)


def measure_ways(length: str, stage: str, ways: dict) -> list[dict]:
    """Rows of the table, with what "ours" takes as a share of each other way."""
    times = medians(ways, 1 if QUICK in sys.argv else ROUNDS)
    return [
        {
            "length": length,
            "stage": stage,
            "way": way,
            "ms": round(1000 * spent),
            "ours / this": round(times["ours"] / spent, 2),
        }
        for way, spent in times.items()
    ]


def autocast(base: BaseModel):
    """The mixed precision of a fit: none where base computes in float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=base.dtype == torch.bfloat16)


def measure_oppu(base: BaseModel, length: str, rows: list[list[int]], prompt: int, folder: Path) -> list[dict]:
    """A step of the supervised stage; leaves an adapter in `folder`."""
    ids = torch.tensor(rows)
    labels = ids.clone()
    labels[:, :prompt] = -100
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    with apply_new_adapter(base, FitConfig()) as model:

        def step(context=None, lean=True):
            with context or nullcontext(), autocast(base):
                if lean:
                    LeanTrainer.compute_loss(None, model, dict(inputs)).backward()
                else:
                    model(**inputs, use_cache=False).loss.backward()

        ways = {
            "ours": step,
            "adapters by peft": lambda: step(use_peft_forward(model)),
            "padded rows": lambda: step(use_attention(base.model, "eager")),
            "padded rows, torch's fused attention": lambda: step(use_attention(base.model, "sdpa")),
            "padded rows, logits of prompts, too": lambda: step(use_attention(base.model, "eager"), lean=False),
        }
        found = measure_ways(length, "OPPU", ways)
        save_adapter(model, folder)
    return found


def measure_dpo(base: BaseModel, length: str, rows: list[list[int]], prompt: int, folder: Path) -> list[dict]:
    """A step of the preference stage, from the adapter in `folder`."""
    pairs = [TokenPair(row[:prompt], row[prompt:], row[prompt:][::-1], -9.0, -9.0) for row in rows]
    found = []

    def measure(trainer):
        batch = trainer.data_collator(list(trainer.train_dataset))

        def step(owner, context=None):
            with context or nullcontext(), autocast(base):
                owner.compute_loss(trainer, trainer.model, dict(batch)).backward()

        ways = {
            "ours": lambda: step(BaseReferenceTrainer),
            "padded rows": lambda: step(BaseReferenceTrainer, use_attention(base.model, "eager")),
            "trl's loss": lambda: step(DPOTrainer),
        }
        found.extend(measure_ways(length, "DPO", ways))

    with substitute(BaseReferenceTrainer, "train", measure):
        train_dpo(base, folder, pairs, FitConfig(), folder.parent / "cope", lambda event: None)
    return found


def measure_sampling(base: BaseModel, length: str, prompts: list[list[int]]) -> list[dict]:
    """Candidates for some prompts."""
    examples = [Example(ids, [0] * NEW_TOKENS) for ids in prompts]

    def sample(context=None):
        with context or nullcontext():
            sample_candidates(base, examples, FitConfig(), lambda event: None)

    ways = {"ours": sample, "generate": lambda: sample(substitute(candidates, "make_forward", lambda base: None))}
    return measure_ways(length, "sampling", ways)


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    reuse_memory()
    base = load_base(trainable=True, task="topic_writing")
    rng = torch.Generator().manual_seed(0)
    for length, (prompt, response) in list(LENGTHS.items())[: 1 if quick else None]:
        rows = torch.randint(100, 40000, (PROMPTS, prompt + response), generator=rng)
        rows[:, :TEMPLATE] = rows[0, :TEMPLATE]
        rows = rows.tolist()
        yield from measure_oppu(base, length, rows[:4], prompt, folder / "oppu")
        yield from measure_dpo(base, length, rows[:4], prompt, folder / "oppu")
        yield from measure_sampling(base, length, [row[:prompt] for row in rows])


if __name__ == "__main__":
    table("A fit's steps on a CPU, part by part", measure)
