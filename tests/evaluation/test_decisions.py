"""Decisions on given texts: the decoder's own choice, and what a penalty acts on."""

import pytest
import torch

from cope_demo.config import DecodeConfig
from cope_demo.decode.choice import pick_token, score_next
from cope_demo.evaluation.controls import RULES
from cope_demo.evaluation.decisions import Rule, choose_tokens

STEPS, WORDS = 6, 40


def logits(seed: int) -> torch.Tensor:
    return 2 * torch.randn(STEPS, WORDS, generator=torch.Generator().manual_seed(seed))


GIVEN = [3, 3, 7, 1, 9, 3]


@pytest.mark.parametrize("alpha", [None, 0.0, 0.1, 1.0])
@pytest.mark.parametrize("penalty", [1.0, 1.5])
@pytest.mark.parametrize("place", ["expert", "both"])
def test_a_rule_takes_what_the_decoder_takes(alpha, penalty, place):
    user, amateur = logits(1), logits(2)
    config = DecodeConfig(alpha=alpha or 0.0, repetition_penalty=penalty, penalty_on=place)
    driver, wanted = "user" if alpha is None else "contrast", []
    for step in range(STEPS):
        seen = torch.tensor(sorted(set(GIVEN[:step])), dtype=torch.long)
        wanted.append(pick_token(score_next(driver, user[step], amateur[step], seen, config), None, config))
    rule = Rule("", "oppu", alpha=alpha, penalty=penalty, placement=place)
    assert choose_tokens(user, amateur, rule, config.tau, GIVEN, [5]).tolist() == wanted


def test_a_penalty_on_both_models_leaves_alone_what_they_agree_on():
    same = torch.tensor([[4.0, 3.9, 0.0], [4.0, 3.9, 0.0]])

    def choose(place: str, prompt=()) -> list[int]:
        rule = Rule("", "oppu", alpha=0.5, penalty=1.2, placement=place)
        return choose_tokens(same, same, rule, 0.1, [0, 0], prompt).tolist()

    assert choose("expert") == choose("both") == [0, 1]  # token 0 was seen once
    assert choose("score") == [0, 1] and choose("score", [1]) == [0, 0]  # the prompt counts there, and only there
    assert choose("both", [1]) == [0, 1]


def test_where_a_penalty_acts_decides():
    user, amateur = torch.tensor([[1.0, 1.0], [3.9, 2.9]]), torch.tensor([[1.0, 1.0], [6.0, 2.0]])

    def choose(place: str) -> int:
        return choose_tokens(user, amateur, Rule("", "oppu", 1.0, 0.1, 1.2, place), 0.01, [0, 0])[1].item()

    assert choose("expert") == 1  # token 0 leads by 0.35 after its penalty, and base by 4 x 0.1
    assert choose("both") == 0  # base's lead is 3 x 0.1 after its own
    assert choose("score") == 0  # -0.31 x 1.2 against -0.91


def test_rules_have_each_their_name():
    assert len(RULES) == 43 and RULES["oppu alpha 0.3"].alpha == 0.3 and RULES["oppu+dpo x 1.1"].scale == 1.1
    assert RULES["oppu+dpo alpha 0.1 penalty 1.2 on score"].placement == "score"
    assert RULES["oppu alpha 0.3 against mean"].amateur == "oppu of others" and RULES["oppu alpha 0.3"].amateur == ""
    assert RULES["oppu x 1.11"].scale == DecodeConfig(alpha=0.1).lora_scale
