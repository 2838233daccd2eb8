"""Synthetic negatives: K candidates from base for each prompt, scored by implicit reward, one of them rejected.

Source: the paper of reward.py. The rejected answer is the candidate with the lowest mean implicit reward of a token,
log pi_oppu - alpha * log pi_base, at `negatives_alpha`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from cope_demo.config import FitConfig
from cope_demo.model.base_model import BaseModel
from cope_demo.model.padding import pad_sequences
from cope_demo.reward import implicit_reward
from cope_demo.system.files import format_json_lines, read_json, write_whole
from cope_demo.texts.tasks import Sample

from .events import Emit, FitEvent
from .examples import Example
from .response_logps import read_prompts, response_logps
from .scratch import StageContext
from .training import apply_saved_adapter, seed_everything


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
class SampledAnswer:
    """An answer of base: token ids with their end token, and log pi_base of each, float32 (len(ids),)."""

    ids: list[int]
    logps: torch.Tensor


NUCLEUS = 512
"""Tokens that top-p chooses among: the likeliest ones. At low temperature the rest has no share to speak of."""


class SamplingProcessor(LogitsProcessor):
    """Samples every token of `generate` by temperature and top-p, and records its log-probability under the model.

    transformers' own sampling sorts the whole vocabulary at each step and draws from all of it, which took most of the
    time of a batch of 48; the recorded numbers save a second pass over all candidates.
    """

    def __init__(self, temperature: float, top_p: float):
        self.temperature, self.top_p = temperature, top_p
        self.logps: list[torch.Tensor] = []  # one (rows,) a step
        self._last: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """scores: (rows, V). All but the sampled token become minus infinity, so that `generate` can only take it."""
        self.record(input_ids)
        self._last = scores.float().log_softmax(-1)
        if self.temperature == 0:
            return scores
        best = (self._last / self.temperature).topk(min(NUCLEUS, scores.shape[-1]))
        shares = best.values.softmax(-1)  # (rows, NUCLEUS), descending
        shares = shares.masked_fill(shares.cumsum(-1) - shares >= self.top_p, 0.0)
        sampled = best.indices.gather(-1, torch.multinomial(shares, 1))
        return torch.full_like(scores, float("-inf")).scatter(-1, sampled, 0.0)

    def record(self, input_ids: torch.Tensor) -> None:
        """Adds the log-probability of the last step's token, which is the last of `input_ids`."""
        if self._last is not None:
            self.logps.append(self._last.gather(-1, input_ids[:, -1:]).squeeze(-1))


