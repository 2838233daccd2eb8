"""Settings as frozen dataclasses. A bad value is refused by name, with the allowed range, before any work starts."""

import math
import os
from dataclasses import dataclass
from typing import ClassVar

from .errors import CopeError


def keep_days() -> int:
    """How long a visitor's fits and everything about them are kept: COPE_KEEP_DAYS, default 7, in days."""
    return whole("COPE_KEEP_DAYS", 7, 1, 365)


def check(name: str, value, low, high, whole: bool = False) -> None:
    """Raises CopeError naming the setting unless `low <= value <= high` (and whole, where asked)."""
    kind = "a whole number" if whole else "a number"
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not low <= value <= high or (whole and int(value) != value):
        raise CopeError(f"{name} must be {kind} from {low} to {high}, but is {value!r}; choose a value in that range.")


def whole(variable: str, default: int, low: int, high: int) -> int:
    """The whole number in an environment variable. Raises CopeError when it is none in the range."""
    text = os.environ.get(variable) or str(default)
    value = int(text) if text.isdecimal() else text
    check(variable, value, low, high, whole=True)
    return value


@dataclass(frozen=True)
class DecodeConfig:
    """How the columns are decoded.

    alpha: contrast strength in r_user = log pi_user - alpha * log pi_base; 0 is no contrast.
    tau: plausibility cut of V_head: tokens with pi_user >= tau * max pi_user; 1 is greedy.
    repetition_penalty: makes generated tokens less likely to the driver, alike in every column; 1 is off.
    max_new_tokens: length limit of a column in tokens.
    alternatives: how many candidate tokens a step carries with both models' numbers.
    temperature: 0 takes the best-scored token; above 0 samples from softmax(score / temperature) over V_head.
    seed: of the sampling.
    """

    alpha: float = 0.1
    tau: float = 0.1
    repetition_penalty: float = 1.2
    max_new_tokens: int = 80
    alternatives: int = 10
    temperature: float = 0.0
    seed: int = 0

    def __post_init__(self):
        check("alpha", self.alpha, 0, 2)
        check("tau", self.tau, 0, 1)
        check("repetition_penalty", self.repetition_penalty, 1, 2)
        check("max_new_tokens", self.max_new_tokens, 1, 1024, whole=True)
        check("alternatives", self.alternatives, 0, 50, whole=True)
        check("temperature", self.temperature, 0, 2)
        check("seed", self.seed, 0, 2**31 - 1, whole=True)


