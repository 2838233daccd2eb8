"""What makes a fit on a CPU quick, each part against what it replaces: median milliseconds of a step, taken in turns.

    python benchmarks/speed_training.py [--json]

Training is one batch of 4 texts, forward and backward, with the shipped task adapter for posts; sampling is 3 candidates
of 16 tokens for each of 8 prompts. Prompts have 40 tokens and responses 60, or 240 and 80; all are random.
"""

from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from common import medians, table
from peft.tuners.lora import LoraLayer

from cope_demo import negatives
from cope_demo.attention import NAME
from cope_demo.base_model import load_base
from cope_demo.config import FitConfig
from cope_demo.negatives import sample_candidates
from cope_demo.oppu import LeanTrainer
from cope_demo.training import Example, new_adapter, reuse_memory

LENGTHS = {"short": (40, 60), "long": (240, 80)}
ROUNDS = 4
PROMPTS, NEW_TOKENS = 8, 16


@contextmanager
def other(owner, name, value):
    """Something else in the place of owner's `name` for a while."""
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)


@contextmanager
def adapters_by_peft(model: torch.nn.Module):
    """peft's own forward in every layer for a while."""
    kept = {layer: layer.__dict__.pop("forward") for layer in model.modules() if isinstance(layer, LoraLayer)}
    yield
    for layer, forward in kept.items():
        layer.forward = forward


@contextmanager
def attention(model: torch.nn.Module, name: str):
    """Another attention for a while."""
    model.set_attn_implementation(name)
    yield
    model.set_attn_implementation(NAME)


def lean(model, inputs: dict) -> torch.Tensor:
    return LeanTrainer.compute_loss(None, model, dict(inputs))


def whole(model, inputs: dict) -> torch.Tensor:
    """transformers' own loss, with logits of the prompts, too."""
    return model(**inputs, use_cache=False).loss


def measure(folder: Path) -> list[dict]:
    """The table's rows."""
    reuse_memory()
    base = load_base(trainable=True, task="topic_writing")
    lot = torch.Generator().manual_seed(0)
    rows = []

    def in_turns(length, stage, ways):
        times = medians(ways, ROUNDS)
        for way, spent in times.items():
            rows.append({"length": length, "stage": stage, "way": way, "ms": round(1000 * spent)})
            rows[-1]["ours / this"] = round(times["ours"] / spent, 2)

    for length, (prompt, response) in LENGTHS.items():
        ids = torch.randint(100, 40000, (4, prompt + response), generator=lot)
        labels = ids.clone()
        labels[:, :prompt] = -100
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}

        with new_adapter(base, FitConfig()) as model:

            def train(context, loss=lean, model=model, inputs=inputs):
                with context, torch.autocast("cpu", torch.bfloat16):
                    loss(model, inputs).backward()

            ways = {
                "ours": lambda: train(nullcontext()),
                "adapters by peft": lambda: train(adapters_by_peft(model)),
                "transformers' plain attention": lambda: train(attention(base.model, "eager")),
                "torch's fused attention": lambda: train(attention(base.model, "sdpa")),
                "logits of prompts, too": lambda: train(nullcontext(), whole),
            }
            in_turns(length, "training", ways)

        many = torch.randint(100, 40000, (PROMPTS, prompt), generator=lot).tolist()
        examples = [Example(ids, [0] * NEW_TOKENS) for ids in many]

        def sample(context, examples=examples):
            with context:
                sample_candidates(base, examples, FitConfig(), lambda event: None)

        ways = {
            "ours": lambda: sample(nullcontext()),
            "transformers' plain attention": lambda: sample(attention(base.model, "eager")),
            "torch's fused attention": lambda: sample(attention(base.model, "sdpa")),
            "a prompt read for each candidate": lambda: sample(other(negatives, "read_prompts", lambda *_: None)),
        }
        in_turns(length, "sampling", ways)
    return rows


if __name__ == "__main__":
    table("A fit's steps on a CPU, part by part", measure)