@torch.no_grad()
def sample_candidates(
    base: BaseModel, examples: Sequence[Example], config: FitConfig, emit: Emit, batch_rows: int = 48
) -> list[list[SampledAnswer]]:
    """K answers of base to every example's prompt: [example][k].

    Sampled at `candidate_temperature` and `candidate_top_p` (temperature 0: one greedy answer), in left-padded batches
    of similar length. A candidate may be as long as the longest own text of its batch; past that it is cut and then has
    no end token, as with the person's own texts.
    """
    seed_everything(config.seed + 1)
    k = 1 if config.candidate_temperature == 0 else config.candidates
    pad = base.tokenizer.pad_token_id
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].response_ids))
    result: list[list[SampledAnswer]] = [[] for _ in examples]
    size = max(1, batch_rows // k)
    for start in range(0, len(order), size):
        emit(FitEvent("negatives", start, len(order)))
        batch = order[start : start + size]
        ids, mask = pad_sequences([examples[i].prompt_ids for i in batch], pad)
        ids, mask = ids.to(base.device), mask.to(base.device)
        sampling = SamplingProcessor(config.candidate_temperature, config.candidate_top_p)
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
            logits_processor=LogitsProcessorList([sampling]),
        )
        sampling.record(out)
        logps = torch.stack(sampling.logps, 1).cpu()  # (rows, T)
        for row, answer in enumerate(out[:, ids.shape[1] :].tolist()):
            end = next((n + 1 for n, token in enumerate(answer) if token in base.end_ids), len(answer))
            result[batch[row // k]].append(SampledAnswer(answer[:end], logps[row, :end]))
    emit(FitEvent("negatives", len(order), len(order)))
    return result


def select_rejected(candidates: Sequence[Candidate], config: FitConfig) -> Candidate:
    """The candidate that becomes `rejected`: the lowest mean implicit reward, or with "hardest" the highest."""
    pick = min if config.selection == "lowest" else max
    return pick(candidates, key=lambda candidate: candidate.reward(config.negatives_alpha))


@dataclass(frozen=True)
class Scores:
    """log pi of every token of the person's own texts and of the candidates, under base and under OPPU.

    own_base, own_oppu: a float32 tensor (tokens,) for each text. candidates_oppu: [text][k], the same for each
    candidate; its log pi_base is in its SampledAnswer.
    """

    own_base: list[torch.Tensor]
    own_oppu: list[torch.Tensor]
    candidates_oppu: list[list[torch.Tensor]]


def score_candidates(
    base: BaseModel,
    oppu: Path,
    own: Sequence[Example],
    answers: Sequence[Sequence[SampledAnswer]],
    batch_tokens: int = 1024,
    report: Callable[[int], None] = lambda done: None,
) -> Scores:
    """Scores the own texts under base, and own texts and candidates under the adapter in `oppu`.

    answers: [text][k], as sample_candidates gives them. report: receives how many of these texts are done.
    """
    pad = base.tokenizer.pad_token_id
    candidates = [Example(e.prompt_ids, one.ids) for e, many in zip(own, answers, strict=True) for one in many]
    own_base = response_logps(base.model, own, pad, batch_tokens, report)
    with apply_saved_adapter(base, oppu) as model:
        texts = [*own, *candidates]
        oppu_logps = response_logps(model, texts, pad, batch_tokens, lambda done: report(len(own) + done))
    rest = iter(oppu_logps[len(own) :])
    return Scores(own_base, oppu_logps[: len(own)], [[next(rest) for _ in many] for many in answers])


def make_candidates(answers: Sequence[SampledAnswer], logps_oppu: Sequence[torch.Tensor]) -> list[Candidate]:
    """The answers to one prompt with their mean log-probabilities."""
    return [
        Candidate(one.ids, float(logps.mean()), float(one.logps.mean()))
        for one, logps in zip(answers, logps_oppu, strict=True)
    ]


def write_negatives(context: StageContext) -> None:
    """The stage: candidates for the prompts of all texts (held-out ones too, for the report), scored, one rejected.

    pairs.jsonl gets a pair for each text, those to train on first; held_out.json the log-probabilities of the held-out
    texts and, after them, of their candidates.
    """
    if (context.scratch / "pairs.jsonl").exists():
        return
    base, config, samples = context.base, context.config, context.samples()
    split = read_json(context.scratch / "split.json")
    parts = [(part, number) for part in ("train", "held_out") for number in split[part]]
    own = context.examples("train") + context.examples("held_out")
    answers = sample_candidates(base, own, config, context.emit, config.sample_rows)
    report = context.make_reporter("negatives", 2 * len(own) + sum(map(len, answers)))
    scores = score_candidates(base, context.scratch / "oppu", own, answers, config.score_tokens, report)
    pairs = []
    for place, (part, number) in enumerate(parts):
        candidates = make_candidates(answers[place], scores.candidates_oppu[place])
        logps = scores.own_oppu[place], scores.own_base[place]
        pairs.append({"part": part, **_make_pair(base, config, samples[number], own[place], logps, candidates)})
    kept = _select_held_out(scores, answers, len(split["train"]))
    write_whole(context.scratch / "held_out.json", json.dumps(kept))
    write_whole(context.scratch / "pairs.jsonl", format_json_lines(pairs))


def _make_pair(
    base: BaseModel,
    config: FitConfig,
    sample: Sample,
    example: Example,
    logps: tuple[torch.Tensor, torch.Tensor],
    candidates: Sequence[Candidate],
) -> dict:
    """A line of pairs.jsonl. logps: of the own text's tokens under OPPU and base."""
    alpha, oppu, amateur = config.negatives_alpha, *logps
    chosen = Candidate(example.response_ids, float(oppu.mean()), float(amateur.mean()))
    rejected = select_rejected(candidates, config)

    def text(candidate: Candidate) -> str:
        return base.tokenizer.decode(candidate.response_ids, skip_special_tokens=True)

    return {
        "prompt": sample.prompt,
        "chosen": sample.response,
        "rejected": text(rejected),
        "chosen_reward": chosen.reward(alpha),
        "rejected_reward": rejected.reward(alpha),
        "base_chosen_logp": float(amateur.sum()),
        "base_rejected_logp": rejected.logp_base * len(rejected.response_ids),
        "rejected_ids": rejected.response_ids,
        "candidates": [{"text": text(c), "reward": c.reward(alpha), "ids": c.response_ids} for c in candidates],
    }


def _select_held_out(scores: Scores, answers: Sequence[Sequence[SampledAnswer]], first: int) -> dict:
    """What the report needs of the texts from number `first` on: by model, the texts' tensors, then the candidates'."""
    kept = {
        "base": [*scores.own_base[first:], *(one.logps for many in answers[first:] for one in many)],
        "oppu": [*scores.own_oppu[first:], *(logps for many in scores.candidates_oppu[first:] for logps in many)],
    }
    return {name: [values.tolist() for values in many] for name, many in kept.items()}
