"""The report of a fit: what it did for this person, on the texts that it was not shown."""

import json

import torch

from cope_demo.reward import bits_per_token
from cope_demo.system.files import read_json, read_json_lines, write_whole

from .events import FitEvent
from .examples import Example
from .response_logps import response_logps
from .scratch import StageContext
from .training import apply_saved_adapter


def write_report(context: StageContext) -> None:
    """What the fit did for this person, on the held-out texts. Base and OPPU were scored with the negatives."""
    own = context.examples("held_out")
    pairs = [pair for pair in read_json_lines(context.scratch / "pairs.jsonl") if pair["part"] == "held_out"]
    candidates = [[Example(e.prompt_ids, c["ids"]) for c in p["candidates"]] for e, p in zip(own, pairs, strict=True)]
    everything = own + [one for many in candidates for one in many]
    scored = read_json(context.scratch / "held_out.json")
    logps = {name: [torch.tensor(values) for values in many] for name, many in scored.items()}
    with apply_saved_adapter(context.base, context.scratch / "cope") as model:
        pad = context.base.tokenizer.pad_token_id
        report_progress = context.make_reporter("report", len(everything))
        report_progress(0)
        logps["cope"] = response_logps(model, everything, pad, context.config.score_tokens, report_progress)
    report = {"train": len(read_json(context.scratch / "split.json")["train"]), "held_out": len(own)}
    report["bits_per_token"] = {name: _compute_bits(values[: len(own)]) for name, values in logps.items()}
    report["pairs"] = sum(len(many) for many in candidates)
    margins = {"base": _compute_margins(logps["base"], candidates)}
    for name in ("oppu", "cope"):
        rewards = [user - amateur for user, amateur in zip(logps[name], logps["base"], strict=True)]
        margins[name] = _compute_margins(rewards, candidates)
    report["pairs_right"] = {name: _compute_share(margin > 0 for margin in many) for name, many in margins.items()}
    report["margin"] = {name: round(sum(many) / len(many), 4) for name, many in margins.items()}
    report["seconds"] = {stage: round(seconds, 1) for stage, seconds in context.times().items()}
    write_whole(context.scratch / "report.json", json.dumps(report))
    context.emit(FitEvent("report", len(everything), len(everything)))


def _compute_bits(values) -> float:
    return round(bits_per_token(torch.cat(values)), 4)


def _compute_margins(values, candidates) -> list[float]:
    """For each pair: mean value of the own text's tokens less that of base's candidate.

    Of base the value is log pi_base; of an adapter its implicit reward log pi - log pi_base (alpha 1, as in DPO): how
    much more than base it likes the text.
    """
    means = [float(value.mean()) for value in values]
    other = iter(means[len(candidates) :])
    return [mine - next(other) for mine, many in zip(means, candidates, strict=False) for _ in many]


def _compute_share(outcomes) -> float:
    outcomes = list(outcomes)
    return round(sum(outcomes) / len(outcomes), 4)
