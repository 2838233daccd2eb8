"""Settings as frozen dataclasses. A bad value is refused by name, with the allowed range, before any work starts."""

import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from typing import ClassVar

from .errors import CopeError, quote


def check(name: str, value, low, high, whole: bool = False) -> None:
    """Raises CopeError naming the setting unless `low <= value <= high` (and whole, where asked)."""
    kind = "a whole number" if whole else "a number"
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not low <= value <= high or (whole and int(value) != value):
        raise CopeError(
            f"{name} must be {kind} from {low} to {high}, but is {quote(value)}; choose a value in that range."
        )


def read_whole_number(variable: str, default: int, low: int, high: int) -> int:
    """The whole number in an environment variable. Raises CopeError when it is none in the range."""
    text = os.environ.get(variable) or str(default)
    value = int(text) if text.isdecimal() else text
    check(variable, value, low, high, whole=True)
    return value


def read_keep_days() -> int:
    """How long a visitor's fits and everything about them are kept: COPE_KEEP_DAYS, default 7, in days."""
    return read_whole_number("COPE_KEEP_DAYS", 7, 1, 365)


def number(default: float, low: float, high: float, whole: bool = False):
    """A setting with its default and the range that `_Settings` checks."""
    return field(default=default, metadata={"range": (low, high, whole)})


def whole_number(default: int, low: int, high: int):
    """A setting whose value must also be whole."""
    return number(default, low, high, whole=True)


def one_of(*words: str):
    """A setting that is one of these words; the first is its default."""
    return field(default=words[0], metadata={"words": words})


class _Settings:
    """A dataclass whose settings are checked when it is made. Raises CopeError that names the one that will not do."""

    def __post_init__(self):
        for setting in fields(self):
            value = getattr(self, setting.name)
            if "range" in setting.metadata:
                check(setting.name, value, *setting.metadata["range"])
            if value not in setting.metadata.get("words", (value,)):
                words = " or ".join(map(repr, setting.metadata["words"]))
                raise CopeError(f"{setting.name} must be {words}, but is {quote(value)}.")


@dataclass(frozen=True)
class DecodeConfig(_Settings):
    """How the columns are decoded.

    alpha: contrast strength in r_user = log pi_user - alpha * log pi_base; 0 is no contrast.
    tau: plausibility cut of V_head: tokens with pi_user >= tau * max pi_user; 1 is greedy.
    repetition_penalty: makes generated tokens less likely to the driver, alike in every column; 1 is off.
    penalty_on: "expert", or "both" for the amateur that contrast subtracts, too; on the expert alone the penalty taxes
        contrast, whose score then falls by the expert's whole drop where both models agree.
    max_new_tokens: length limit of a column in tokens.
    scale: what the LoRA of oppu-scaled is multiplied with, without contrast; None: 1 / (1 - alpha), what contrast at
        alpha multiplies the adapter's effect with to first order.
    alternatives: how many candidate tokens a step carries with both models' numbers.
    temperature: 0 takes the best-scored token; above 0 samples from softmax(score / temperature) over V_head.
    seed: of the sampling.
    """

    alpha: float = number(0.1, 0, 2)
    tau: float = number(0.1, 0, 1)
    repetition_penalty: float = number(1.2, 1, 2)
    penalty_on: str = one_of("expert", "both")
    max_new_tokens: int = whole_number(80, 1, 1024)
    scale: float | None = None
    alternatives: int = whole_number(10, 0, 50)
    temperature: float = number(0.0, 0, 2)
    seed: int = whole_number(0, 0, 2**31 - 1)

    def __post_init__(self):
        super().__post_init__()
        if self.scale is not None:
            check("scale", self.scale, 0, 10)

    @property
    def penalizes_both(self) -> bool:
        """Whether the repetition penalty acts on the amateur that is subtracted, too."""
        return self.penalty_on == "both"

    @property
    def lora_scale(self) -> float:
        """`scale`, or its default at this alpha. Raises CopeError where alpha has none.

        log pi_user - alpha log pi_base is (1 - alpha) (log pi_base + (log pi_user - log pi_base) / (1 - alpha)). Where
        an adapter changes the logits linearly, 1 / (1 - alpha) times the adapter chooses the same tokens.
        """
        if self.scale is not None:
            return self.scale
        if self.alpha >= 1:
            raise CopeError(
                f"Contrast at alpha {self.alpha:g} is like no multiple of a LoRA, as 1 / (1 - alpha) must be above 0: "
                "name the scale, or an alpha below 1."
            )
        return 1 / (1 - self.alpha)


