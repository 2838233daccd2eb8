"""Models that the shared pass does not know are decoded by their own modules, with the same numbers."""

import pytest
import torch

from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS, METHODS
from cope_demo.decode.trace import Column
from cope_demo.errors import CopeError
from tests import tiny
from tests.decode.together import Ask, check_same, make_person, make_prompt, run

CONFIG = DecodeConfig(alpha=0.3, repetition_penalty=1.0, max_new_tokens=10)
OTHERS = {"phi": {}, "gpt_neox": {}, "opt": dict(word_embed_proj_dim=64, ffn_dim=128)}
ROUNDING = 1e-3
"""Nats, between float32 and float32."""


@torch.no_grad()
def read_exactly(model, prompt, ids):
    """Log-probabilities (len(ids), V) at each of these tokens after the prompt."""
    return model(torch.tensor([prompt + ids])).logits[0, len(prompt) - 1 : -1].float().log_softmax(-1)


def check_column(column: Column, prompt, expert, twin):
    """Every token is the method's best by both float32 models, up to rounding, with their numbers."""
    ids = [token.id for token in column.tokens]
    user, base = read_exactly(expert, prompt, ids), read_exactly(twin, prompt, ids)
    inside = user >= user.max(-1, keepdim=True).values + torch.tensor(CONFIG.tau).log() - ROUNDING
    driver = METHODS[column.method].driver
    score = {"base": base, "user": user, "contrast": (user - CONFIG.alpha * base).masked_fill(~inside, -torch.inf)}[
        driver
    ]
    for number, token in enumerate(column.tokens):
        assert abs(token.logp_user - user[number, token.id]) < ROUNDING
        assert abs(token.logp_base - base[number, token.id]) < ROUNDING
        assert score[number].max() - score[number, token.id] < 3 * ROUNDING


@pytest.mark.parametrize("family", OTHERS)
def test_a_model_that_is_built_otherwise_is_decoded_with_the_same_numbers(family):
    base, twin = tiny.make_base(family, **OTHERS[family])
    base.__dict__["end_ids"] = frozenset()
    engine = Engine(base)
    assert engine.shared is None and engine.why_general == f"its family is {family}"
    loras = {name: tiny.make_lora(base.model, n, scale=0.1) for n, name in enumerate(("oppu", "cope"))}
    bank, prompt = make_bank(base, loras), make_prompt(8)
    experts = {name: tiny.add_to(twin, lora) for name, lora in loras.items()}
    columns = run(engine, Ask(prompt, COLUMNS, bank, CONFIG))
    for method, column in columns.items():
        assert len(column.tokens) == CONFIG.max_new_tokens
        check_column(column, prompt, experts[METHODS[method].adapter], twin)
    assert len({column.text for column in columns.values()}) > 1
    given = make_prompt(6, 1)
    exact = read_exactly(experts["cope"], prompt, given)
    for number, token in enumerate(engine.score(prompt, given, "cope", bank, CONFIG)):
        assert token.id == given[number] and abs(token.logp_user - exact[number, token.id]) < ROUNDING


def test_an_adapter_that_leads_to_no_number_is_a_sentence():
    base, _ = tiny.make_base("phi")
    engine, prompt = Engine(base), make_prompt(8)
    bank = make_bank(base, {name: tiny.make_lora(base.model, 1, scale=1e25) for name in ("oppu", "cope")})
    with pytest.raises(CopeError, match="infinite or none at all under this adapter"):
        run(engine, Ask(prompt, COLUMNS, bank, CONFIG))
    with pytest.raises(CopeError, match="infinite or none at all under this adapter"):
        engine.score(prompt, make_prompt(6, 1), "cope", bank, CONFIG)


@pytest.mark.parametrize("place", ["expert", "both"])
def test_a_model_that_both_know_is_decoded_alike(monkeypatch, place):
    base, _ = tiny.make_base("qwen3")
    engine = Engine(base)
    config = DecodeConfig(alpha=0.5, repetition_penalty=1.5, penalty_on=place, max_new_tokens=12)
    ask = Ask(
        make_prompt(30), (*COLUMNS, "oppu-scaled", "against-mean"), make_person(base, 1, rank=11, tam=True), config
    )
    assert engine.shared is not None and engine.why_general == ""
    shared = run(engine, ask)
    monkeypatch.setattr(engine, "shared", None)
    check_same(run(engine, ask), shared, ask.config)
