"""Synthetic negatives: K candidates from base for each prompt, scored by implicit reward, one of them rejected."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from cope_demo.config import FitConfig
from cope_demo.model.base_model import BaseModel
from cope_demo.model.padding import padded
from cope_demo.reward import implicit_reward

from .events import Emit, FitEvent
from .examples import Example
from .response_logps import read_prompts
from .training import seed_everything


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


NUCLEUS = 512
"""Tokens that top-p chooses among: the likeliest ones. At low temperature the rest has no share to speak of."""


class _Voice(LogitsProcessor):
    """Draws every token of `generate` by temperature and top-p, and notes its log-probability under the model itself.

    transformers' own sampling sorts the whole vocabulary at each step and draws from all of it, which took most of the
    time of a batch of 48; the notes save a second pass over all candidates.
    """

    def __init__(self, temperature: float, top_p: float):
        self.temperature, self.top_p = temperature, top_p
        self.logps: list[torch.Tensor] = []  # one (rows,) a step
        self._last: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """scores: (rows, V). All but the drawn token become minus infinity, so that `generate` can only take it."""
        self.hear(input_ids)
        self._last = scores.float().log_softmax(-1)
        if self.temperature == 0:
            return scores
        best = (self._last / self.temperature).topk(min(NUCLEUS, scores.shape[-1]))
        shares = best.values.softmax(-1)  # (rows, NUCLEUS), descending
        shares = shares.masked_fill(shares.cumsum(-1) - shares >= self.top_p, 0.0)
        drawn = best.indices.gather(-1, torch.multinomial(shares, 1))
        return torch.full_like(scores, float("-inf")).scatter(-1, drawn, 0.0)

    def hear(self, input_ids: torch.Tensor) -> None:
        """The last step's token stands at the end of `input_ids`."""
        if self._last is not None:
            self.logps.append(self._last.gather(-1, input_ids[:, -1:]).squeeze(-1))


@torch.no_grad()
def sample_candidates(
    base: BaseModel, examples: Sequence[Example], config: FitConfig, emit: Emit, batch_rows: int = 48
) -> list[list[Spoken]]:
    """K answers of base to every example's prompt: [example][k].

    Sampled at `candidate_temperature` and `candidate_top_p` (temperature 0: one greedy answer), in left-padded batches
    of similar length. A candidate may be as long as the longest own text of its batch; past that it is cut and then has
    no end token, as with the person's own texts.
    """
    seed_everything(config.seed + 1)
    k = 1 if config.candidate_temperature == 0 else config.candidates
    pad = base.tokenizer.pad_token_id
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].response_ids))
    result: list[list[Spoken]] = [[] for _ in examples]
    size = max(1, batch_rows // k)
    for start in range(0, len(order), size):
        emit(FitEvent("negatives", start, len(order)))
        batch = order[start : start + size]
        ids, mask = padded([examples[i].prompt_ids for i in batch], pad)
        ids, mask = ids.to(base.device), mask.to(base.device)
        voice = _Voice(config.candidate_temperature, config.candidate_top_p)
        rows = torch.arange(len(batch), device=base.device).repeat_interleave(k)
        out = base.model.generate(
            ids[rows],
            attention_mask=mask[rows],
            past_key_values=read_prompts(base.model, ids, mask, rows) if k > 1 else None,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            max_new_tokens=max(len(examples[i].response_ids) for i in batch),
            pad_token_id=pad,
            eos_token_id=sorted(base.end_ids),
            logits_processor=LogitsProcessorList([voice]),
        )
        voice.hear(out)
        heard = torch.stack(voice.logps, 1).cpu()  # (rows, T)
        for row, answer in enumerate(out[:, ids.shape[1] :].tolist()):
            end = next((n + 1 for n, token in enumerate(answer) if token in base.end_ids), len(answer))
            result[batch[row // k]].append(Spoken(answer[:end], heard[row, :end]))
    emit(FitEvent("negatives", len(order), len(order)))
    return result


def select_rejected(candidates: Sequence[Candidate], config: FitConfig) -> Candidate:
    """The candidate that becomes `rejected`: the lowest mean implicit reward, or with "hardest" the highest."""
    pick = min if config.selection == "lowest" else max
    return pick(candidates, key=lambda candidate: candidate.reward(config.negatives_alpha))
