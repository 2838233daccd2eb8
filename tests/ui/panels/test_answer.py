"""The one sentence on whether it works: it says what the numbers bear out, and on how many authors."""

import pytest

from cope_demo.ui.panels.answer import answer_question


def publish(tam, oppu) -> dict:
    """Two tasks whose mean has these gains and intervals over TAM and OPPU."""
    gains = {"tam": tam, "oppu": oppu}
    pooled = {
        "tasks": ["news_headline", "review_writing"],
        "methods": {"cope": {}},
        "relative_gain": {over: {"cope": {"rougeL": gain}} for over, (gain, _) in gains.items()},
        "relative_gain_ci95": {over: {"cope": {"rougeL": span}} for over, (_, span) in gains.items()},
    }
    task = {"users": 12, "methods": {"cope": {}}}
    return {"tasks": {name: task for name in pooled["tasks"]}, "pooled": pooled}


SURE, UNSURE, WORSE = (0.105, [0.02, 0.2]), (0.0004, [-0.02, 0.02]), (-0.03, [-0.05, -0.01])


@pytest.mark.parametrize(
    "tam,oppu,opening",
    [
        (SURE, SURE, "Yes"),
        (SURE, UNSURE, "In part"),
        (SURE, WORSE, "In part"),
        (UNSURE, UNSURE, "It cannot be told yet"),
        (WORSE, UNSURE, "It cannot be told yet"),
        (WORSE, WORSE, "No"),
    ],
)
def test_the_opening_follows_from_both_comparisons(tam, oppu, opening):
    said = answer_question(publish(tam, oppu), {"tasks": {}})["sentence"]
    assert said.startswith(f"{opening}: what CoPe writes is ")
    assert said.count("more than chance explains") == sum(one is not UNSURE for one in (tam, oppu))


def test_the_sentence_has_both_figures_and_what_they_rest_on():
    answer = answer_question(publish(SURE, UNSURE), {"tasks": {"news_headline": {"users": 4}}})
    assert answer["sentence"] == (
        "In part: what CoPe writes is 10.5\u202f% nearer to the author’s own words than that of a model that knows "
        "only the kind of writing, more than chance explains, and no nearer than that of a plain fit on the author’s "
        "texts (OPPU)."
    )
    assert answer["rests"] == (
        "It rests on 24 authors of 2 kinds of writing, by the words that both texts share (ROUGE-L); the controls "
        "below on 4 authors of one kind of writing."
    )


def test_one_task_alone_is_told_of_and_none_of_nothing():
    one = publish(UNSURE, UNSURE)
    alone = {"tasks": {"news_headline": {**one["pooled"], "users": 3}}, "pooled": None}
    assert "on 3 authors of one kind of writing" in answer_question(alone, {"tasks": {}})["rests"]
    assert answer_question({"tasks": {}}, {"tasks": {}}) is None
