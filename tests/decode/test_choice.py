"""The next token by scores, at any temperature that is allowed."""

import pytest
import torch

from cope_demo.config import DecodeConfig
from cope_demo.decode.choice import pick_token

SCORES = torch.tensor([-2.0, -1.0, -float("inf"), -1.5])


def pick(temperature: float, seed: int) -> int:
    return pick_token(SCORES, torch.Generator().manual_seed(seed), DecodeConfig(temperature=temperature))


@pytest.mark.parametrize("temperature", [0, 1e-45, 1e-40, 1e-9, 0.01])
def test_at_next_to_no_temperature_it_is_the_best(temperature):
    assert {pick(temperature, seed) for seed in range(20)} == {1}


def test_a_sample_follows_the_scores_and_leaves_out_what_is_outside():
    drawn = [pick(1.0, seed) for seed in range(2000)]
    shares = [drawn.count(token) / len(drawn) for token in range(4)]
    assert shares == pytest.approx(SCORES.softmax(-1).tolist(), abs=0.04) and shares[2] == 0
