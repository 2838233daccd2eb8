"""What happened in a fit, as page and API tell it."""

import json

import pytest

from cope_demo.errors import CopeError
from cope_demo.saved.fit_details import read_fit_details
from cope_demo.saved.store import Store
from cope_demo.ui.panels import behind
from cope_demo.ui.visit import Visit
from cope_demo.ui.visitor import NEW
from cope_demo.visitors.owners import Access
from tests.scripted import PAIRS, REPORT, SECRET, publish


def test_a_sample_user_s_fit_in_full():
    user = Store().open("walter")
    details = read_fit_details(user)
    texts = {(sample.prompt, sample.response) for sample in user.history()}
    assert {(pair["prompt"], pair["chosen"]) for pair in details["pairs"]} == texts
    parts = [pair["part"] for pair in details["pairs"]]
    report = details["report"]
    assert (parts.count("train"), parts.count("held_out")) == (report["train"], report["held_out"])
    for pair in details["pairs"]:
        others = [other["reward"] for other in pair["others"]]
        assert len(others) == details["settings"]["candidates"] - 1
        assert pair["rejected_reward"] <= min(others) + 1e-6  # the lowest was rejected
    oppu, dpo = details["curves"]["oppu"], details["curves"]["dpo"]
    assert len(oppu["loss"]) == oppu["of"] == 27 and oppu["loss"][-1][1] < oppu["loss"][0][1]
    assert [step for step, _ in dpo["margin"]] == list(range(1, dpo["of"] + 1)) and len(dpo["loss"]) == dpo["of"]
    assert details["base"]["identity"].startswith("SmolLM2") and details["versions"]["peft"]


def test_the_panel_s_data(service):
    data = json.loads(behind.describe_details(service, "ada", "Ada’s"))
    assert data["state"] == "open" and data["alpha"] == 0.1
    assert (data["selection"], data["source"]) == ("lowest", "base")
    loss, dpo, margin = data["plots"]
    assert loss["points"] == [[1, 3.0], [2, 2.0], [3, 1.0]] and loss["of"] == 3 and not loss["zero"]
    assert dpo["points"] and margin["zero"] and margin["points"][2] == [3, pytest.approx(1 / 3)]
    assert len(data["pairs"]) == len(PAIRS)
    assert data["pairs"][0]["others"] == [{"text": "Seams are great!", "reward": -3.0}]
    facts = dict(data["facts"])
    assert facts["Texts"] == "3 trained on, 1 held out and never trained on" and "Task adapter" not in facts
    assert "CoPe 4.500" in facts["Held-out bits per token"] and ["negatives_alpha", "0.1"] in data["settings"]
    assert REPORT["bits_per_token"]["cope"] == 4.5


def test_it_is_loaded_only_when_opened_and_only_for_its_owner(service, tmp_path):
    publish(service.store, tmp_path / "fit", "mine", "Nan")
    fit = {"user": "mine", "job": "j", "name": "Nan", "task": "free_writing", "state": "done", "error": ""}

    def visit(secret, chosen="mine"):
        return Visit(Access(service), {"chosen": chosen, "fits": [fit], "secret": secret})

    answer = visit(SECRET).open()
    assert answer["behind"] == behind.FOLDED
    assert json.loads(visit(SECRET).unfold()["behind"])["whose"] == "your"
    assert "no user" in json.loads(visit("0" * 64).unfold()["behind"])["message"]
    assert json.loads(visit(SECRET, "ada").unfold()["behind"])["whose"] == "Ada’s"
    assert visit(SECRET).pick(NEW)["behind"] == behind.NOTHING
    with pytest.raises(CopeError, match="no user"):
        Access(service).of("0" * 64).fit_details("mine")
