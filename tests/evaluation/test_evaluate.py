"""Evaluation on a tiny model: the table's numbers, a run that is cut off, and data that will not do."""

import json
from dataclasses import replace

import pytest

from cope_demo.cli.commands import main
from cope_demo.decode import prompting
from cope_demo.decode.methods import METHODS, list_evaluated
from cope_demo.errors import CopeError
from cope_demo.evaluation import measurement
from cope_demo.evaluation.evaluate import evaluate
from cope_demo.evaluation.metrics import score_text
from cope_demo.evaluation.significance import Bootstrap
from cope_demo.fit import pipeline, tam
from cope_demo.texts.lamp import OTHERS, USERS
from cope_demo.texts.tasks import find_task
from tests import tiny
from tests.fit.test_pipeline import FAST
from tests.fit.test_tam import SMALL, others

TASK = "news_headline"
EVALUATED = list_evaluated()


def author(number: int, records: int = 6) -> dict:
    prefix = find_task(TASK).prefix
    profile = [{"id": f"p{k}", "text": tiny.LINES[k % 8], "title": f"The {number} {k}"} for k in range(records)]
    query = [
        {"id": f"q{number}-{k}", "input": prefix + tiny.LINES[-k - 1], "gold": f"The {number} goose"} for k in (0, 1)
    ]
    return {"user_id": f"author {number}", "profile": profile, "query": query}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with the tiny model, its task adapter, and three authors, one of them without a history."""
    root = tmp_path_factory.mktemp("evaluate")
    tiny.make(root / "model")
    data = root / "texts"
    data.mkdir()
    (data / OTHERS).write_text(json.dumps(others()))
    (data / USERS).write_text(json.dumps([author(1), author(2, records=0), author(3)]))
    tam.train_tam(TASK, data, root / "data" / "task_adapters" / TASK, model=str(root / "model"), config=SMALL)
    return root


@pytest.fixture(autouse=True)
def own_folders(root, monkeypatch):
    monkeypatch.setenv("COPE_DATA", str(root / "data"))
    monkeypatch.setenv("COPE_CACHE", str(root / "cache"))
    monkeypatch.setattr(prompting, "find_most_similar", lambda queries, texts, count: [[0, 1]] * len(queries))


def run(root, out, methods=EVALUATED, **options):
    given = {"model": str(root / "model"), "config": FAST, "decode": {"max_new_tokens": 5}, **options}
    return evaluate(TASK, root / "texts", list(methods), out, **given)


def read_predictions(out):
    rows = [json.loads(line) for line in (out / "predictions.jsonl").read_text().split("\n") if line]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_all_methods_and_a_run_that_was_cut_off(root, tmp_path, monkeypatch):
    whole = run(root, tmp_path / "whole")
    assert whole["users"] == 2 and whole["queries"] == 4 and list(whole["methods"]) == list(EVALUATED)
    assert list(whole["skipped"]) == ["author 2"] and "profile is empty" in whole["skipped"]["author 2"]
    rows = read_predictions(tmp_path / "whole")
    for name, values in whole["methods"].items():
        own = [row for row in rows if row["method"] == name]
        assert values["rougeL"] == pytest.approx(sum(row["rougeL"] for row in own) / 4, abs=1e-4)
        assert ("bits_per_token" in values) == (not METHODS[name].contrasts)
        low, high = whole["ci95"][name]["rougeL"]
        assert low <= values["rougeL"] <= high
    texts = {name: [row["text"] for row in rows if row["method"] == name] for name in ("against", "against-mean")}
    assert texts["against"] == texts["against-mean"]  # there is one other author
    bits = {name: whole["methods"][name]["bits_per_token"] for name in ("base", "tam", "oppu")}
    assert bits["tam"] < bits["base"] and len(set(bits.values())) == 3
    change, low, high = whole["methods"]["base"]["bits_over_tam"]
    assert change == pytest.approx(bits["base"] / bits["tam"] - 1, abs=1e-3) and low <= change <= high
    assert whole["methods"]["tam"]["bits_over_tam"] == [0, 0, 0]
    assert set(whole["relative_gain"]["tam"]) == set(EVALUATED) - {"tam"}
    assert json.loads((tmp_path / "whole" / "results.json").read_text()) == json.loads(json.dumps(whole))
    assert (tmp_path / "whole" / "results.md").read_text().count("\n| ") == 1 + len(EVALUATED)

    monkeypatch.setattr(pipeline, "run_stage", pytest.fail)  # the fits of the first run serve this one

    def cut(gold, text):
        if gold[4] == "3":
            raise KeyboardInterrupt
        return score_text(gold, text)

    monkeypatch.setattr(measurement, "score_text", cut)
    with pytest.raises(KeyboardInterrupt):
        run(root, tmp_path / "parted")
    assert len(read_predictions(tmp_path / "parted")) == 2 * len(EVALUATED)
    with open(tmp_path / "parted" / "predictions.jsonl", "ab") as file:
        file.write('{"user": "author 3", "text": "caf\u00e9'.encode()[:-1])  # within a letter
    monkeypatch.setattr(measurement, "score_text", score_text)
    assert run(root, tmp_path / "parted")["methods"].keys() == whole["methods"].keys()
    assert read_predictions(tmp_path / "parted") == rows


def test_runs_share_what_their_settings_do_not_change(root, tmp_path, monkeypatch):
    made = []
    whole = pipeline.run_stage
    monkeypatch.setattr(
        pipeline, "run_stage", lambda stage, *rest, **more: made.append(stage) or whole(stage, *rest, **more)
    )
    first = replace(FAST, lora_alpha=17)
    for change, stages in (
        ({}, ["history", "oppu", "negatives", "dpo"]),
        ({"beta": 0.3, "dpo_learning_rate": 1e-4, "dpo_token_beta": 1.0}, ["dpo"]),
        ({"candidate_source": "oppu", "selection_margin": 0.1}, ["negatives", "dpo"]),
        ({"selection": "hardest"}, ["negatives", "dpo"]),
        ({"oppu_epochs": 1.5}, ["history", "oppu", "negatives", "dpo"]),
        ({}, []),
    ):
        made.clear()
        result = run(root, tmp_path / str(change), ["oppu", "cope"], users=1, config=replace(first, **change))
        assert not result["skipped"]
        assert made == stages


def test_one_bad_author_does_not_end_the_run(root, tmp_path, monkeypatch):
    def broken(gold, text):
        if gold[4] == "1":
            raise ValueError("secret of the text")
        return score_text(gold, text)

    monkeypatch.setattr(measurement, "score_text", broken)
    result = run(root, tmp_path, ["base"])
    assert result["users"] == 2 and list(result["skipped"]) == ["author 1"]
    assert "ValueError" in result["skipped"]["author 1"] and "secret" not in result["skipped"]["author 1"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"methods": ["base", "magic"]}, "There is no method 'magic'; choose from base, rag"),
        ({"users": 0}, "users must be a whole number from 1"),
        ({"methods": ["against-mean"], "users": 1}, "No author could be measured: Contrast with other authors needs"),
        ({"methods": ["tam"], "model": "other"}, "There is no task adapter for news_headline"),
    ],
)
def test_what_will_not_do_is_named(root, tmp_path, options, sentence):
    if options.get("model"):
        options = {**options, "model": tiny.make(tmp_path / "other", "qwen")}
    with pytest.raises(CopeError, match=sentence):
        run(root, tmp_path / "out", **{"methods": ["base"], **options})


def test_another_run_in_the_same_folder_is_refused(root, tmp_path):
    run(root, tmp_path, ["base"], users=1)
    with pytest.raises(CopeError, match="other data, methods, settings or arithmetic"):
        run(root, tmp_path, ["base"], users=2)
    path = tmp_path / "plan.json"
    older = json.loads(path.read_text())
    compute = older.pop("compute")
    assert older["decode"].pop("penalty_on") == "expert" and older["fit"].pop("retrieval") == 0
    path.write_text(json.dumps(older))  # as before there were these settings
    assert run(root, tmp_path, ["base"], users=1)["users"] == 1
    path.write_text(json.dumps(older | {"compute": "bfloat16" if compute == "float32" else "float32"}))
    with pytest.raises(CopeError, match="settings or arithmetic"):
        run(root, tmp_path, ["base"], users=1)
    path.write_text('{"task": ')
    with pytest.raises(CopeError, match="plan.json cannot be read: remove it"):
        run(root, tmp_path, ["base"], users=1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "There is no user_top_100_history.json"),
        ("[]", "must be a JSON list of users"),
        ('[{"user_id": "a"}, 5]', "No author could be measured: No query with id, input and gold."),
        ('[{"user_id": "a", "query": [{"id": 1, "input": "x", "gold": ""}, 7]}]', "No author could be measured"),
    ],
)
def test_bad_data_gets_a_sentence_and_exit_code_2(root, tmp_path, capsys, text, sentence):
    if text is not None:
        (tmp_path / USERS).write_text(text)
    options = ["--task", TASK, "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--methods", "base"]
    assert main(["evaluate", *options, "--model", str(root / "model")]) == 2
    error = capsys.readouterr().err
    assert sentence in error and "Traceback" not in error


def test_scores_follow_their_definitions():
    same = score_text("The goose crossed", "The goose crossed")
    assert same["rouge1"] == same["rougeL"] == 1 and same["meteor"] > 0.9
    half = score_text("the ferry crosses late", "ferry crossing")  # the second by its stem
    assert half["rouge1"] == pytest.approx(2 * 1.0 * 0.5 / 1.5, abs=1e-5)
    assert score_text("the ferry", "") == {"rouge1": 0, "rougeL": 0, "meteor": 0}
    assert score_text("ferry late", "late ferry")["rougeL"] == 0.5


def test_intervals_are_over_users_and_paired():
    users = {f"u{n}": [n / 10] * 3 for n in range(10)}
    better = {user: [value + 0.1 for value in values] for user, values in users.items()}
    boot = Bootstrap({"a": users, "b": better}, seed=1)
    assert boot.mean("a") == pytest.approx(0.45) and boot.gain("b", "a") == pytest.approx(0.1 / 0.45)
    low, high = boot.interval("a")
    assert 0.2 < low < 0.35 and 0.55 < high < 0.7  # ten users, not thirty queries
    low, high = boot.gain_interval("b", "a")
    assert low > 0.1  # the difference is the same for every user, so its sign is certain
    assert Bootstrap({"a": users, "b": better}, seed=1).interval("a") == boot.interval("a")
    with pytest.raises(ValueError):
        Bootstrap({"a": users, "b": {"u0": [1.0]}})


def test_the_decoding_is_the_tasks_unless_the_command_says_otherwise(root, tmp_path, capsys):
    fixed = ["--task", TASK, "--data", str(root / "texts"), "--methods", "base", "--model", str(root / "model")]

    def decoding(name, *options):
        assert main(["evaluate", *fixed, "--users", "1", "--out", str(tmp_path / name), *options]) == 0
        settings = json.loads((tmp_path / name / "plan.json").read_text())["decode"]
        return [settings[name] for name in ("alpha", "tau", "repetition_penalty")]

    assert decoding("plain") == [0.1, 0.1, 1.0]
    assert decoding("given", "--alpha", "0.3", "--tau", "0.2", "--repetition-penalty", "1.3") == [0.3, 0.2, 1.3]
    assert main(["evaluate", *fixed, "--out", str(tmp_path / "bad"), "--repetition-penalty", "0.5"]) == 2
    assert "repetition_penalty must be a number from 1 to 2" in capsys.readouterr().err


def test_a_new_method_is_measured_by_its_row_alone(root, tmp_path, twin):
    result = run(root, tmp_path / "twin", ("oppu", twin.name))
    numbers, texts = result["methods"], {"oppu": [], twin.name: []}
    assert set(numbers) == {"oppu", twin.name} and f"| {twin.name} |" in (tmp_path / "twin" / "results.md").read_text()
    for row in read_predictions(tmp_path / "twin"):
        texts[row["method"]].append(row["text"])
    assert texts["oppu"] == texts[twin.name] and len(texts["oppu"]) == 4
    assert result["relative_gain"]["oppu"][twin.name]["rougeL"] == 0
