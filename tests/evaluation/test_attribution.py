"""Attribution by letters and by their shapes."""

import pytest

from cope_demo.evaluation.attribution import Attribution, hide_content
from cope_demo.evaluation.identification import rank_author

LOUD = [f"THE {word} IS HERE!!!" for word in ("BUS", "GOOSE", "KETTLE", "LAMP")]
QUIET = [f"so, the {word} is here ..." for word in ("bus", "goose", "kettle", "lamp")]


@pytest.fixture(scope="module")
def attribution() -> Attribution:
    return Attribution({"loud": LOUD, "quiet": QUIET}, kinds=("letters", "shapes"))


@pytest.mark.parametrize("kind", ["letters", "shapes"])
def test_a_text_is_nearest_to_who_writes_like_it(attribution, kind):
    scores = attribution.score(["A TRAM IS HERE!!!", "so, a tram is late ..."], kind)
    assert rank_author(scores, "loud")[0] == [1.0, 0.0] and rank_author(scores, "quiet")[0] == [0.0, 1.0]
    assert max(scores["loud"]) <= 1.0001


def test_content_is_hidden_and_shape_is_kept():
    assert hide_content("The 19 bus, and Zoë's HAT") == "The 00 xxx, and Xxx'x XXX"


def test_without_content_words_do_not_count(attribution):
    one, other = attribution.score(["the bus is here", "the fox is here"], "shapes")["quiet"]
    assert one == pytest.approx(other)
    one, other = attribution.score(["the bus is here", "the fox is here"], "letters")["quiet"]
    assert one != pytest.approx(other)


def test_an_empty_text_is_near_to_nobody(attribution):
    assert attribution.score([""], "letters") == {"loud": [0.0], "quiet": [0.0]}
