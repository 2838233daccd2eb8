"""Bad settings are refused by name."""

import pytest

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.errors import CopeError


@pytest.mark.parametrize(
    "setting,value",
    [
        ("alpha", -0.1),
        ("alpha", 2.5),
        ("alpha", float("nan")),
        ("tau", 1.5),
        ("tau", "high"),
        ("repetition_penalty", 0.5),
        ("max_new_tokens", 0),
        ("max_new_tokens", 2.5),
        ("temperature", -1),
    ],
)
def test_decoding_settings_name_the_bad_one(setting, value):
    with pytest.raises(CopeError, match=rf"^{setting} must be .* from .* to "):
        DecodeConfig(**{setting: value})


def test_what_a_penalty_acts_on_is_one_of_two_words():
    with pytest.raises(CopeError, match="^penalty_on must be 'expert' or 'both', but is 'score'"):
        DecodeConfig(penalty_on="score")


@pytest.mark.parametrize(
    "setting,value",
    [
        ("lora_rank", 0),
        ("beta", 0),
        ("candidates", 99),
        ("selection", "best"),
        ("selection_margin", -1),
        ("candidate_source", "cope"),
        ("dpo_token_beta", 101),
        ("seeds_averaged", 1.5),
        ("holdout_share", 0.9),
    ],
)
def test_fit_settings_name_the_bad_one(setting, value):
    with pytest.raises(CopeError, match=f"^{setting} must be"):
        FitConfig(**{setting: value})
