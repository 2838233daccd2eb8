"""A whole fit of 40 texts, against the plain sequence SFTTrainer, `generate`, DPOTrainer.

    python benchmarks/speed_fit.py [--json] [--quick]

Both fit the texts of the sample user "ines" on the same 4-bit base, with the same LoRA, epochs, learning rates and K.
The plain sequence is what one writes from the libraries' examples, with only their defaults corrected that would fit
something else (no checkpointing, no saving in between, base as DPO's reference by removing trl's copy of the adapter):
batches of 8, `generate` a prompt at a time, and candidates scored a prompt at a time. Our time includes the held-out
report, which the plain sequence does not make. Each is a process of its own; a row is a stage. Quick: 8 of the texts.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import torch
from common import table
from datasets import Dataset
from peft import PeftModel, get_peft_model
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from cope_demo.config import FitConfig
from cope_demo.fit import pipeline
from cope_demo.fit.events import STAGES
from cope_demo.fit.training import make_lora_settings, quiet_libraries
from cope_demo.model.arithmetic import compute_dtype
from cope_demo.model.base_model import load_base
from cope_demo.paths import SAMPLE_USERS
from cope_demo.reward import implicit_reward
from cope_demo.texts.history import parse_history

QUICK_TEXTS = 8
PLAIN = dict(gradient_checkpointing=False, save_strategy="no", report_to="none", disable_tqdm=True)


Tell = Callable[[str, float], None]
"""Is told a stage and its seconds."""


def time_plain(samples, config: FitConfig, folder: Path, tell: Tell) -> None:
    """The stages of the plain sequence."""

    def run(stage, function, *arguments):
        started = time.perf_counter()
        result = function(*arguments, config, folder)
        tell(stage, time.perf_counter() - started)
        return result

    tokenizer = run("oppu", train_sft, samples)
    model, pairs = run("negatives", select_pairs, samples)
    run("dpo", train_dpo, model, tokenizer, pairs)


def train_sft(samples, config: FitConfig, folder: Path):
    """The supervised stage by SFTTrainer; returns the tokenizer."""
    base = load_base(trainable=True)
    rows = [{"prompt": turn("user", s.prompt), "completion": turn("assistant", s.response)} for s in samples]
    trainer = SFTTrainer(
        model=get_peft_model(base.model, make_lora_settings(config)),
        args=SFTConfig(
            output_dir=str(folder / "sft"),
            num_train_epochs=config.oppu_epochs,
            learning_rate=config.oppu_learning_rate,
            **PLAIN,
            **choose_device(),
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=base.tokenizer,
    )
    trainer.train()
    trainer.save_model(folder / "plain")
    return base.tokenizer


def select_pairs(samples, config: FitConfig, folder: Path) -> tuple[PeftModel, list[dict]]:
    """The fitted model, and the pairs: candidates by `generate`, scored a prompt at a time."""
    base = load_base(trainable=True)
    model = PeftModel.from_pretrained(base.model, str(folder / "plain"), is_trainable=True)
    pairs = []
    for sample in samples:
        prompt = torch.tensor([base.prompt_ids(sample.prompt)])
        with model.disable_adapter(), torch.no_grad():
            out = model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                do_sample=True,
                temperature=config.candidate_temperature,
                top_p=config.candidate_top_p,
                num_return_sequences=config.candidates,
                max_new_tokens=len(base.response_ids(sample.response)),
            )
        rewards = mean_rewards(model, out, prompt.shape[1], config.negatives_alpha)
        rejected = base.tokenizer.decode(out[int(rewards.argmin()), prompt.shape[1] :], skip_special_tokens=True)
        pairs.append(
            {
                "prompt": turn("user", sample.prompt),
                "chosen": turn("assistant", sample.response),
                "rejected": turn("assistant", rejected),
            }
        )
    return model, pairs


@torch.no_grad()
def mean_rewards(model: PeftModel, ids: torch.Tensor, start: int, alpha: float) -> torch.Tensor:
    """Mean implicit reward of the tokens of each row (K, T) from `start` on: (K,)."""
    logps = []
    for adapter in (True, False):
        with nullcontext() if adapter else model.disable_adapter():
            logits = model(ids).logits
        logps.append(logits[:, start - 1 : -1].float().log_softmax(-1).gather(-1, ids[:, start:, None])[..., 0])
    return implicit_reward(*logps, alpha).mean(-1)


def train_dpo(model: PeftModel, tokenizer, pairs: list[dict], config: FitConfig, folder: Path) -> None:
    """The preference stage by DPOTrainer."""
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            output_dir=str(folder / "dpo"),
            num_train_epochs=config.dpo_epochs,
            learning_rate=config.dpo_learning_rate,
            beta=config.beta,
            **PLAIN,
            **choose_device(),
        ),
        train_dataset=Dataset.from_list(pairs),
        processing_class=tokenizer,
    )
    model.delete_adapter("ref")
    trainer.train()
    trainer.save_model(folder / "plain-dpo")


def choose_device() -> dict:
    """Where the trainers compute, and in which type: the demo's own."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return {"use_cpu": device.type == "cpu", "bf16": compute_dtype(device) == torch.bfloat16}


def turn(role: str, text: str) -> list[dict]:
    """A conversation of one message."""
    return [{"role": role, "content": text}]


def time_ours(samples, config: FitConfig, folder: Path, tell: Tell) -> None:
    """The stages of our fit, the report included; the first one loads the model."""
    pipeline.prepare(folder / "ours", samples, "free_writing", "bench", config=config)
    for stage in STAGES[:-1]:
        pipeline.run_stage(stage, folder / "ours", lambda event: None)
        tell(stage, json.loads((folder / "ours" / "times.json").read_text())[stage])


WAYS = {"ours": time_ours, "plain sequence": time_plain}


def run_way(way: str, folder: Path, quick: bool) -> None:
    """Prints a line of JSON for every stage of one way, in a process of its own: ours changes how memory is reused."""
    quiet_libraries()
    samples = parse_history(SAMPLE_USERS / "ines" / "texts.txt").samples[: QUICK_TEXTS if quick else None]
    WAYS[way](samples, FitConfig(), folder, lambda stage, spent: print(json.dumps([stage, spent]), flush=True))


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    total = dict.fromkeys(WAYS, 0.0)
    for way in WAYS:
        command = [sys.executable, __file__, "--way", way, str(folder), *(["--quick"] if quick else [])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout:
                if line.startswith("["):  # and not what a library prints
                    stage, spent = json.loads(line)
                    total[way] += spent
                    yield {"way": way, "stage": stage, "seconds": round(spent, 1)}
        if child.returncode:
            raise RuntimeError(f"{way} ended with {child.returncode}")
        yield {"way": way, "stage": "all", "seconds": round(total[way], 1)}
    yield {"way": "ours / plain", "ratio": round(total["ours"] / total["plain sequence"], 2)}
    settings = asdict(FitConfig())
    yield {"way": "settings"} | {k: v for k, v in settings.items() if k.endswith(("epochs", "rank", "batch"))}


if __name__ == "__main__":
    if "--way" in sys.argv:
        run_way(sys.argv[2], Path(sys.argv[3]), "--quick" in sys.argv)
    else:
        table("A fit of texts of about 60 tokens", measure)