@dataclass(frozen=True)
class FitConfig:
    """How a user's adapters are fitted. The defaults were measured; docs/fit-defaults.md holds the sweep.

    lora_rank, lora_alpha, lora_dropout, lora_targets: the LoRA ("all-linear", or names joined by commas).
    max_prompt_tokens, max_response_tokens: longer ones are cut for training.
    holdout: texts held out of the fit for its report; at most a fifth of the history.
    oppu_epochs, oppu_learning_rate, oppu_batch: the supervised stage.
    stacked_learning_rate: its learning rate where base has a task adapter, which is near the person's texts already.
    sample_rows, score_tokens: answers that base samples, and padded tokens that are scored, in one batch.
    candidates, candidate_temperature, candidate_top_p: K samples from base for each prompt; temperature 0 is greedy,
        and then K is 1.
    selection: "lowest" rejects the candidate with the lowest implicit reward, "hardest" the one with the highest.
    negatives_alpha: alpha of the implicit reward that scores the candidates. At 1 the lowest is what base says and the
        person would not; near 0 it would be whatever is least fluent.
    dpo_epochs, dpo_learning_rate, dpo_batch, beta: the preference stage.
    dpo_stacked_learning_rate: its learning rate where base has a task adapter.
    dpo_sft_weight: weight of the person's own text's supervised loss in the preference stage; 0 is plain DPO.
    seed: everything random in a fit follows from it.
    """

    lora_rank: int = 8
    lora_alpha: int = 16
    lora_dropout: float = 0.0
    lora_targets: str = "all-linear"
    max_prompt_tokens: int = 384
    max_response_tokens: int = 192
    holdout: int = 4
    oppu_epochs: int = 3
    oppu_learning_rate: float = 1e-3
    stacked_learning_rate: float = 5e-4
    oppu_batch: int = 4
    sample_rows: int = 48
    score_tokens: int = 1024
    candidates: int = 3
    candidate_temperature: float = 0.7
    candidate_top_p: float = 0.95
    selection: str = "lowest"
    negatives_alpha: float = 1.0
    dpo_epochs: int = 1
    dpo_learning_rate: float = 2e-4
    dpo_stacked_learning_rate: float = 1e-4
    dpo_sft_weight: float = 0.0
    dpo_batch: int = 4
    beta: float = 0.02
    seed: int = 0

    def __post_init__(self):
        check("lora_rank", self.lora_rank, 1, 256, whole=True)
        check("lora_alpha", self.lora_alpha, 1, 512)
        check("lora_dropout", self.lora_dropout, 0, 0.9)
        check("max_prompt_tokens", self.max_prompt_tokens, 16, 8192, whole=True)
        check("max_response_tokens", self.max_response_tokens, 8, 4096, whole=True)
        check("holdout", self.holdout, 1, 100, whole=True)
        for stage in ("oppu", "dpo"):
            check(f"{stage}_epochs", getattr(self, f"{stage}_epochs"), 0, 100)
            check(f"{stage}_learning_rate", getattr(self, f"{stage}_learning_rate"), 1e-7, 1)
            check(f"{stage}_batch", getattr(self, f"{stage}_batch"), 1, 256, whole=True)
        for name in ("stacked_learning_rate", "dpo_stacked_learning_rate"):
            check(name, getattr(self, name), 1e-7, 1)
        check("dpo_sft_weight", self.dpo_sft_weight, 0, 100)
        check("sample_rows", self.sample_rows, 1, 4096, whole=True)
        check("score_tokens", self.score_tokens, 1, 1_000_000, whole=True)
        check("candidates", self.candidates, 1, 16, whole=True)
        check("candidate_temperature", self.candidate_temperature, 0, 2)
        check("candidate_top_p", self.candidate_top_p, 0.01, 1)
        check("negatives_alpha", self.negatives_alpha, 0, 2)
        check("beta", self.beta, 1e-4, 10)
        check("seed", self.seed, 0, 2**31 - 1, whole=True)
        if self.selection not in ("lowest", "hardest"):
            raise CopeError(f"selection must be 'lowest' or 'hardest', but is {self.selection!r}.")


@dataclass(frozen=True)
class TamConfig:
    """How a task adapter (TAM) is trained on other people's texts.

    lora_rank, lora_alpha, lora_targets: as in FitConfig.
    examples: texts to train on, at most; validation: texts of other users that are only measured.
    epochs, learning_rate, batch: AdamW with a linear schedule after a warm-up of a twentieth of the steps.
    max_prompt_tokens, max_response_tokens: longer ones are cut.
    seed: of the choice and order of the texts and of the adapter's first weights.
    """

    lora_rank: int = 8
    lora_alpha: int = 16
    lora_targets: str = "all-linear"
    examples: int = 5000
    validation: int = 200
    epochs: int = 1
    learning_rate: float = 1e-3
    batch: int = 16
    max_prompt_tokens: int = 256
    max_response_tokens: int = 192
    seed: int = 0
    lora_dropout: ClassVar[float] = 0.0  # a run that is continued must meet the same numbers

    def __post_init__(self):
        check("lora_rank", self.lora_rank, 1, 256, whole=True)
        check("lora_alpha", self.lora_alpha, 1, 512)
        check("examples", self.examples, 1, 10**7, whole=True)
        check("validation", self.validation, 1, 10**5, whole=True)
        check("epochs", self.epochs, 1, 100, whole=True)
        check("learning_rate", self.learning_rate, 1e-7, 1)
        check("batch", self.batch, 1, 256, whole=True)
        check("max_prompt_tokens", self.max_prompt_tokens, 16, 8192, whole=True)
        check("max_response_tokens", self.max_response_tokens, 8, 4096, whole=True)
        check("seed", self.seed, 0, 2**31 - 1, whole=True)
