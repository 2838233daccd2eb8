"""Synthetic negatives: base's candidates for each prompt (candidates.py), scored by implicit reward, one rejected.

Source: the paper of reward.py. The rejected answer is the candidate with the lowest mean implicit reward of a token,
log pi_oppu - alpha * log pi_base, at `negatives_alpha`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from cope_demo.config import FitConfig
from cope_demo.model.base_model import BaseModel
from cope_demo.reward import implicit_reward
from cope_demo.system.files import format_json_lines, read_json, write_whole
from cope_demo.texts.tasks import Sample

from .candidates import SampledAnswer, sample_candidates
from .examples import Example
from .response_logps import response_logps
from .scratch import StageContext
from .training import apply_saved_adapter


@dataclass(frozen=True)
class Candidate:
    """A sample from base for one prompt, with the mean log-probability of its tokens under user (OPPU) and base."""

    response_ids: list[int]
    logp_user: float
    logp_base: float

    def reward(self, alpha: float) -> float:
        """Mean implicit reward of a token, in nats. The mean, since a sum would always reject the longest."""
        return float(implicit_reward(torch.tensor(self.logp_user), torch.tensor(self.logp_base), alpha))


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
