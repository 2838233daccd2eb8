"""The equations, on numbers small enough to check by hand."""

import math

import torch

from cope_demo.reward import (
    bits_per_token,
    cope_scores,
    implicit_reward,
    penalize_repetition,
    plausible_head,
)

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
    out = penalize_repetition(logits, torch.tensor([0, 1]), 1.25)
    assert torch.allclose(out, torch.tensor([1.6, -2.5, 1.0]))
    assert torch.equal(logits, torch.tensor([2.0, -2.0, 1.0]))


def test_bits_per_token():
    assert math.isclose(bits_per_token(torch.log(torch.tensor([0.5, 0.125]))), 2.0, rel_tol=1e-6)
