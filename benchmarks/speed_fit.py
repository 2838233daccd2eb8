"""A whole fit of 40 texts, against the plain sequence SFTTrainer, `generate`, DPOTrainer.

    python benchmarks/speed_fit.py [--json]

Both fit the texts of the sample user "ines" on the same 4-bit base, with the same LoRA, epochs, learning rates and K.
The plain sequence is what one writes from the libraries' examples, with only their defaults corrected that would fit
something else (no checkpointing, no saving in between, base as DPO's reference by removing trl's copy of the adapter):
batches of 8, `generate` a prompt at a time, and candidates scored a prompt at a time. Our time includes the held-out
report, which the plain sequence does not make.
"""

import json
import time
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
from cope_demo.fit.training import lora_settings
from cope_demo.model.base_model import load_base
from cope_demo.paths import SAMPLE_USERS
from cope_demo.reward import implicit_reward
from cope_demo.texts.history import parse_history

PLAIN = dict(gradient_checkpointing=False, save_strategy="no", report_to="none", disable_tqdm=True)


def plain(samples, config: FitConfig, folder: Path) -> dict[str, float]:
    """Seconds of each stage of the plain sequence."""
    times, started = {}, time.perf_counter()

    def lap(stage):
        nonlocal started
        times[stage] = time.perf_counter() - started
        started = time.perf_counter()

    base = load_base(trainable=True)
    device = dict(use_cpu=not torch.cuda.is_available(), bf16=base.dtype == torch.bfloat16)
    tokenizer = base.tokenizer

    def turn(role, text):
        return [{"role": role, "content": text}]

    rows = [{"prompt": turn("user", s.prompt), "completion": turn("assistant", s.response)} for s in samples]
    trainer = SFTTrainer(
        model=get_peft_model(base.model, lora_settings(config)),
        args=SFTConfig(
            output_dir=str(folder / "sft"),
            num_train_epochs=config.oppu_epochs,
            learning_rate=config.oppu_learning_rate,
            **PLAIN,
            **device,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    trainer.train()
    trainer.save_model(folder / "plain")
    lap("oppu")

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
        start = prompt.shape[1]
        rewards = []
        with torch.no_grad():
            logps = []
            for adapter in (True, False):
                if adapter:
                    logits = model(out).logits
                else:
                    with model.disable_adapter():
                        logits = model(out).logits
                logps.append(logits[:, start - 1 : -1].float().log_softmax(-1).gather(-1, out[:, start:, None])[..., 0])
            rewards = implicit_reward(*logps, config.negatives_alpha).mean(-1)
        rejected = tokenizer.decode(out[int(rewards.argmin()), start:], skip_special_tokens=True)
        pairs.append(
            {
                "prompt": turn("user", sample.prompt),
                "chosen": turn("assistant", sample.response),
                "rejected": turn("assistant", rejected),
            }
        )
    lap("negatives")

    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            output_dir=str(folder / "dpo"),
            num_train_epochs=config.dpo_epochs,
            learning_rate=config.dpo_learning_rate,
            beta=config.beta,
            **PLAIN,
            **device,
        ),
        train_dataset=Dataset.from_list(pairs),
        processing_class=tokenizer,
    )
    model.delete_adapter("ref")
    trainer.train()
    trainer.save_model(folder / "plain-dpo")
    lap("dpo")
    return times


def ours(history, config: FitConfig, folder: Path) -> dict[str, float]:
    """Seconds of each stage of our fit, the report included."""
    pipeline.prepare(folder / "ours", history.samples, history.task, "bench", config=config)
    for stage in STAGES[:-1]:
        pipeline.run_stage(stage, folder / "ours", lambda event: None)
    return json.loads((folder / "ours" / "times.json").read_text())


def measure(folder: Path) -> list[dict]:
    """The table's rows."""
    history = parse_history(SAMPLE_USERS / "ines" / "texts.txt")
    config = FitConfig()
    other = plain(history.samples, config, folder)  # first: our fit changes how this process reuses memory
    mine = ours(history, config, folder)
    rows = []
    for name, times in (("ours", mine), ("plain sequence", other)):
        stages = {stage: round(times.get(stage, 0.0), 1) for stage in ("oppu", "negatives", "dpo", "report")}
        rows.append({"way": name} | stages | {"seconds": round(sum(times.values()), 1)})
    rows.append({"way": "ours / plain", "ratio": round(sum(mine.values()) / sum(other.values()), 2)})
    shown = {k: v for k, v in asdict(config).items() if k.endswith(("epochs", "rank", "batch"))}
    rows.append({"way": "settings"} | shown)
    return rows


if __name__ == "__main__":
    table("A fit of 40 texts of about 60 tokens", measure)
