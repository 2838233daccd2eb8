"""The supervised stage: a LoRA on one person's history (OPPU), with trl's SFTTrainer on the 4-bit base.

Source of the method: Tan et al., "Democratizing Large Language Models via Personalized Parameter-Efficient Fine-tuning"
(OPPU), EMNLP 2024.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from cope_demo.config import FitConfig
from cope_demo.model.base_model import BaseModel

from .events import Emit
from .examples import Example
from .response_logps import read_responses
from .training import (
    Progress,
    apply_new_adapter,
    make_trainer_settings,
    save_adapter,
    seed_everything,
    train,
    use_one_gpu,
)


class LeanTrainer(SFTTrainer):
    """SFTTrainer with the plain cross-entropy of the responses; see response_logps.py.

    trl's own loss computes each token's entropy and accuracy, too, in float32 tiles, and on a CPU at every position of
    the prompts. A mixture of experts is trained without its balancing loss.
    """

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        logps = torch.cat(read_responses(model, inputs["input_ids"], inputs["attention_mask"], inputs["labels"]))
        loss = -logps.sum() / (len(logps) if num_items_in_batch is None else num_items_in_batch)
        return (loss, {}) if return_outputs else loss


def train_oppu(
    base: BaseModel,
    examples: list[Example],
    config: FitConfig,
    folder: Path,
    emit: Emit,
    watches: Sequence[TrainerCallback] = (),
) -> None:
    """Fits a fresh LoRA on the examples' responses (prompts carry no loss) and saves it to `folder` in peft's format.

    base: a trainable BaseModel; it is without the adapter again afterwards. With a task adapter in it,
    `stacked_learning_rate` counts.
    watches: who looks at the model meanwhile. Same seed, same machine: the same adapter, bit for bit.
    """
    seed_everything(config.seed)
    rows = [
        {
            "input_ids": e.prompt_ids + e.response_ids,
            "labels": [-100] * len(e.prompt_ids) + e.response_ids,
            "length": len(e.prompt_ids) + len(e.response_ids),
        }
        for e in examples
    ]
    with apply_new_adapter(base, config) as model:
        trainer = LeanTrainer(
            model=model,
            args=use_one_gpu(
                SFTConfig(**make_trainer_settings(base, config, "oppu", folder.parent, "length"), packing=False)
            ),
            train_dataset=Dataset.from_list(rows),
            processing_class=base.tokenizer,
            callbacks=[*watches, Progress("oppu", emit)],
        )
        train(trainer)
        save_adapter(model, folder)
