"""Seeds and controls of a run on a tiny model: what is measured, kept, and said."""

import json
import shutil
from functools import partial

import pytest
import torch

from cope_demo.cli.commands import main
from cope_demo.errors import CopeError
from cope_demo.evaluation import controls, decisions, study
from cope_demo.evaluation.attribution import Attribution
from cope_demo.evaluation.endpoints import Replicate, count_flips
from cope_demo.evaluation.measurement import Measurement
from cope_demo.evaluation.reading import Model, Reader
from cope_demo.evaluation.study_text import format_study
from cope_demo.fit import pipeline
from cope_demo.fit.examples import Example
from cope_demo.model.adapters import Lora
from cope_demo.texts.lamp import USERS
from tests import tiny
from tests.evaluation.test_evaluate import TASK, author
from tests.fit.test_pipeline import FAST


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with the tiny model and three authors, one of them without a history."""
    root = tmp_path_factory.mktemp("study")
    tiny.make(root / "model")
    (root / USERS).write_text(json.dumps([author(1), author(2, records=0), author(3)]))
    return root


@pytest.fixture(autouse=True)
def own_folders(root, monkeypatch):
    monkeypatch.setenv("COPE_DATA", str(root / "data"))
    monkeypatch.setenv("COPE_CACHE", str(root / "cache"))
    monkeypatch.setattr(study, "Attribution", partial(Attribution, kinds=("letters", "shapes")))


def run(root, out, **options):
    given = {"model": str(root / "model"), "config": FAST, "samples": 2, "decode": {"max_new_tokens": 4}, **options}
    return study.run_study(TASK, root, ["oppu", "cope"], out, **given)


def test_seeds_and_controls_are_measured_once_and_summarized(root, tmp_path, monkeypatch):
    found = run(root, tmp_path, seeds=2)
    assert (found["seeds"], found["users"], found["queries"]) == ([0, 1], 2, 4)
    assert json.loads((tmp_path / "results.json").read_text())["study"] == json.loads(json.dumps(found))
    assert (tmp_path / "study.md").read_text() == format_study(TASK, found)
    record = json.loads((tmp_path / "seed-1" / "controls" / "000.json").read_text())
    assert record["author"] == "author 1" and set(record["logps"]["cope"]) == {"author 1", "author 3"}
    for name, bits in record["right"].items():
        assert [len(one) for one in bits] == record["tokens"], name
    assert found["flips"]["oppu alpha 0.5 against mean"]["tokens"] == found["flips"]["oppu"]["tokens"] > 0
    for name in ("oppu", "oppu+dpo", "tam"):
        assert "1" not in "".join(record["changed"][name])
    methods = [(row["method"], "adapters_of" in row) for row in record["written"]]
    assert methods == [("oppu", True)] * 2 + [("cope", True)] * 2 + [
        (name, False) for name in ("oppu", "oppu+dpo", "cope") for _ in range(4)
    ]
    means = found["endpoints"]
    records = [json.loads(path.read_text()) for path in tmp_path.glob("seed-*/controls/*.json")]
    for name, of in (("oppu", lambda name, own: name == own), ("oppu swapped", lambda name, own: name != own)):
        sums = [
            value / tokens
            for one in records
            for reader, values in one["logps"]["oppu"].items()
            if of(reader, one["author"])
            for value, tokens in zip(values, one["tokens"], strict=True)
        ]
        assert means["nats"][name]["mean"] == pytest.approx(sum(sums) / len(sums), abs=2e-5)
    assert abs(means["nats"]["oppu"]["mean"] - means["nats"]["oppu swapped"]["mean"]) > 1e-3
    assert set(means["rougeL"]) == {"oppu", "cope", "oppu swapped", "cope swapped"} | {
        f"{name} sampled" for name in ("oppu", "oppu+dpo", "cope")
    }
    assert {"gold", "oppu swapped to its adapters"} <= set(means["attribution by letters pairwise"])
    gain = found["differences"]["rougeL"]["cope over oppu"]
    assert set(gain["components"]) == {"author", "refit", "query", "rest"} and 0 <= gain["p"] <= 1
    assert (found["pairs"]["train"]["texts"], found["pairs"]["train"]["candidates"]) == (20, 60)

    monkeypatch.setattr(pipeline, "run_stage", pytest.fail)
    monkeypatch.setattr(controls.Controls, "measure", lambda controls, author: pytest.fail("measured again"))
    assert run(root, tmp_path, seeds=2) == found == run(root, tmp_path, seeds=2, samples=1)
    with pytest.raises(pytest.fail.Exception, match="measured again"):
        run(root, tmp_path, seeds=2, samples=3)  # more than there are


def test_a_folder_has_one_seed_or_several(root, tmp_path):
    for name, own in (("one", ""), ("several", "seed-0")):
        (tmp_path / name / own).mkdir(parents=True)
        (tmp_path / name / own / "plan.json").write_text("{}")
    with pytest.raises(CopeError, match="holds a run of one seed"):
        run(root, tmp_path / "one", seeds=2)
    with pytest.raises(CopeError, match="runs of several seeds: name the folder of one, such as .*seed-0"):
        run(root, tmp_path / "several")


def test_controls_make_the_fits_that_are_gone(root, tmp_path):
    """The cache may have been emptied since the run."""
    run(root, tmp_path, controls=False)
    shutil.rmtree(root / "cache" / "fits")
    assert run(root, tmp_path, processes=2, samples=0)["users"] == 2


def test_the_amateur_of_a_rule_is_base_or_the_mean_of_the_other_authors(root, tmp_path, monkeypatch):
    """With two authors that is the other one."""
    read, choose = {}, decisions.choose_tokens

    def note(user, amateur, rule, tau, given, prompt):
        if rule.alpha is not None:
            ids = torch.tensor(given)[:, None]
            logps = amateur.log_softmax(-1).gather(-1, ids)
            read[rule.name] = float(logps.sum())  # at last of the last author's last text
        return choose(user, amateur, rule, tau, given, prompt)

    monkeypatch.setattr(decisions, "choose_tokens", note)
    run(root, tmp_path, samples=0)
    record = json.loads((tmp_path / "controls" / "001.json").read_text())
    for rule in ("oppu alpha 0.1", "oppu+dpo alpha 0.3", "oppu alpha 0.1 penalty 1.2 on both"):
        assert read[rule] == pytest.approx(record["base_logps"][-1], abs=2e-3)
    for adapter, method in controls.ADAPTERS.items():
        other = record["logps"][adapter]["author 1"][-1]
        assert read[f"{method} alpha 0.5 against mean"] == pytest.approx(other, abs=0.02)
        assert abs(other - record["base_logps"][-1]) > 0.1


def test_the_record_agrees_with_the_run(root, tmp_path):
    run(root, tmp_path)
    record = json.loads((tmp_path / "controls" / "000.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().split("\n") if line]
    bits = [row["bits"] for row in rows if row["method"] == "oppu" and row["user"] == "author 1"]
    own = [sums / n for sums, n in zip(record["logps"]["oppu"]["author 1"], record["tokens"], strict=True)]
    assert [-value / 0.693147 for value in own] == pytest.approx(bits, abs=2e-3)
    assert len(json.loads((tmp_path / "results.json").read_text())["methods"]) == 2  # the run's own numbers stay


def test_texts_are_read_as_they_are_alone_and_scaled_adapters_are_scaled():
    base, twin = tiny.make_base()
    lora = tiny.make_lora(base.model, 1)
    larger = Lora({path: (down, 1.5 * up) for path, (down, up) in lora.weights.items()}, lora.rank)
    bank = study_bank(base, lora)
    examples = [Example([5, 6, 7], [8, 9]), Example([5], [9, 8, 7, 6])]
    models = [Model(), Model("oppu"), Model("oppu", 1.5)]
    found = {(number, model): logits for number, model, logits in Reader(base).read(examples, models, bank)}
    assert len(found) == 6
    for number, example in enumerate(examples):
        for model, plain in zip(models, (twin, tiny.add_to(twin, lora), tiny.add_to(twin, larger)), strict=True):
            ids = torch.tensor([example.prompt_ids + example.response_ids])
            wanted = plain(ids).logits[0, len(example.prompt_ids) - 1 : -1]
            assert torch.allclose(found[number, model], wanted, atol=2e-3), model


def study_bank(base, lora: Lora):
    return Measurement(None, (), _Bare(base), None, None, None, None, None).make_bank({"oppu": lora})


class _Bare:
    def __init__(self, base):
        self.base = base


def test_flips_are_counted_against_the_plain_rule():
    names = {name: ["0000"] for name in controls.RULES}
    right = names | {"oppu": ["1100"], "oppu alpha 0.5": ["0111"], "tam": ["0001"]}
    record = {"right": right, "changed": names | {"oppu alpha 0.5": ["1011"]}}
    flips = count_flips([Replicate(0, {"a": record}), Replicate(1, {"a": record})])
    assert flips["oppu alpha 0.5"] == {"tokens": 8, "changed": 6, "gained": 4, "lost": 2}
    assert flips["oppu"] == {"tokens": 8, "changed": 0, "gained": 0, "lost": 0}


def test_pairs_are_counted_by_part():
    pair = {
        "part": "train",
        "chosen_reward": 0.5,
        "rejected_reward": 0.1,
        "candidates": [{"reward": 0.1}, {"reward": 0.7}],
    }
    found = controls.count_right_pairs([pair, {**pair, "rejected_reward": 0.7}])
    assert found == {"train": {"candidates": 4, "right": 2, "texts": 2, "rejected_right": 1}}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seeds", "0"], "seeds must be a whole number from 1 to 100"),
        (["--controls", "--samples", "-1"], "samples must be a whole number from 0 to 1000"),
        (["--controls", "--methods", "oppu"], "The controls compare the methods oppu and cope"),
    ],
)
def test_what_will_not_do_is_named(root, tmp_path, capsys, options, sentence):
    given = ["--task", TASK, "--data", str(root), "--out", str(tmp_path), "--methods", "oppu,cope", *options]
    assert main(["evaluate", *given, "--model", str(root / "model")]) == 2
    assert sentence in capsys.readouterr().err


def test_seeds_without_an_author_in_common_are_refused():
    records = [{name: {"author": name, "queries": [], "written": []}} for name in "ab"]
    with pytest.raises(CopeError, match="no author in common"):
        study.share_authors([Replicate(n, one) for n, one in enumerate(records)])


def test_without_controls_texts_alone_are_compared(root, tmp_path):
    found = run(root, tmp_path, controls=False)
    assert "nats" not in found["endpoints"] and set(found["endpoints"]["rougeL"]) == {"oppu", "cope"}
    assert found["pairs"] == {} and found["differences"]["rougeL"]["cope over oppu"]["components"]["refit"] is None
