"""Decoding the naive way, two whole models a step, and how the engine's columns are compared with it."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS, METHODS
from cope_demo.decode.trace import Column, ColumnEnd, TokenEvent
from cope_demo.model.adapters import OTHER_COPE, OTHER_TAM, LoraBank, average_loras, name_mean, read_lora
from cope_demo.model.base_model import BaseModel, load_base

PROMPT = "Write a post about the ferry."
TOLERANCE = TIE = 0.01
"""Nats: the rounding between the decoder, on any CPU, and float32 by the model's own modules. Most of it comes from the
16 bits in which keys and values are kept."""
OTHERS = OTHER_COPE, OTHER_TAM
"""Whose mean is that of the other people's adapters of both kinds."""
CONFIG = DecodeConfig(alpha=0.3, tau=0.1, repetition_penalty=1.2, max_new_tokens=24)


@dataclass(frozen=True)
class Loaded:
    """A model (None: the embedded one) and its adapters by name: where they lie, for the naive way, and the engine.

    Another person to contrast with has theirs under OTHER_COPE and, of their task, OTHER_TAM. See OTHERS, too.
    """

    path: str | None
    folders: dict[str, Path]
    engine: Engine
    bank: LoraBank

    @property
    def base(self) -> BaseModel:
        return self.engine.base


def load(path: str | None, folders: dict[str, Path]) -> Loaded:
    base = load_base(path, "cpu")
    adapters = {name: read_lora(folder, base.model) for name, folder in folders.items()}
    if set(OTHERS) <= set(folders):
        mean = average_loras([adapters[name] for name in OTHERS])
        adapters |= {name_mean(name): mean for name in ("oppu", "cope")}
    return Loaded(path, folders, Engine(base), make_bank(base, adapters))


def save_random_adapters(path: str, folder: Path, names: tuple[str, ...]) -> dict[str, Path]:
    """Different random adapters of a model, saved below `folder` as peft does: name -> folder."""
    for number, name in enumerate(names):
        torch.manual_seed(number)
        settings = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
        model = get_peft_model(load_base(path, "cpu").model, settings)
        for key, value in model.named_parameters():
            if "lora_" in key:
                value.data.normal_(0, 0.15)
        model.save_pretrained(folder / name)
    return {name: folder / name for name in names}


def load_exact(path: str | None) -> BaseModel:
    """The model in float32, whatever this CPU would choose for its training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_COMPUTE", "float32")
        return load_base(path, "cpu", trainable=True)  # its weights stay unpacked, which is faster


@lru_cache(maxsize=2)  # as many as a comparison needs; the embedded model takes half a gigabyte
def load_naive(path: str | None, folder: Path | None) -> BaseModel:
    """The model in float32, with the adapter of this folder by PEFT. It is shared, so nothing may change it."""
    base = load_exact(path)
    return replace(base, model=PeftModel.from_pretrained(base.model, str(folder)).eval()) if folder else base


def load_scaled(path: str | None, folder: Path, factor: float) -> BaseModel:
    """The model in float32, with the adapter of this folder by PEFT, multiplied."""
    base = load_exact(path)
    model = PeftModel.from_pretrained(base.model, str(folder)).eval()
    for module in model.modules():
        if isinstance(getattr(module, "scaling", None), dict):  # one of peft's layers
            module.scaling = {name: factor * value for name, value in module.scaling.items()}
    return replace(base, model=model)


def load_other(path: str | None, task: Path, own: Path, mean: bool = False) -> BaseModel:
    """The model in float32 with two adapters at once by PEFT, that of a task and a person's, or with their mean."""
    base = load_exact(path)
    whole = PeftModel.from_pretrained(base.model, str(task), "task")
    whole.load_adapter(str(own), "own")
    if mean:
        whole.add_weighted_adapter(["task", "own"], [0.5, 0.5], "mean", "cat")
    whole.base_model.set_adapter(["mean"] if mean else ["task", "own"])
    return replace(base, model=whole.eval())


def run(loaded: Loaded, methods=COLUMNS, config=CONFIG, prompt=PROMPT, written=(), amateur=None) -> dict[str, Column]:
    """All columns of a decoding; of one that begins with `written`, from the last of these tokens on.

    amateur: the amateurs' prompt, where it is another one.
    """
    columns = {method: Column(method) for method in methods}
    before = max(0, len(written) - 1)
    own, others = loaded.base.prompt_ids(prompt), None if amateur is None else loaded.base.prompt_ids(amateur)
    for event in loaded.engine.decode(own, methods, loaded.bank, config, written, others):
        if isinstance(event, TokenEvent):
            assert event.index == before + len(columns[event.method].tokens)
            columns[event.method].tokens.append(event.token)
        else:
            assert isinstance(event, ColumnEnd)
            columns[event.method].stopped = event.stopped
    return columns


