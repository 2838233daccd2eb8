"""Who wrote a text, from scores by author."""

from cope_demo.evaluation.identification import rank_author, subtract_base


def test_the_author_with_the_highest_score_is_found():
    scores = {"ann": [3.0, 1.0, 2.0], "bob": [1.0, 2.0, 2.0], "cy": [2.0, 3.0, 0.0]}
    first, pairwise = rank_author(scores, "ann")
    assert first == [1.0, 0.0, 0.5] and pairwise == [1.0, 0.0, 0.75]


def test_scores_are_means_of_a_token_over_base():
    assert subtract_base({"ann": [-10.0, -6.0]}, [-20.0, -9.0], [10, 3]) == {"ann": [1.0, 1.0]}
