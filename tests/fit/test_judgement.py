"""What a fit can and cannot do, in one sentence, by its report's numbers."""

import pytest

from cope_demo.fit.judgement import judge_fit


def report(base=6.0, cope=6.0, right=0.5, base_right=0.25) -> dict:
    bits = {"base": base, "oppu": base, "cope": cope}
    return {"bits_per_token": bits, "pairs_right": {"base": base_right, "cope": right}}


@pytest.mark.parametrize(
    "saved,right,said",
    [
        (0.15, 0.75, "This fit writes with your words and tells your texts from base’s, but it cannot know what comes"),
        (0.15, 0.74, "This fit knows your words, but does not yet tell your texts from base’s, and it cannot know"),
        (0.14, 0.75, "This fit tells your texts from base’s and has picked up some of your words, but it cannot"),
        (0.03, 0.5, "This fit has picked up some of your words, but cannot tell your texts from base’s, and it"),
        (0.02, 0.9, "This fit tells your texts from base’s, but it has not learned your words, and it cannot know"),
        (-0.1, 0.5, "This fit has not learned your words and cannot tell your texts from base’s; more texts may help."),
    ],
)
def test_the_rules_at_their_edges(saved, right, said):
    assert judge_fit(report(base=10.0, cope=10.0 * (1 - saved) - 1e-9, right=right), "your").startswith(said)


def test_who_ranks_no_better_than_base_does_not_tell_apart():
    assert "does not yet tell" in judge_fit(report(6.0, 4.0, right=0.9, base_right=0.9), "your")


def test_what_is_left_is_said_in_tokens():
    said = judge_fit(report(6.0, 4.0, right=1.0), "Ines’s")
    assert said.endswith("as between 16 equally likely tokens.") and "with Ines’s words" in said
