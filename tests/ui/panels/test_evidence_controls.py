"""What the page says of the controls: whose texts what was written looks like, and what an adapter knows."""

import json

import pytest

from cope_demo.evaluation.hypotheses import PLANNED, PLANNED_WITH, WRITTEN
from cope_demo.ui.panels.evidence_controls import describe_controls, describe_written
from tests.evaluation.test_published import NEWS, REVIEWS

STUDY = {
    "users": 4,
    "queries": 12,
    "endpoints": {
        "nats": {"tam": {"mean": -3.5}, "oppu": {"mean": -3.4}, "oppu swapped": {"mean": -3.6}},
        "identification": {"oppu": {"mean": 0.5, "ci95": [0.2, 0.8]}},
        "agreement": {"tam": {"mean": 0.36}, "oppu": {"mean": 0.37}},
        WRITTEN: {
            "tam": {"mean": 0.6, "ci95": [0.35, 0.85]},
            "oppu": {"mean": 0.7, "ci95": [0.6, 0.8]},
            "cope": {"mean": 0.72, "ci95": [0.62, 0.82]},
            "gold": {"mean": 0.9, "ci95": [0.8, 1.01]},
        },
    },
    "differences": {
        WRITTEN: {
            "oppu over tam": {"difference": 0.1, "ci95": [0.04, 0.16]},
            "cope over oppu": {"difference": -0.013, "ci95": [-0.03, 0.004]},
        }
    },
    "seeds": [0, 7],
    "flips": {"oppu alpha 0.1": {"tokens": 200, "changed": 3, "gained": 1, "lost": 2}},
}
"""A study of controls, as far as the panel reads it."""


def test_controls_say_what_an_adapter_knows():
    (shown,) = json.loads(json.dumps(describe_controls({"tasks": {NEWS: STUDY}})))
    assert "(by chance for 25\u202f%)" in shown["lead"]
    assert "12 of their own unseen texts, each read with the adapters of 2 fits, which are counted" in shown["lead"]
    assert "For 50\u202f% of them, of all 4 adapters, the author’s own" in shown["lead"]
    assert "alpha 0.1 changes 1.5\u202f% of OPPU’s next tokens: 1 become the author’s own, 2 were." in shown["lead"]
    assert [row["values"] for row in shown["rows"]] == [
        [-3.5, None, None, 0.36],
        [-3.4, 0.5, None, 0.37],
        [-3.6, None, None, None],
    ]
    written, flips, found = shown["figures"]
    row = {"name": "OPPU", "what": "the author’s own", "kind": "below", "value": 0.5, "low": 0.2, "high": 0.8}
    assert found["rows"] == [row]
    assert found["lines"] == [{"name": "chance", "value": 0.25}] and found["start"] == 0.1
    assert [(row["name"], row["kind"]) for row in written["rows"]] == [
        ("TAM", ""),
        ("OPPU", "below"),
        ("CoPe", "above"),
        ("The author", ""),
    ]
    assert written["lines"][0]["value"] == 0.5 and written["start"] == 0.25
    assert flips["flips"] == [{"name": "alpha 0.1", "gained": 1, "lost": 2, "of": 3}]
    assert describe_controls({"tasks": {}}) == []


def test_one_task_tells_whose_texts_are_written():
    data = {"settings": PLANNED_WITH, "tasks": {NEWS: STUDY}, "pooled": None}
    shown = json.loads(json.dumps(describe_written(data)))
    assert "what CoPe wrote is nearer to its author’s in 72\u202f% of the cases" in shown["lead"]
    assert "OPPU is 10.0 points ahead of TAM (+4.0 to +16.0), more than chance explains." in shown["lead"]
    assert "CoPe is 1.3 points behind OPPU (−3.0 to +0.4), which may be chance." in shown["lead"]
    assert shown["rests"] == (
        "4 authors of one kind of writing; 1 of the 15 planned runs are made, and nothing is decided before all are."
    )
    assert len(shown["figure"]["rows"]) == 4
    other = describe_written(data | {"settings": PLANNED_WITH | {"model": "another"}})
    assert "; 0 of the 15 planned runs are made, and nothing is decided" in other["rests"]


def test_several_tasks_are_told_of_by_their_mean():
    mean = {"endpoints": {WRITTEN: {"cope": {"mean": 0.8, "ci95": [0.7, 0.9]}}}, "differences": {}}
    studies = {task: {**STUDY, "seeds": [seed for one, seed in PLANNED if one == task]} for task, _ in PLANNED}
    shown = describe_written({"settings": PLANNED_WITH, "tasks": studies, "pooled": mean})
    assert "in 80\u202f% of the cases" in shown["lead"] and len(shown["figure"]["rows"]) == 1
    assert shown["rests"] == "20 authors of 5 kinds of writing; 15 of the 15 planned runs are made."


@pytest.mark.parametrize("tasks", [{}, {NEWS: STUDY, REVIEWS: STUDY}, {NEWS: {**STUDY, "endpoints": {}}}])
def test_without_a_mean_or_cope_nothing_is_told(tasks):
    assert describe_written({"tasks": tasks, "pooled": None}) is None
