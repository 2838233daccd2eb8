"""The published controls: made from runs as they lie in a folder, and docs/ agrees with itself."""

import hashlib
import importlib
import json
import random
import shutil
import sys
from functools import partial

import pytest

from cope_demo.errors import CopeError
from cope_demo.evaluation import study
from cope_demo.evaluation.attribution import Attribution
from cope_demo.evaluation.controls import RULES
from cope_demo.evaluation.hypotheses import PLANNED_WITH
from cope_demo.evaluation.published import MEASURED, read_controls
from cope_demo.evaluation.study import read_replicate
from cope_demo.paths import ROOT
from cope_demo.texts.lamp import USERS

DOCS, TASK = ROOT / "docs", "news_headline"
METHODS = ("tam", "oppu", "cope")


@pytest.fixture(scope="module", autouse=True)
def scripts():
    """The scripts of docs/ can be imported."""
    sys.path.insert(0, str(DOCS))
    yield
    sys.path.remove(str(DOCS))


def write_run(root, task: str, seed: int, users: int = 3, skipped: dict | None = None, **other) -> None:
    """A run of a task with its controls, and its data, with made-up numbers. other: of its plan."""
    rng, folder, names = random.Random(seed), root / "runs" / task / f"seed-{seed}", [f"u{n}" for n in range(users)]
    (folder / "controls").mkdir(parents=True)
    decode = {"alpha": 0.1, "repetition_penalty": 1.1 if task == "review_writing" else 1.0}
    (folder / "results.json").write_text(json.dumps({"users": users, "skipped": skipped or {}}))
    rows = []
    for number, name in enumerate(names):
        queries = [f"{name}-{n}" for n in range(2)]
        scores = {"rouge1": rng.random(), "rougeL": rng.random(), "meteor": rng.random()}
        for method in METHODS:
            rows += [
                {"user": name, "query": q, "method": method, "text": "a bus", "bits": None} | scores for q in queries
            ]
        bits = {rule: ["".join(rng.choice("01") for _ in range(4)) for _ in queries] for rule in RULES}
        record = {
            "author": name,
            "queries": queries,
            "tokens": [4, 4],
            "base_logps": [-9.0, -8.0],
            "logps": {a: {other: [-8.0 - rng.random() for _ in queries] for other in names} for a in ("oppu", "cope")},
            "right": bits,
            "changed": bits,
            "swapped_right": {},
            "pairs": {"train": {"candidates": 3, "right": 2, "texts": 1, "rejected_right": 1}},
            "written": [{"query": q, "method": "oppu", "text": "secret", **scores} for q in queries for _ in range(2)],
        }
        (folder / "controls" / f"{number:03}.json").write_text(json.dumps(record))
    (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    fields = {"news_headline": ("text", "title"), "review_writing": ("description", "reviewText")}[task]
    data = [
        {
            "user_id": name,
            "profile": [
                {"id": "p", fields[0]: "a bus", fields[1]: f"The {name} bus", "overall": "5", "summary": "a bus"}
            ],
            "query": [{"id": f"{name}-{n}", "input": "Write.", "gold": f"The {name} tram"} for n in range(2)],
        }
        for name in names
    ]
    (root / "data" / task).mkdir(parents=True, exist_ok=True)
    (root / "data" / task / USERS).write_text(json.dumps(data))
    sha256 = hashlib.sha256(json.dumps(data).encode()).hexdigest()
    plan = PLANNED_WITH | {"task": task, "data_sha256": sha256, "decode": decode, "fit": {"seed": seed}}
    (folder / "plan.json").write_text(json.dumps(plan | other))


def lose_author(folder, number: int) -> None:
    """Takes an author out of a run."""
    (folder / "controls" / f"{number:03}.json").unlink()
    results = json.loads((folder / "results.json").read_text())
    (folder / "results.json").write_text(json.dumps(results | {"users": results["users"] - 1}))


def test_runs_become_tables_and_records(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(study, "Attribution", partial(Attribution, kinds=("letters",)))
    for task in (TASK, "review_writing"):
        for seed in (0, 1):
            write_run(tmp_path, task, seed)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "controls.md").write_text((DOCS / "controls.md").read_text("utf-8"))
    given = [str(tmp_path / "runs"), "--data", str(tmp_path / "data"), "--docs", str(docs), "--machine", "a test"]
    assert importlib.import_module("make_controls").main(given) == 0
    assert "news_headline: 3 authors, 6 queries, seeds [0, 1]" in capsys.readouterr().out
    page, found = (docs / "controls.md").read_text("utf-8"), json.loads((docs / "controls.json").read_text("utf-8"))
    assert "with 3 authors, 6 queries and 2 seeds; product reviews" in page and "Machine: a test." in page
    assert "**Mean of the tasks**" in page and "12 of 18 (66.7%)" in page and "| cope over oppu |" in page
    assert "4 of the 15 planned runs are made, and nothing is decided" in page and "| not shown so far |" in page
    assert page.count("| result |") == 1 and "Measured with SmolLM2-135M-Instruct: news" in page
    assert "with the penalty that texts are written with, cope over oppu" in page.split("**Product reviews**")[2]
    assert page.count("(counted over 2 seeds)") == 4
    assert "Guards, `cope` over `oppu`, at most +0.02: repeated +0.0000 [+0.0000, +0.0000]; copied" in page
    for line in page.split("\n"):
        assert not line.startswith("|") or line.endswith("|")
    difference = found["pooled"]["differences"]["rougeL"]["cope over oppu"]
    assert difference["difference"] == 0 and difference["p"] == 1
    kept = sorted(path.name for path in (docs / "records" / "plan").iterdir())
    assert kept == [f"{task}-seed-{seed}.jsonl.gz" for task in (TASK, "review_writing") for seed in (0, 1)]
    # What is kept says the same once the runs are gone; a run that is not finished is left out.
    shutil.rmtree(tmp_path / "runs")
    write_run(tmp_path, TASK, 2)
    (tmp_path / "runs" / TASK / "seed-2" / "controls" / "001.json").unlink()
    assert importlib.import_module("make_controls").main(given) == 0
    assert json.loads((docs / "controls.json").read_text("utf-8")) == found
    assert f"{TASK}/seed-2 is not finished" in capsys.readouterr().err


def test_an_author_whom_a_seed_lacks_is_named_and_counts_nowhere(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "Attribution", partial(Attribution, kinds=("letters",)))
    write_run(tmp_path, TASK, 0)
    write_run(tmp_path, TASK, 1, skipped={"u2": "There was no memory."})
    lose_author(tmp_path / "runs" / TASK / "seed-1", 2)
    write_run(tmp_path, TASK, 7)  # no seed of the plan
    make_controls, records = importlib.import_module("make_controls"), tmp_path / "records"
    given = (
        tmp_path / "runs",
        tmp_path / "data",
        "a test",
        lambda plan: records if make_controls.is_planned(plan) else None,
    )
    make_controls.keep_runs(*given)
    assert f"{TASK}/seed-7 is not one of docs/PLAN.md" in capsys.readouterr().err
    found = make_controls.gather_controls(records)
    task = found["tasks"][TASK]
    assert (task["users"], task["seeds"], task["left_out"]) == (2, [0, 1], {"u2": "seed 1: There was no memory."})
    path = tmp_path / "data" / TASK / USERS
    path.write_text(path.read_text() + " ")
    with pytest.raises(CopeError, match="is not the file that news_headline/seed-0 was made from"):
        make_controls.keep_runs(*given)
    page = importlib.import_module("controls_text").fill_controls((DOCS / "controls.md").read_text("utf-8"), found)
    assert "Left out of every method: u2, news headlines (seed 1: There was no memory.)." in page
    assert "Authors found among 2 (chance 50%)" in page
    # Of two authors both the first place and the pairs say who of the two is likelier, whoever else was there.
    share = task["endpoints"]["identification"]["oppu"]["mean"]
    assert share == task["endpoints"]["identification pairwise"]["oppu"]["mean"]


def test_four_tasks_with_many_seeds_do_not_decide():
    """As docs/PLAN.md says: all five, each with its three seeds."""
    controls_text, study = importlib.import_module("controls_text"), {"differences": {}, "endpoints": {}}
    tasks = {task: {**study, "seeds": [0, 1, 2, 3]} for task in MEASURED[:4]}
    data = {"settings": PLANNED_WITH, "tasks": tasks, "pooled": study}
    assert "12 of the 15 planned runs are made, and nothing" in controls_text._decide(data)
    data["tasks"][MEASURED[4]] = {**study, "seeds": [0, 1, 5]}
    assert "14 of the 15" in controls_text._decide(data)
    data["tasks"][MEASURED[4]]["seeds"] = [0, 1, 2]
    assert "planned runs" not in controls_text._decide(data)


def test_the_published_page_is_what_the_published_numbers_make():
    page = (DOCS / "controls.md").read_text("utf-8")
    assert importlib.import_module("controls_text").fill_controls(page, read_controls()) == page


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["RUNS"], "Name the data"),
        (["RUNS", "--data", "D"], "where they were made with --machine"),
        (["RUNS", "--data", "D", "--machine", "M"], "no folder of a"),
    ],
)
def test_what_will_not_do_is_named(tmp_path, capsys, given, sentence):
    given = [str(tmp_path) if word == "RUNS" else word for word in given]
    assert importlib.import_module("make_controls").main([*given, "--docs", str(tmp_path)]) == 2
    assert sentence in capsys.readouterr().err
    with pytest.raises(CopeError, match="cannot be read"):
        read_replicate(tmp_path)
