"""Which alternative would win, as the decoder and as a reader of its rounded numbers has it."""

import json
from pathlib import Path

import pytest
import torch

from cope_demo.decode.winner import TOLERANCE, contrast_winner
from cope_demo.reward import cope_scores

WINNERS = json.loads(Path(__file__).with_name("winner_cases.json").read_text("utf-8"))
"""Decisions that the page's script takes as well (model.test.js): "winner" is what a reader of rounded numbers says,
"decoder" what the decoder does, where its exact numbers decide otherwise."""


def test_a_reader_of_the_trace_has_the_stated_tolerance():
    assert TOLERANCE == WINNERS["tolerance"]


@pytest.mark.parametrize("case", WINNERS["cases"], ids=lambda case: case["name"])
def test_winner_of_a_step(case):
    ids = [other["id"] for other in case["candidates"]]
    expert, base = ([other[name] for other in case["candidates"]] for name in ("expert", "logp_base"))
    at = contrast_winner(expert, base, case["alpha"], case["tau"], ids.index(case["written"]))
    assert ids[at] == case["winner"]
    exact = cope_scores(torch.tensor(expert), torch.tensor(base), case["alpha"], case["tau"]).argmax()
    assert ids[exact] == case.get("decoder", case["winner"])
