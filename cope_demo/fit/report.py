"""The report of a fit: what it did for this person, on the texts that it was not shown."""

import json

import torch

from cope_demo.reward import bits_per_token
from cope_demo.system.files import read_json, read_json_lines, write_whole

from .events import FitEvent
from .examples import Example
from .response_logps import response_logps
from .scratch import Work
from .training import saved_adapter


def write_report(work: Work) -> None:
    """What the fit did for this person, on the held-out texts. Base and OPPU were heard with the negatives."""
    own = work.examples("held_out")
    pairs = [pair for pair in read_json_lines(work.scratch / "pairs.jsonl") if pair["part"] == "held_out"]
    rivals = [[Example(e.prompt_ids, c["ids"]) for c in p["candidates"]] for e, p in zip(own, pairs, strict=True)]
    everything = own + [rival for many in rivals for rival in many]
    heard = read_json(work.scratch / "held_out.json")
    logps = {name: [torch.tensor(values) for values in many] for name, many in heard.items()}
    with saved_adapter(work.base, work.scratch / "cope") as model:
        pad = work.base.tokenizer.pad_token_id
        tick = work.ticker("report", len(everything))
        logps["cope"] = response_logps(model, everything, pad, work.config.score_tokens, tick)
    report = {"train": len(read_json(work.scratch / "split.json")["train"]), "held_out": len(own)}
    report["bits_per_token"] = {name: _bits(values[: len(own)]) for name, values in logps.items()}
    report["pairs"] = sum(len(many) for many in rivals)
    margins = {"base": _margins(logps["base"], rivals)}
    for name in ("oppu", "cope"):
        rewards = [user - amateur for user, amateur in zip(logps[name], logps["base"], strict=True)]
        margins[name] = _margins(rewards, rivals)
    report["pairs_right"] = {name: _share(margin > 0 for margin in many) for name, many in margins.items()}
    report["margin"] = {name: round(sum(many) / len(many), 4) for name, many in margins.items()}
    report["seconds"] = {stage: round(seconds, 1) for stage, seconds in work.times().items()}
    write_whole(work.scratch / "report.json", json.dumps(report))
    work.emit(FitEvent("report", len(everything), len(everything)))


def _bits(values) -> float:
    return round(bits_per_token(torch.cat(values)), 4)


def _margins(values, rivals) -> list[float]:
    """For each pair: mean value of the own text's tokens less that of base's sample.

    Of base the value is log pi_base; of an adapter its implicit reward log pi - log pi_base (alpha 1, as in DPO): how
    much more than base it likes the text.
    """
    means = [float(value.mean()) for value in values]
    other = iter(means[len(rivals) :])
    return [mine - next(other) for mine, many in zip(means, rivals, strict=False) for _ in many]


def _share(verdicts) -> float:
    verdicts = list(verdicts)
    return round(sum(verdicts) / len(verdicts), 4)