def check_against_naive(loaded: Loaded, method, config, tokens, prompt=PROMPT, before=(), amateur_prompt=None):
    """Follows the decoder's text by the method's definition, with two separate models that read all of it.

    Each token must be the naive way's best, with the same numbers and head, up to TOLERANCE: see check_step.
    before: token ids of the column that come before `tokens`.
    """
    adapter, driver = METHODS[method].adapter, METHODS[method].driver
    amateur = load_naive(loaded.path, None)
    if METHODS[method].amateur != "base":
        mean = METHODS[method].amateur == "others"
        amateur = load_other(loaded.path, loaded.folders[OTHER_TAM], loaded.folders[OTHER_COPE], mean)
    expert = load_naive(loaded.path, loaded.folders[adapter] if adapter else None)
    if METHODS[method].scaled:
        expert = load_scaled(loaded.path, loaded.folders[adapter], config.lora_scale)
    written = list(before)
    text, logits = written + [token.id for token in tokens], []
    for one, asked in ((expert, prompt), (amateur, prompt if amateur_prompt is None else amateur_prompt)):
        with torch.no_grad():
            read = one.model(torch.tensor([amateur.prompt_ids(asked) + text])).logits
        logits.append(read[0, -len(tokens) - 1 : -1].float())
    exact = 0
    for token, user, base in zip(tokens, *logits, strict=True):
        logp_user, logp_base = user.log_softmax(-1), base.log_softmax(-1)

        def penalize(logits, seen=frozenset(written)):
            out = logits.clone()
            for one in seen:
                out[one] *= 1 / config.repetition_penalty if out[one] > 0 else config.repetition_penalty
            return out.log_softmax(-1)

        own = penalize(user)
        off = penalize(base) if config.penalty_on == "both" else logp_base
        score = {"base": penalize(base), "user": own, "contrast": own - config.alpha * off}[driver]
        exact += check_step(token, driver, config, logp_user, logp_base, own, score)
        written.append(token.id)
    assert len(written) == config.max_new_tokens or tokens[-1].id in amateur.end_ids
    assert exact >= 0.75 * len(tokens)


def check_step(token, driver, config, logp_user, logp_base, own, score) -> bool:
    """One token of the decoder against the naive way's numbers, (V,) each; says whether that would choose the same.

    own: the expert's log-probabilities after the penalty. Rounding may put a token on the other side of the head's edge
    only where it lies within TOLERANCE of it, and another token may win only where it is as good within TOLERANCE; what
    it passed over may be off by twice that. What follows from the decoder's own numbers is checked without rounding.
    """
    floor = own.max() + (math.log(config.tau) if config.tau else -math.inf)
    surely, perhaps = own >= floor + TOLERANCE, own >= floor - TOLERANCE  # in the head
    assert int(surely.sum()) <= token.head_size <= int(perhaps.sum())
    for other in token.alternatives:
        off = TOLERANCE if other.id == token.id else 2 * TOLERANCE
        assert abs(other.logp_user - float(logp_user[other.id])) < off
        assert abs(other.logp_base - float(logp_base[other.id])) < off
        assert abs(other.score - float(score[other.id])) < off
        assert perhaps[other.id] if other.in_head else not surely[other.id]
    rivals = score
    if driver == "contrast":
        assert token.in_head
        rivals = score[surely]
        score = score.masked_fill(own < floor, -torch.inf)
    assert (rivals - token.score < TOLERANCE).all()
    if driver != "base" and config.penalty_on == "expert":  # else the trace does not tell the expert's own part
        expert = {
            a.id: a.score + (config.alpha * a.logp_base if driver == "contrast" else 0) for a in token.alternatives
        }
        edge = max(expert.values()) + (math.log(config.tau) if config.tau else -math.inf)
        assert all(a.in_head == (expert[a.id] >= edge) for a in token.alternatives if abs(expert[a.id] - edge) > 1e-4)
        eligible = [a for a in token.alternatives if a.in_head or driver == "user"]
        assert token.score == max(a.score for a in eligible)
    return int(score.argmax()) == token.id


def ids(column):
    return [token.id for token in column.tokens]


def at_the_edge(token, number, config, tie):
    """Whether one of the token's alternatives lies within `tie` of the head's edge, in a column that contrasts."""
    expert = {a.id: a.score + config.alpha * a.logp_base for a in token.alternatives}
    return abs(expert[number] - max(expert.values()) - math.log(config.tau)) < tie


def check_same_up_to_ties(one, other, key="score", tie=TIE, config=CONFIG):
    """The same tokens, up to the first step where rounding decides: between two that are all but equal, or whether one
    at the very edge of the head is in it."""
    for left, right in zip(one.tokens, other.tokens, strict=False):
        if left.id != right.id:
            rivals = {a.id: getattr(a, key) for a in left.alternatives}
            inside = [{a.id: a.in_head for a in token.alternatives} for token in (left, right)]
            moved = [number for number in (left.id, right.id) if inside[0][number] != inside[1][number]]
            edge = METHODS[one.method].contrasts and any(at_the_edge(left, n, config, tie) for n in moved)
            assert edge or abs(rivals[left.id] - rivals[right.id]) < tie
            return
        assert abs(left.reward - right.reward) < TOLERANCE
    assert len(one.tokens) == len(other.tokens)
