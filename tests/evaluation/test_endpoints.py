"""Which rule of the controls a method stands for, at a run's own settings."""

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.evaluation.controls import RULES
from cope_demo.evaluation.endpoints import Replicate, name_rules, tabulate_endpoints

AT_DEFAULTS = {
    "oppu": "oppu",
    "oppu+dpo": "oppu+dpo",
    "oppu+cd": "oppu alpha 0.1",
    "cope": "oppu+dpo alpha 0.1",
    "oppu-scaled": "oppu x 1.11",
    "against-mean": "oppu+dpo alpha 0.1 against mean",
    "oppu-against-mean": "oppu alpha 0.1 against mean",
}


@pytest.mark.parametrize("penalized", [False, True])
def test_at_the_defaults_every_method_has_a_rule(penalized):
    assert name_rules(DecodeConfig(repetition_penalty=1.0), penalized) == AT_DEFAULTS and set(
        AT_DEFAULTS.values()
    ) <= set(RULES)


def test_a_rule_is_that_of_the_runs_own_alpha_and_penalty():
    decode = DecodeConfig(repetition_penalty=1.1, penalty_on="both")
    assert name_rules(decode) == AT_DEFAULTS
    written = name_rules(decode, penalized=True)
    assert written["cope"] == "oppu+dpo alpha 0.1 penalty 1.1 on both" and written["oppu"] == "oppu penalty 1.1"
    assert set(written.values()) <= set(RULES)
    strong = name_rules(DecodeConfig(alpha=0.3, scale=1.5))
    assert (strong["cope"], strong["oppu-scaled"]) == ("oppu+dpo alpha 0.3", "oppu x 1.5")
    assert "oppu-scaled" not in name_rules(DecodeConfig(alpha=1.0))


def test_agreement_is_counted_as_read_and_as_written():
    """A rule that was not measured at the run's settings stands for nothing."""
    right = {rule: ["0000"] for rule in RULES}
    right |= {"oppu+dpo alpha 0.3": ["1100"], "oppu": ["1000"], "oppu penalty 1.2": ["1110"]}
    record = {
        **{"author": "a", "queries": ["q"], "tokens": [4], "base_logps": [-9.0], "swapped_right": {}, "endpoints": {}},
        "logps": {name: {"a": [-8.0]} for name in ("oppu", "cope")},
        "right": right,
        "changed": right,
    }
    decode = DecodeConfig(alpha=0.3, repetition_penalty=1.2)
    table = tabulate_endpoints([Replicate(4, {"a": record}, decode=decode)])
    assert table["agreement"]["cope"] == {"a": {4: [0.5]}} and table["agreement"]["oppu"] == {"a": {4: [0.25]}}
    assert table["agreement as written"]["oppu"] == {"a": {4: [0.75]}} and "cope" not in table["agreement as written"]
