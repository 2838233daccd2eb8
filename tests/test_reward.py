"""The equations, on numbers small enough to check by hand."""

import json
import math

import pytest
import torch

from cope_demo.config import ROOT
from cope_demo.reward import (
    bits_per_token,
    contrast_winners,
    cope_scores,
    implicit_reward,
    plausible_head,
    repetition_penalized,
)
from cope_demo.trace import TOLERANCE, contrast_winner

WINNERS = json.loads((ROOT / "tests" / "winner_cases.json").read_text("utf-8"))
"""Decisions that the page's script takes as well (model.test.js): "winner" is what a reader of rounded numbers says,
"decoder" what the decoder does, where its exact numbers decide otherwise."""

USER = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
BASE = torch.log(torch.tensor([[0.7, 0.1, 0.1, 0.1]]))


def test_implicit_reward_is_the_papers():
    reward = implicit_reward(USER, BASE, 0.1)
    assert math.isclose(reward[0, 1].item(), math.log(0.3) - 0.1 * math.log(0.1), rel_tol=1e-6)


def test_alpha_zero_is_the_experts_own_choice():
    assert torch.equal(cope_scores(USER, BASE, 0.0, 0.0), USER)


def test_head_keeps_what_is_plausible_to_the_expert():
    assert plausible_head(USER, 0.25).tolist() == [[True, True, True, False]]
    assert plausible_head(USER, 1.0).tolist() == [[True, False, False, False]]
    assert plausible_head(USER, 0.0).all()


def test_outside_the_head_is_minus_infinity():
    scores = cope_scores(USER, BASE, 1.0, 0.25)
    assert scores[0, 3] == -torch.inf and torch.isfinite(scores[0, :3]).all()


def test_contrast_overrules_the_favourite_only_inside_the_head():
    assert cope_scores(USER, BASE, 1.0, 0.25).argmax() == 1
    assert cope_scores(USER, BASE, 1.0, 1.0).argmax() == 0


def test_penalty_makes_seen_tokens_less_likely_whatever_the_sign():
    logits = torch.tensor([2.0, -2.0, 1.0])
    out = repetition_penalized(logits, torch.tensor([0, 1]), 1.25)
    assert torch.allclose(out, torch.tensor([1.6, -2.5, 1.0]))
    assert torch.equal(logits, torch.tensor([2.0, -2.0, 1.0]))


def test_bits_per_token():
    assert math.isclose(bits_per_token(torch.log(torch.tensor([0.5, 0.125]))), 2.0, rel_tol=1e-6)


def test_winners_are_those_of_the_scores():
    torch.manual_seed(1)
    user, base = torch.randn(2, 500).log_softmax(-1)
    alphas, taus = (0.0, 0.3, 1.0, 2.0), (0.0, 0.05, 0.5, 1.0)
    expected = [int(cope_scores(user, base, alpha, tau).argmax()) for tau in taus for alpha in alphas]
    assert contrast_winners(user, base, alphas, taus) == expected and len(set(expected)) > 3


def test_a_reader_of_the_trace_has_the_stated_tolerance():
    assert TOLERANCE == WINNERS["tolerance"]


@pytest.mark.parametrize("case", WINNERS["cases"], ids=lambda case: case["name"])
def test_winner_of_a_step(case):
    ids = [other["id"] for other in case["candidates"]]
    expert, base = ([other[name] for other in case["candidates"]] for name in ("expert", "logp_base"))
    at = contrast_winner(expert, base, case["alpha"], case["tau"], ids.index(case["written"]))
    assert ids[at] == case["winner"]
    (exact,) = contrast_winners(torch.tensor(expert), torch.tensor(base), [case["alpha"]], [case["tau"]])
    assert ids[exact] == case.get("decoder", case["winner"])
