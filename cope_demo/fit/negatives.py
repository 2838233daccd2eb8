"""Synthetic negatives: candidates for each prompt (candidates.py), scored by implicit reward, one rejected or several.

Source: the paper of reward.py. The rejected answer is the candidate of base with the lowest mean implicit reward of a
token, log pi_oppu - alpha * log pi_base, at `negatives_alpha`. Candidates of OPPU, and several pairs of a text, are
extensions of ours.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
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
    """A sampled answer to a prompt, with the mean log-probability of its tokens under user (OPPU) and base."""

    response_ids: list[int]
    logp_user: float
    logp_base: float

    def base_sum(self) -> float:
        """log pi_base of the whole response, in nats."""
        return self.logp_base * len(self.response_ids)

    def reward(self, alpha: float) -> float:
        """Mean implicit reward of a token, in nats. The mean, since a sum would always reject the longest."""
        return float(implicit_reward(torch.tensor(self.logp_user), torch.tensor(self.logp_base), alpha))


def select_rejected(candidates: Sequence[Candidate], chosen: Candidate, config: FitConfig) -> list[Candidate]:
    """The candidates that are paired with the person's own text, as `selection` says; the first is shown as rejected.

    Where several are, the one with the highest mean implicit reward comes first. chosen: the own text. A candidate that
    is the own text teaches nothing, and is taken only where all are.
    """

    def reward(candidate: Candidate) -> float:
        return candidate.reward(config.negatives_alpha)

    others = [one for one in candidates if one.response_ids != chosen.response_ids] or candidates
    if config.selection == "lowest":
        return [min(others, key=reward)]
    hardest = sorted(others, key=reward, reverse=True)
    if config.selection == "all":
        return hardest
    least = reward(chosen) - config.selection_margin
    misranked = [one for one in hardest if config.selection == "misranked" and reward(one) >= least]
    return misranked or hardest[:1]


@dataclass(frozen=True)
class Scores:
    """log pi of every token of the person's own texts and of the candidates, by model: "base" and "oppu".

    own: a float32 tensor (tokens,) for each text. candidates: [text][k], the same for each candidate.
    """

    own: dict[str, list[torch.Tensor]]
    candidates: dict[str, list[list[torch.Tensor]]]

    def make_candidates(self, number: int, answers: Sequence[SampledAnswer]) -> list[Candidate]:
        """The answers to the prompt of a text with their mean log-probabilities."""
        logps = zip(*(self.candidates[name][number] for name in ("oppu", "base")), strict=True)
        return [
            Candidate(one.ids, float(user.mean()), float(amateur.mean()))
            for one, (user, amateur) in zip(answers, logps, strict=True)
        ]


def score_candidates(
    base: BaseModel,
    oppu: Path,
    own: Sequence[Example],
    answers: Sequence[Sequence[SampledAnswer]],
    batch_tokens: int = 1024,
    report: Callable[[int], None] = lambda done: None,
) -> Scores:
    """Scores own texts and candidates under base and under the adapter in `oppu`.

    answers: [text][k], as sample_candidates gives them; what the writer thought of its answer is not read again.
    report: receives how many texts and candidates are done, of twice the texts and once the candidates.
    """
    pad, count, done = base.tokenizer.pad_token_id, len(own), 0
    pairs = [(e, one) for e, many in zip(own, answers, strict=True) for one in many]
    scores = Scores({}, {})
    for name in ("base", "oppu"):
        unread = [Example(e.prompt_ids, one.ids) for e, one in pairs if one.writer != name]
        with apply_saved_adapter(base, oppu) if name == "oppu" else nullcontext(base.model) as model:
            texts = [*own, *unread]
            logps = response_logps(model, texts, pad, batch_tokens, lambda number, before=done: report(before + number))
        done += len(texts)
        read = iter(logps[count:])
        scores.own[name] = logps[:count]
        scores.candidates[name] = [
            [one.logps if one.writer == name else next(read) for one in many] for many in answers
        ]
    return scores


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
    oppu = context.scratch / "oppu"
    answers = _sample_answers(context, oppu, own, len(split["train"]))
    report = context.make_reporter("negatives", 2 * len(own) + sum(map(len, answers)))
    scores = score_candidates(base, oppu, own, answers, config.score_tokens, report)
    pairs = []
    for place, (part, number) in enumerate(parts):
        logps = scores.own["oppu"][place], scores.own["base"][place]
        candidates = scores.make_candidates(place, answers[place])
        pairs.append({"part": part, **_make_pair(base, config, samples[number], own[place], logps, candidates)})
    write_whole(context.scratch / "held_out.json", json.dumps(_select_held_out(scores, len(split["train"]))))
    write_whole(context.scratch / "pairs.jsonl", format_json_lines(pairs))


def _sample_answers(
    context: StageContext, oppu: Path, own: Sequence[Example], trained: int
) -> list[list[SampledAnswer]]:
    """The candidates of all texts. Those to train on, the first ones, are by `candidate_source`, the others by base."""
    base, config = context.base, context.config
    given = config, context.emit, config.sample_rows
    if config.candidate_source == "base":
        return sample_candidates(base, own, *given)
    with apply_saved_adapter(base, oppu):
        answers = sample_candidates(base, own[:trained], *given)
    by_oppu = [[replace(one, writer="oppu") for one in many] for many in answers]
    return by_oppu + sample_candidates(base, own[trained:], *given)


def _make_pair(
    base: BaseModel,
    config: FitConfig,
    sample: Sample,
    example: Example,
    logps: tuple[torch.Tensor, torch.Tensor],
    candidates: Sequence[Candidate],
) -> dict:
    """A line of pairs.jsonl. logps: of the own text's tokens under OPPU and base.

    "also_rejected", the further pairs of the text, is there only where the setting makes several.
    """
    alpha, oppu, amateur = config.negatives_alpha, *logps
    chosen = Candidate(example.response_ids, float(oppu.mean()), float(amateur.mean()))
    rejected, *more = select_rejected(candidates, chosen, config)

    def text(candidate: Candidate) -> str:
        return base.tokenizer.decode(candidate.response_ids, skip_special_tokens=True)

    row = {
        "prompt": sample.prompt,
        "chosen": sample.response,
        "rejected": text(rejected),
        "chosen_reward": chosen.reward(alpha),
        "rejected_reward": rejected.reward(alpha),
        "base_chosen_logp": float(amateur.sum()),
        "base_rejected_logp": rejected.base_sum(),
        "rejected_ids": rejected.response_ids,
        "candidates": [{"text": text(c), "reward": c.reward(alpha), "ids": c.response_ids} for c in candidates],
    }
    further = [{"ids": one.response_ids, "base_logp": one.base_sum()} for one in more]
    return row | ({"also_rejected": further} if further else {})


def _select_held_out(scores: Scores, first: int) -> dict:
    """What the report needs of the texts from number `first` on: by model, the texts' tensors, then the candidates'."""
    kept = {
        name: [*own[first:], *(logps for many in scores.candidates[name][first:] for logps in many)]
        for name, own in scores.own.items()
    }
    return {name: [values.tolist() for values in many] for name, many in kept.items()}
