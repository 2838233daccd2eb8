from pathlib import Path

import pytest

from cope_demo.evaluation.hypotheses import (
    GUARDS,
    MOST,
    PLANNED,
    PLANNED_WITH,
    PRIMARY,
    SECONDARY,
    adjust_holm,
    find_guards,
    judge_hypotheses,
    list_made,
)
from cope_demo.evaluation.study_summary import PAIRS
from cope_demo.model.embedded import EMBEDDED, EMBEDDED_SHA256

PLAN = Path(__file__).parents[2] / "docs" / "PLAN.md"
NO_GUARD_ROSE = dict.fromkeys(GUARDS, 0.0)


def make_study(p_values, guards=NO_GUARD_ROSE):
    """A study with these hypotheses' differences, all 0.1, and their p, and those of the guards."""
    differences = {name: {PRIMARY.pair: {"difference": value}} for name, value in guards.items()}
    for one, p in p_values.items():
        numbers = {"difference": 0.1, "ci95": [0.0, 0.2], "p": p}
        differences.setdefault(one.endpoint, {})[one.pair] = numbers
    return {"differences": differences}


def test_holm_multiplies_by_how_many_are_left_and_never_falls():
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm([0.9, 0.8]) == [1.0, 1.0]
    assert adjust_holm([]) == []


def test_the_primary_hypothesis_is_not_adjusted_and_the_others_are():
    judged = judge_hypotheses(make_study({PRIMARY: 0.04, SECONDARY[0]: 0.02, SECONDARY[1]: 0.04, SECONDARY[7]: 0.03}))
    assert [row["primary"] for row in judged] == [True, False, False, False]
    assert [row["adjusted"] for row in judged] == [0.04, 0.06, 0.06, 0.06]
    assert [row["holds"] for row in judged] == [True, False, False, False]


def test_a_difference_below_zero_does_not_hold():
    study = make_study({PRIMARY: 0.001})
    study["differences"][PRIMARY.endpoint][PRIMARY.pair]["difference"] = -0.1
    (judged,) = judge_hypotheses(study)
    assert judged["contrary"] and not judged["holds"]


def test_texts_that_repeat_themselves_or_the_history_are_no_success():
    p_values = {PRIMARY: 0.001, SECONDARY[0]: 0.001}
    assert [row["holds"] for row in judge_hypotheses(make_study(p_values))] == [True, True]
    for guards in ({"repeated": 0.0, "copied": 0.021}, {"repeated": 0.03, "copied": -0.5}, {"repeated": 0.0}):
        study = make_study(p_values, guards)
        assert [row["holds"] for row in judge_hypotheses(study)] == [False, True]
        assert {name: one["difference"] for name, one in find_guards(study).items()} == guards


def test_every_hypothesis_is_compared_by_a_study_and_stands_in_the_plan():
    plan = PLAN.read_text("utf-8")
    for one in (PRIMARY, *SECONDARY):
        assert (one.own, one.over) in PAIRS
        assert f"| `{one.own}` over `{one.over}` | {one.endpoint} |" in plan
    assert all(f"`{name}`" in plan for name in GUARDS) and f"more than {MOST:g} over" in plan


def test_runs_that_are_not_planned_decide_nothing():
    assert len(PLANNED) == len(set(PLANNED)) == 15 and "Seeds.** 0, 1 and 2," in PLAN.read_text("utf-8")
    made = {"news_headline": {"seeds": [1, 3]}, "another_task": {"seeds": [0]}}
    assert list_made({"settings": PLANNED_WITH, "tasks": made}) == [("news_headline", 1)]
    for name in PLANNED_WITH:
        assert list_made({"settings": PLANNED_WITH | {name: "another"}, "tasks": made}) == []


def test_the_plan_is_for_the_embedded_model():
    assert PLANNED_WITH["model"] == f"{EMBEDDED}@{EMBEDDED_SHA256[:16]}"
    assert "in float32 on every machine" in PLAN.read_text("utf-8")
