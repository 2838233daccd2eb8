"""Two models on the same authors: each number is paired by author, and what is not alike is refused."""

import importlib
import json
from dataclasses import replace
from functools import partial

import pytest

from cope_demo.errors import CopeError
from cope_demo.evaluation import study
from cope_demo.evaluation.attribution import Attribution
from cope_demo.evaluation.endpoints import Replicate
from cope_demo.evaluation.families import compare_families
from cope_demo.evaluation.published import read_families
from cope_demo.evaluation.records import RunRecord
from tests.evaluation.test_study_text import DOCS, TASK, scripts, write_run  # noqa: F401

RULE = "oppu alpha 0.1"
PLAN = {"task": TASK, "data_sha256": "1", "decode": {"alpha": 0.1}, "fit": {"seed": 0, "stacked_learning_rate": 5e-4}}


def make_record(author: str, others: str, own: float, right: dict[str, str], changed: str, cope: float) -> dict:
    """One query of four tokens: log pi by the own adapters is `own`, by others' -6; letters of OPPU are 0.5."""
    logps = {name: {one: [own if one == author else -6.0] for one in others} for name in ("oppu", "cope")}
    return {
        "author": author,
        "queries": [f"{author}-0"],
        "tokens": [4],
        "base_logps": [-8.0],
        "logps": logps,
        "swapped_right": {},
        "pairs": {},
        "right": {name: [bits] for name, bits in right.items()},
        "changed": {name: [changed if name == RULE else "0000"] for name in right},
        "written": [],
        "endpoints": {"attribution by letters pairwise": {"oppu": [0.5], "cope": [cope]}},
    }


def make_run(
    model: str, authors: str = "abc", seed: int = 0, cope: float = 0.5, own: float = -4.0, **plan
) -> RunRecord:
    """Of the first author contrast makes a token right, of the second one wrong and two right, of others nothing."""
    right = {"oppu": "0100", RULE: "0110"}, {"oppu": "0100", RULE: "1010"}, {"oppu": "0100", RULE: "0100"}
    changed = "0010", "1110", "0000"
    records = {
        author: make_record(author, authors, own, right[min(n, 2)], changed[min(n, 2)], cope)
        for n, author in enumerate(authors)
    }
    return RunRecord(PLAN | {"model": model} | plan, f"a machine of {model}", Replicate(seed, records))


def find(found: dict, endpoint: str, own: str, over: str = "") -> dict:
    """One quantity."""
    return next(
        one for one in found["quantities"] if (one["endpoint"], one["own"], one["over"]) == (endpoint, own, over)
    )


def test_each_number_is_paired_on_the_authors_that_both_have():
    found = compare_families(
        [make_run("small", "abcd"), make_run("small", "abcd", seed=3, cope=9.0)],
        [make_run("large", cope=0.75, own=-7.0)],
    )
    assert (found["users"], found["queries"], found["seeds"], found["machine"]) == (3, 3, [0], "a machine of large")
    pairs = find(found, "identification pairwise", "oppu")
    assert (pairs["embedded"]["mean"], pairs["other"]["mean"], pairs["difference"]["mean"]) == (1, 0, -1)
    lead = find(found, "attribution by letters pairwise", "cope", "oppu")
    assert lead["embedded"] == {"mean": 0, "ci95": [0, 0]} and lead["other"]["mean"] == 0.25
    assert lead["difference"] == {"mean": 0.25, "ci95": [0.25, 0.25]} and lead["p"] == 0.25
    changed = find(found, "changed", RULE)
    assert changed["embedded"]["mean"] == changed["other"]["mean"] == pytest.approx(4 / 12, abs=1e-5)
    assert not any(one["own"] == "oppu alpha 0.5" for one in found["quantities"])  # nobody measured it


def test_flips_tell_what_became_right_of_those_that_one_side_has_right():
    one = compare_families([make_run("small")], [make_run("large")])["flips"]["0.1"]["other"]
    assert (one["tokens"], one["changed"], one["gained"], one["lost"]) == (12, 4, 3, 1)
    low, high = one["ci95"]
    assert one["right"] == 0.75 and low < 0.75 < high
    none = compare_families([make_run("small")], [make_run("large")])["flips"]["0.5"]["other"]
    assert none["right"] is None and none["ci95"] is None


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (make_run("large", seed=1), "no seed in common"),
        (make_run("large", "xyz"), "no author in common"),
        (make_run("large", data_sha256="2"), "differ in data_sha256"),
        (make_run("large", decode={"alpha": 0.3}), "differ in alpha"),
    ],
)
def test_what_cannot_be_compared_is_refused(other, sentence):
    with pytest.raises(CopeError, match=sentence):
        compare_families([make_run("small")], [other])


def test_what_differs_in_the_fits_is_told():
    other = make_run("large")
    fit = PLAN["fit"] | {"stacked_learning_rate": 2e-4, "seed": 1}
    other = replace(other, plan=other.plan | {"fit": fit})
    assert compare_families([make_run("small")], [other])["fit"] == {"stacked_learning_rate": [5e-4, 2e-4]}


def test_runs_of_another_model_become_tables_and_records(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "Attribution", partial(Attribution, kinds=("letters",)))
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("controls.md", "families.md"):
        (docs / name).write_text((DOCS / name).read_text("utf-8"))
    given = ["--data", str(tmp_path / "data"), "--docs", str(docs), "--machine", "a test"]
    families = importlib.import_module("make_families")
    write_run(tmp_path / "second", TASK, 0, model="Large-1B@2")
    (tmp_path / "second" / "data").rename(tmp_path / "data")
    assert families.main([str(tmp_path / "second" / "runs"), *given]) == 2
    assert "The embedded model has no run of news_headline" in capsys.readouterr().err
    write_run(tmp_path, TASK, 0)
    assert importlib.import_module("make_controls").main([str(tmp_path / "runs"), *given]) == 0
    assert families.main(given) == 0
    assert "Large-1B, news_headline: 3 authors, seeds [0]" in capsys.readouterr().out
    assert [path.name for path in (docs / "records" / "families").iterdir()] == ["Large-1B"]
    (one,) = json.loads((docs / "families.json").read_text("utf-8"))["comparisons"]
    assert {number["p"] for number in one["quantities"]} == {1} and one["models"]["other"] == "Large-1B@2"
    page = (docs / "families.md").read_text("utf-8")
    assert (
        "### News headlines: Large-1B beside SmolLM2-135M-Instruct" in page
        and "seed 0. Machine of Large-1B: a test." in page
    )
    for line in page.split("\n"):
        assert not line.startswith("|") or line.endswith("|")


def test_the_published_page_is_what_the_published_numbers_make():
    page = (DOCS / "families.md").read_text("utf-8")
    assert importlib.import_module("families_text").fill_families(page, read_families()) == page
