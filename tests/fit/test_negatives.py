"""Which candidates are paired with a text, by whom they are written, and what DPO is given of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from peft import PeftModel

from cope_demo.config import FitConfig
from cope_demo.fit import pipeline
from cope_demo.fit.examples import Example, encode
from cope_demo.fit.negatives import Candidate, select_rejected
from cope_demo.fit.response_logps import response_logps
from cope_demo.model.base_model import load_base
from cope_demo.system.files import read_json, read_json_lines
from tests import tiny
from tests.fit.test_pipeline import FAST, run_stages

OWN = Candidate([9], logp_user=-1.0, logp_base=-3.0)  # a reward of 2
NEAR, ABOVE, BELOW = (Candidate([n], -2.0, -2.0 - reward) for n, reward in ((1, 1.7), (2, 2.5), (3, 0.5)))


@pytest.mark.parametrize(
    "settings,rejected",
    [
        ({"selection": "all"}, [ABOVE, NEAR, BELOW]),
        ({"selection": "misranked"}, [ABOVE, NEAR]),
        ({"selection": "misranked", "selection_margin": 0.0}, [ABOVE]),
        ({"selection": "misranked", "selection_margin": 1.5}, [ABOVE, NEAR, BELOW]),
        ({"selection": "hardest"}, [ABOVE]),
        ({"selection": "lowest"}, [BELOW]),
    ],
)
def test_the_setting_says_which_candidates_are_pairs(settings, rejected):
    assert select_rejected([BELOW, ABOVE, NEAR], OWN, FitConfig(**settings)) == rejected


def test_a_text_without_a_misranked_candidate_has_its_hardest():
    config = FitConfig(selection="misranked", selection_margin=0.1)
    assert select_rejected([BELOW, NEAR], OWN, config) == [NEAR]


def test_the_own_text_is_no_candidate_against_itself():
    assert select_rejected([OWN, BELOW], OWN, FitConfig(selection="all")) == [BELOW]
    assert select_rejected([OWN], OWN, FitConfig()) == [OWN]


@pytest.fixture(scope="module")
def of_oppu(tmp_path_factory) -> tuple[str, Path]:
    """A tiny model, and a fit on it with every candidate of OPPU as a pair."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(tmp_path_factory.mktemp("data")))
        model = tiny.make(tmp_path_factory.mktemp("model"))
        config = replace(FAST, candidate_source="oppu", selection="all", candidate_temperature=1.0, dpo_batch=4)
        events = []
        stages = ["history", "oppu", "negatives", "dpo", "report"]
        scratch = run_stages(tmp_path_factory.mktemp("fit"), model, stages, config, events.append)
        (scratch / "events.json").write_text(json.dumps([event.to_json() for event in events]))
    return model, scratch


def test_candidates_are_scored_by_both_models_whoever_wrote_them(of_oppu):
    """As by a pass of each model over the finished answers. OPPU wrote those to train on, base those held out."""
    model, scratch = of_oppu
    base = load_base(model, "cpu", trainable=True)
    split, pairs = read_json(scratch / "split.json"), read_json_lines(scratch / "pairs.jsonl")
    own = [encode(base, tiny.samples()[number], FAST) for number in split["train"] + split["held_out"]]
    texts = [Example(e.prompt_ids, c["ids"]) for e, p in zip(own, pairs, strict=True) for c in p["candidates"]]
    rewards = [c["reward"] for pair in pairs for c in pair["candidates"]]
    amateur = [values.mean() for values in response_logps(base.model, texts, base.tokenizer.pad_token_id)]
    adapted = PeftModel.from_pretrained(base.model, str(scratch / "oppu"))
    user = [values.mean() for values in response_logps(adapted, texts, base.tokenizer.pad_token_id)]
    assert rewards == pytest.approx([float(a - b) for a, b in zip(user, amateur, strict=True)], abs=0.1)
    trained = 3 * len(split["train"])
    assert sum(rewards[:trained]) / trained > sum(rewards[trained:]) / 3, "OPPU likes its own words more than base does"
    for pair in pairs[:-1]:
        last = pair["also_rejected"][-1]
        number = [c["ids"] for c in pair["candidates"]].index(last["ids"]) + 3 * pairs.index(pair)
        assert last["base_logp"] == pytest.approx(float(amateur[number]) * len(last["ids"]), abs=0.1 * len(last["ids"]))


@pytest.mark.parametrize("count,share,held", [(8, 0.2, 1), (20, 0.2, 2), (20, 0.06, 1), (20, 0.01, 1)])
def test_a_share_of_the_texts_is_held_out_and_never_none(of_oppu, tmp_path, count, share, held):
    model, _ = of_oppu
    pipeline.prepare(
        tmp_path, tiny.samples(count), "free_writing", "a", model=model, config=replace(FAST, holdout_share=share)
    )
    pipeline.run_stage("history", tmp_path, lambda event: None)
    assert len(read_json(tmp_path / "split.json")["held_out"]) == held


def test_every_candidate_is_a_pair_and_dpo_takes_a_step_for_each(of_oppu):
    _, scratch = of_oppu
    rows = [row for row in read_json_lines(scratch / "pairs.jsonl") if row["part"] == "train"]
    for row in rows:
        found = [row["rejected_ids"], *(one["ids"] for one in row["also_rejected"])]
        assert sorted(found) == sorted(c["ids"] for c in row["candidates"]) and len(found) == 3
        assert row["rejected_reward"] == max(c["reward"] for c in row["candidates"])
    steps = {event["of"] for event in json.loads((scratch / "events.json").read_text()) if event["stage"] == "dpo"}
    assert steps == {6}  # seven texts, three pairs each, four pairs a step
    assert read_json(scratch / "report.json")["pairs"] == 3
