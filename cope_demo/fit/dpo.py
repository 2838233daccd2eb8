"""The preference stage: DPO continued from the OPPU adapter, with base as the reference, by trl's DPOTrainer.

Source of the method: Rafailov et al., "Direct Preference Optimization", NeurIPS 2023; in CoPe `chosen` is the person's
own text and `rejected` the selected sample from base.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from datasets import Dataset
from torch.nn.functional import logsigmoid
from transformers import TrainerCallback
from trl import DPOConfig, DPOTrainer

from cope_demo.config import FitConfig
from cope_demo.model.base_model import BaseModel

from .events import Emit
from .response_logps import read_responses
from .training import (
    Progress,
    apply_saved_adapter,
    make_trainer_settings,
    save_adapter,
    seed_everything,
    train,
    use_one_gpu,
)

NORMALISED = "sigmoid_norm"
"""trl's name of the loss whose gains are means over a response's tokens."""


@dataclass(frozen=True)
class TokenPair:
    """A pair in tokens, with log pi_base of both whole responses (sums over tokens, in nats)."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]
    base_chosen_logp: float
    base_rejected_logp: float


class BaseReferenceTrainer(DPOTrainer):
    """DPOTrainer on our tokens, with our reference.

    trl would take a copy of the already trained adapter as the reference, and would tokenize texts by its own template.
    Here the pairs come in tokens, and the reference log-probabilities with them, computed under base. trl's loss also
    scores the tokens of prompts, for entropies and accuracies that nobody reads: on a CPU more than half of a step.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.precompute_ref_logps = True
        self.model.delete_adapter("ref")

    def _prepare_dataset(self, dataset, *args, **kwargs):
        return dataset

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """-log sigmoid(beta * (gain of chosen - gain of rejected)), Rafailov et al., eq. 7; gains over base, in nats.

        With `dpo_token_beta` a gain is the mean over the response's tokens and this is beta: length-normalised DPO
        (Lambert et al., "Tulu 3", 2024), so that long responses do not decide by their length.
        With `dpo_sft_weight` the mean loss of a token of chosen is added (Pang et al., "Iterative Reasoning Preference
        Optimization", NeurIPS 2024), so that a lower likelihood of both cannot pass for a preference.
        inputs: trl's batch, (2B, T) padded on the right, the chosen rows first. A mixture of experts goes without its
        balancing loss, as in the supervised stage.
        """
        ids = inputs["input_ids"]
        labels = ids.masked_fill(inputs["completion_mask"] == 0, -100)
        many = read_responses(model, ids, inputs["attention_mask"], labels)
        logps = torch.stack([one.sum() for one in many])
        gains = logps - torch.cat([inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]])
        if NORMALISED in self.loss_types:
            gains = gains / torch.tensor([len(one) for one in many], device=gains.device)
        chosen, rejected = (self.beta * gains).chunk(2)
        self._metrics["train"]["rewards/margins"].append((chosen - rejected).mean().item())
        own = many[: len(ids) // 2]
        supervised = -torch.cat(own).mean()
        loss = -logsigmoid(chosen - rejected).mean() + self.loss_weights[1] * supervised
        return (loss, {}) if return_outputs else loss


def train_dpo(
    base: BaseModel,
    oppu: Path,
    pairs: list[TokenPair],
    config: FitConfig,
    folder: Path,
    emit: Emit,
    watches: Sequence[TrainerCallback] = (),
) -> None:
    """Continues the adapter in `oppu` on the pairs and saves the result to `folder` in peft's format.

    base: a trainable BaseModel; it is without the adapter again afterwards. With a task adapter in it,
    `dpo_stacked_learning_rate` counts. watches: who looks at the model meanwhile. Same seed, same machine: the same
    adapter, bit for bit.
    """
    seed_everything(config.seed + 2)
    rows = [
        {
            "prompt_ids": p.prompt_ids,
            "chosen_ids": p.chosen_ids,
            "rejected_ids": p.rejected_ids,
            "ref_chosen_logps": p.base_chosen_logp,
            "ref_rejected_logps": p.base_rejected_logp,
        }
        for p in pairs
    ]
    with apply_saved_adapter(base, oppu, trainable=True) as model:
        trainer = BaseReferenceTrainer(
            model=model,
            args=use_one_gpu(
                DPOConfig(
                    **make_trainer_settings(base, config, "dpo", folder.parent),
                    beta=config.dpo_token_beta or config.beta,
                    loss_type=[NORMALISED if config.dpo_token_beta else "sigmoid", "sft"],
                    loss_weights=[1.0, config.dpo_sft_weight],
                )
            ),
            train_dataset=Dataset.from_list(rows),
            processing_class=base.tokenizer,
            callbacks=[*watches, Progress("dpo", emit)],
        )
        train(trainer)
        save_adapter(model, folder)
