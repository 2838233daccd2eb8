"""What the page says of another model beside the embedded one."""

import json

from cope_demo.evaluation.families import QUANTITIES
from cope_demo.evaluation.hypotheses import WRITTEN
from cope_demo.ui.panels.evidence_families import ALPHA, FOUND, describe_families
from tests.evaluation.test_published import NEWS


def make_quantity(endpoint: str, own: str, over: str, embedded: float, other: float, span: tuple) -> dict:
    """A quantity with both means, 0.1 on either side, and the interval of their difference."""
    means = {
        kind: {"mean": value, "ci95": [round(value - 0.1, 3), round(value + 0.1, 3)]}
        for kind, value in (("embedded", embedded), ("other", other))
    }
    difference = {"mean": round(other - embedded, 3), "ci95": list(span)}
    return {"endpoint": endpoint, "own": own, "over": over, "says": "", **means, "difference": difference, "p": 0.5}


COMPARISON = {
    "task": NEWS,
    "models": {"embedded": "Small-135M@1", "other": "Large-1B@2"},
    "users": 8,
    "queries": 80,
    "seeds": [0],
    "fit": {},
    "machine": "a test",
    "quantities": [
        make_quantity(*FOUND, 0.7, 0.85, (0.02, 0.3)),
        make_quantity("changed", f"oppu alpha {ALPHA}", "", 0.3, 0.35, (-0.1, 0.2)),
        make_quantity(WRITTEN, "cope", "oppu", 0.012, -0.003, (-0.05, 0.02)),
    ],
    "flips": {
        ALPHA: {
            "embedded": {"gained": 1, "lost": 3, "right": 0.25, "ci95": [0.1, 0.4]},
            "other": {"gained": 0, "lost": 0, "right": None, "ci95": None},
        }
    },
}
"""A comparison of two models, as far as the panel reads it."""


def test_another_model_is_told_beside_the_embedded_one():
    (shown,) = json.loads(json.dumps(describe_families({"comparisons": [COMPARISON]})))
    assert shown["label"] == "News headlines: Large-1B" and shown["rows"] == []
    assert "Large-1B and Small-135M on the same 8 authors (80 of their texts, one fit each)" in shown["lead"]
    assert "finds the text likelier in 85\u202f% of the cases (Small-135M: 70\u202f%)" in shown["lead"]
    assert "The difference is more than chance explains. CoPe’s lead over OPPU" in shown["lead"]
    assert shown["lead"].endswith("by letters: −0.3 points (Small-135M: 1.2 points). The difference may be chance.")
    found, changed, right = shown["figures"]
    assert [(row["name"], row["value"]) for row in found["rows"]] == [("Small-135M", 0.7), ("Large-1B", 0.85)]
    assert found["lines"] == [{"name": "chance", "value": 0.5}] and changed["lines"] == []
    assert [(row["low"], row["high"]) for row in changed["rows"]] == [(0.2, 0.4), (0.25, 0.45)]
    assert [(row["name"], row["value"]) for row in right["rows"]] == [
        ("Small-135M", 0.25)
    ]  # the other has no such token


def test_one_author_alone_has_no_interval_and_no_verdict():
    one = json.loads(json.dumps(COMPARISON))
    for quantity in one["quantities"]:
        for kind in ("embedded", "other", "difference"):
            quantity[kind]["ci95"] = [None, None]
    (shown,) = describe_families({"comparisons": [one]})
    assert "chance" not in shown["lead"].replace("by chance", "")
    assert {(row["low"], row["high"]) for row in shown["figures"][0]["rows"]} == {(0.7, 0.7), (0.85, 0.85)}


def test_what_is_told_is_what_is_compared():
    told = {FOUND, (WRITTEN, "cope", "oppu"), ("changed", f"oppu alpha {ALPHA}", "")}
    assert told <= {(one.endpoint, one.own, one.over) for one in QUANTITIES}


def test_without_another_model_there_is_nothing_to_tell():
    assert describe_families({"comparisons": []}) == []
