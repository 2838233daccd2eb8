"""Step 4 in a real browser over a scripted service: two texts, their heatmap, the verdict, and what is refused."""

from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, visit
from tests.scripted import HOSTILE

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
VIEW = "#score-view .cope-heatmap"


def score(page, first, second=""):
    page.fill("#text-a textarea", first)
    page.fill("#text-b textarea", second)
    page.click("#score")
    page.wait_for_selector("#score:not([disabled])")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_two_texts_get_a_verdict(chromium, scripted_url, size, dark):
    with visit(chromium, scripted_url, size, dark) as page:
        assert page.is_hidden(f"{VIEW} .legend")  # nothing to explain yet
        score(page, "LOUD HATS " * 20, f"{HOSTILE[0]} and so on, quietly, until the very end of it all " * 3)
        page.wait_for_selector(".cope-verdict .lead")
        assert page.inner_text(".cope-verdict .lead").startswith("Text A sounds more like Ada than text B")
        assert [head.inner_text() for head in page.query_selector_all(f"{VIEW} h3")] == ["Text A", "Text B"]
        tokens = page.query_selector_all(f"{VIEW} .column[data-method=b] .tok")
        assert tokens[0].inner_text() == "<img" and len(tokens) == 43
        assert len(page.query_selector_all(".cope-verdict tbody tr")) == 2
        asked = page.inner_text(".cope-verdict .asked >> nth=1")
        assert asked == "Text B read as an answer to: Write a post about <img."
        assert page.query_selector(".cope img") is None and page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        boxes = [column.bounding_box() for column in page.query_selector_all(f"{VIEW} .column")]
        assert (boxes[0]["y"] < boxes[1]["y"]) == (size is PHONE)


def test_the_two_views_do_not_share_their_colours(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        score(page, "LOUD HATS " * 20)
        page.wait_for_selector(f"{VIEW} .column.ended")
        page.select_option(f"{VIEW} .choice select", "reward")
        chosen = "[...document.querySelectorAll('.cope-heatmap .choice select')].map(choice => choice.value)"
        assert page.evaluate(chosen) == ["difference", "reward"]


def test_what_cannot_be_scored_is_said(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        score(page, "  ")
        page.wait_for_selector(".cope-verdict .problem")
        assert "paste one into Text A" in page.inner_text(".cope-verdict .problem")
        score(page, "LOUD HATS " * 20)
        page.wait_for_selector(".cope-verdict .lead")
        page.click("[data-id=new]")  # another person: the old verdict is theirs no more
        page.wait_for_selector(".cope-verdict .lead", state="detached")
        page.click("#score")
        page.wait_for_selector(".cope-verdict .problem")
        assert "Fit this writing first" in page.inner_text(".cope-verdict .problem")


def test_an_example_fills_both_boxes(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.click("#score-example")
        page.wait_for_function("document.querySelector('#text-a textarea').value.startsWith('My own words')")
        assert page.input_value("#text-b textarea") == "I am excited to share ${1+1}."
        assert page.input_value("#score-prompt textarea") == "Write a post about seam 3."