@dataclass(frozen=True)
class FitConfig(_Settings):
    """How a user's adapters are fitted. The defaults were measured; docs/fit-defaults.md holds the sweep.

    lora_rank, lora_alpha, lora_dropout, lora_targets: the LoRA ("all-linear", or names joined by commas).
    max_prompt_tokens, max_response_tokens: longer ones are cut for training.
    retrieval: how many of the person's other texts, the most similar ones, stand before the instruction in OPPU's
        training, as they do where the methods with retrieval write (3 of them there); an extension of ours.
    holdout, holdout_share: texts held out of the fit for its report, and the part of the history that they are at most;
        always one.
    oppu_epochs, oppu_learning_rate, oppu_batch: the supervised stage.
    stacked_learning_rate: its learning rate where base has a task adapter, which is near the person's texts already.
    sample_rows, score_tokens: answers that base samples, and tokens that are scored, in one batch.
    candidates, candidate_temperature, candidate_top_p: K samples for each prompt; temperature 0 is greedy, and then K
        is 1.
    candidate_source: who writes those that are trained with, "base" or "oppu"; the report's, of held-out texts, are
        base's.
    selection: "lowest" rejects the candidate with the lowest implicit reward, "hardest" the one with the highest; "all"
        makes a pair of every candidate, and "misranked" of those whose reward is no more than `selection_margin` (nats
        a token) below the own text's; where there is none, of the hardest.
    negatives_alpha: alpha of the implicit reward that scores the candidates. At 1 the lowest is what base likes and the
        personal model does not; near 0 it would be the least fluent.
    dpo_epochs, dpo_learning_rate, dpo_batch, beta: the preference stage.
    dpo_stacked_learning_rate: its learning rate where base has a task adapter.
    dpo_token_beta: above 0 DPO is normalised by length: gains are means over a response's tokens, and this is their
        beta. Margins are about a nat a token, so 1 is a start. 0: gains are sums, at `beta`.
    dpo_sft_weight: weight of the person's own text's supervised loss in the preference stage; 0 is plain DPO.
    seeds_averaged: so many fits with seeds of their own, whose adapters' products B A are averaged: the ranks stand
        side by side, R * lora_rank of them.
    seed: everything random in a fit follows from it.
    """

    lora_rank: int = whole_number(8, 1, 256)
    lora_alpha: int = number(16, 1, 512)
    lora_dropout: float = number(0.0, 0, 0.9)
    lora_targets: str = "all-linear"
    max_prompt_tokens: int = whole_number(384, 16, 8192)
    max_response_tokens: int = whole_number(192, 8, 4096)
    retrieval: int = whole_number(0, 0, 16)
    holdout: int = whole_number(4, 1, 100)
    holdout_share: float = number(0.2, 0, 0.5)
    oppu_epochs: int = number(3, 0, 100)
    oppu_learning_rate: float = number(1e-3, 1e-7, 1)
    stacked_learning_rate: float = number(5e-4, 1e-7, 1)
    oppu_batch: int = whole_number(4, 1, 256)
    sample_rows: int = whole_number(48, 1, 4096)
    score_tokens: int = whole_number(1024, 1, 1_000_000)
    candidates: int = whole_number(3, 1, 16)
    candidate_temperature: float = number(0.7, 0, 2)
    candidate_top_p: float = number(0.95, 0.01, 1)
    candidate_source: str = one_of("base", "oppu")
    selection: str = one_of("lowest", "hardest", "all", "misranked")
    selection_margin: float = number(0.5, 0, 10)
    negatives_alpha: float = number(1.0, 0, 2)
    dpo_epochs: int = number(1, 0, 100)
    dpo_learning_rate: float = number(2e-4, 1e-7, 1)
    dpo_stacked_learning_rate: float = number(1e-4, 1e-7, 1)
    dpo_token_beta: float = number(0.0, 0, 100)
    dpo_sft_weight: float = number(0.0, 0, 100)
    dpo_batch: int = whole_number(4, 1, 256)
    beta: float = number(0.02, 1e-4, 10)
    seeds_averaged: int = whole_number(1, 1, 16)
    seed: int = whole_number(0, 0, 2**31 - 1)

    @property
    def candidate_count(self) -> int:
        """How many candidates a prompt gets."""
        return 1 if self.candidate_temperature == 0 else self.candidates


@dataclass(frozen=True)
class TamConfig(_Settings):
    """How a task adapter (TAM) is trained on other people's texts.

    lora_rank, lora_alpha, lora_targets: as in FitConfig.
    examples: texts to train on, at most; validation: texts of other users that are only measured.
    epochs, learning_rate, batch: AdamW with a linear schedule after a warm-up of a twentieth of the steps.
    max_prompt_tokens, max_response_tokens: longer ones are cut.
    seed: of the choice and order of the texts and of the adapter's first weights.
    """

    lora_rank: int = whole_number(8, 1, 256)
    lora_alpha: int = number(16, 1, 512)
    lora_targets: str = "all-linear"
    examples: int = whole_number(5000, 1, 10**7)
    validation: int = whole_number(200, 1, 10**5)
    epochs: int = whole_number(1, 1, 100)
    learning_rate: float = number(1e-3, 1e-7, 1)
    batch: int = whole_number(16, 1, 256)
    max_prompt_tokens: int = whole_number(256, 16, 8192)
    max_response_tokens: int = whole_number(192, 8, 4096)
    seed: int = whole_number(0, 0, 2**31 - 1)
    lora_dropout: ClassVar[float] = 0.0  # a run that is continued must meet the same numbers


def complete_plan(plan: dict) -> dict:
    """An evaluation's plan that may be older than some settings: these were then what their defaults are now."""
    settings = {"decode": DecodeConfig, "fit": FitConfig}
    return plan | {name: asdict(kind()) | plan[name] for name, kind in settings.items() if name in plan}


def read_fit_config() -> FitConfig:
    """The default settings with the overrides of COPE_FIT_CONFIG. Raises CopeError at an unknown one."""
    text = os.environ.get("COPE_FIT_CONFIG") or "{}"
    try:
        overrides = json.loads(text)
        if not isinstance(overrides, dict):
            raise ValueError("not an object")
    except ValueError as error:
        raise CopeError(f"COPE_FIT_CONFIG must be a JSON object of fit settings ({error}).") from error
    known = {field.name for field in fields(FitConfig)}
    if unknown := sorted(set(overrides) - known):
        raise CopeError(f"COPE_FIT_CONFIG names {unknown[0]!r}; the settings are {', '.join(sorted(known))}.")
    return replace(FitConfig(), **overrides)
