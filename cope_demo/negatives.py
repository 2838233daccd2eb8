"""Synthetic negatives: K candidates from base for each prompt, scored by implicit reward, one of them rejected."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from .base_model import BaseModel
from .config import FitConfig
from .events import Emit, FitEvent
from .reward import implicit_reward
from .training import Example, seed_everything


@dataclass(frozen=True)
class Candidate:
    """A sample from base for one prompt, with the mean log-probability of its tokens under user (OPPU) and base."""

    response_ids: list[int]
    logp_user: float
    logp_base: float

    def reward(self, alpha: float) -> float:
        """Mean implicit reward of a token, in nats. The mean, since a sum would always reject the longest."""
        return float(implicit_reward(torch.tensor(self.logp_user), torch.tensor(self.logp_base), alpha))


@dataclass(frozen=True)
class Spoken:
    """An answer of base: token ids with their end token, and log pi_base of each, float32 (len(ids),)."""

    ids: list[int]
    logps: torch.Tensor


class _Ear(LogitsProcessor):
    """Notes the model's own log-probability of every token that `generate` draws, before temperature and top-p.

    It saves a second pass over all candidates.
    """

    def __init__(self):
        self.logps: list[torch.Tensor] = []  # one (rows,) a step
        self._last: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self.hear(input_ids)
        self._last = scores.float().log_softmax(-1)
        return scores

    def hear(self, input_ids: torch.Tensor) -> None:
        """The last step's token stands at the end of `input_ids`."""
        if self._last is not None:
            self.logps.append(self._last.gather(-1, input_ids[:, -1:]).squeeze(-1))


@torch.no_grad()
def sample_candidates(
    base: BaseModel, examples: Sequence[Example], config: FitConfig, emit: Emit, batch_rows: int = 24
) -> list[list[Spoken]]:
    """K answers of base to every example's prompt: [example][k].

    Sampled at `candidate_temperature` and `candidate_top_p` (temperature 0: one greedy answer), in left-padded batches
    of similar length. A candidate may be as long as the longest own text of its batch; past that it is cut and then has
    no end token, as with the person's own texts.
    """
    seed_everything(config.seed + 1)
    greedy = config.candidate_temperature == 0
    k = 1 if greedy else config.candidates
    how = (
        dict(do_sample=False, temperature=None, top_p=None, top_k=None)
        if greedy
        else dict(
            do_sample=True,
            temperature=config.candidate_temperature,
            top_p=config.candidate_top_p,
            top_k=0,
            num_return_sequences=k,
        )
    )
    pad = base.tokenizer.pad_token_id
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].response_ids))
    result: list[list[Spoken]] = [[] for _ in examples]
    size = max(1, batch_rows // k)
    for start in range(0, len(order), size):
        emit(FitEvent("negatives", start, len(order)))
        batch = order[start : start + size]
        longest = max(len(examples[i].prompt_ids) for i in batch)
        ids = torch.full((len(batch), longest), pad)
        for row, i in enumerate(batch):
            ids[row, longest - len(examples[i].prompt_ids) :] = torch.tensor(examples[i].prompt_ids)
        mask = (torch.arange(longest) >= longest - torch.tensor([[len(examples[i].prompt_ids)] for i in batch])).long()
        ear = _Ear()
        out = base.model.generate(
            ids.to(base.device),
            attention_mask=mask.to(base.device),
            max_new_tokens=max(len(examples[i].response_ids) for i in batch),
            pad_token_id=pad,
            eos_token_id=sorted(base.end_ids),
            logits_processor=LogitsProcessorList([ear]),
            **how,
        )
        ear.hear(out)
        heard = torch.stack(ear.logps, 1).cpu()  # (rows, T)
        for row, answer in enumerate(out[:, longest:].tolist()):
            end = next((n + 1 for n, token in enumerate(answer) if token in base.end_ids), len(answer))
            result[batch[row // k]].append(Spoken(answer[:end], heard[row, :end]))
    emit(FitEvent("negatives", len(order), len(order)))
    return result


def select_rejected(candidates: Sequence[Candidate], config: FitConfig) -> Candidate:
    """The candidate that becomes `rejected`: the lowest mean implicit reward, or with "hardest" the highest."""
    pick = min if config.selection == "lowest" else max
    return pick(candidates, key=lambda candidate: candidate.reward(config.negatives_alpha))
