"""What the panel shows of a fit's looks at its model."""

from cope_demo.fit import watching as looks
from cope_demo.ui.panels.watching import LOOKS, PLACES, describe_watched


def event(stage, step, of, written="eleven"):
    watched = {"prompt": "Write a post about spoons.", "tokens": [["spoons", 4.5]], "written": written}
    return {"stage": stage, "step": step, "of": of, "watched": watched}


def test_looks_have_their_place_from_base_to_the_fit_s_end():
    plain = {"stage": "oppu", "step": 1, "of": 9, "loss": 2.0}
    events = [event("oppu", 0, 9), plain, event("oppu", 3, 9, None), event("oppu", 9, 9), event("dpo", 3, 3)]
    described = describe_watched(events)
    assert [(look["at"], look["label"]) for look in described["looks"]] == [
        (1, "base, before the first step"), (2, "OPPU, step 3 of 9"), (4, "after OPPU"), (6, "after DPO")
    ]  # fmt: skip
    assert described["prompt"] == "Write a post about spoons." and described["of"] == PLACES == 6
    assert [look["written"] for look in described["looks"]] == ["eleven", None, "eleven", "eleven"]


def test_a_fit_at_which_nobody_looked_shows_none():
    assert describe_watched([{"stage": "oppu", "step": 1, "of": 9}]) is None


def test_the_axis_has_room_for_every_look():
    assert {stage: count for stage, (_, count) in LOOKS.items()} == looks.LOOKS
