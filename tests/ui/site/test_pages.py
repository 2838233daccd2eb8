"""The pages as HTML: nothing of a card becomes markup, and what a component shows is data."""

import json
import re

import pytest

from cope_demo.saved.store import Card, Store
from cope_demo.ui.panels import lessons
from cope_demo.ui.site import comparisons, pages
from tests.scripted import HOSTILE, messages

CARDS = Store().samples()


def read_data(html: str) -> dict:
    return json.loads(re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1])


def test_every_lesson_and_comparison_has_a_page_with_a_title_of_its_own():
    made = pages.make_pages(CARDS)
    wanted = {f"{name}.html" for card in CARDS for name in comparisons.list_names(card)}
    assert set(made) == wanted | {f"lesson-{name}.html" for name in lessons.ORDER} | {"index.html", "evidence.html"}
    assert len({page.title for page in made.values()}) == len(made)
    index = made["index.html"].render()
    assert all(f'href="{file}"' in index for file in made)


def test_a_lessons_page_holds_what_the_app_opens():
    html = pages.make_lesson("plausible-head").render()
    assert read_data(html)["value"] == lessons.render_lesson("plausible-head")
    assert "<title>Lesson 2: Why V_head is needed</title>" in html
    assert (
        '<a href="lesson-plausible-head.html" aria-current="page">2 Why <i>V</i><sub>head</sub> is needed</a>' in html
    )
    assert html.count('aria-current="page"') == 1 and 'href="lesson-alpha.html">lesson 3' in html


def test_a_comparisons_page_says_how_it_was_made():
    html = pages.make_comparison(CARDS[0], "ines-2").render()
    start = messages(read_data(html)["value"])[0]
    assert start["who"] == "Ines" and start["prompt"] == CARDS[0].prompts[1]
    assert "alpha 0.1, tau 0.1, repetition penalty 1.1, temperature 0, at most 50 tokens" in html


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.isprintable()])
def test_hostile_cards_stay_text(text):
    card = Card("ines", f"{text} x", text, text, "free_writing", (text, text, text), True)
    for html in (pages.make_index([card]).render(), pages.make_comparison(card, "ines-1").render()):
        assert html.count("<script") == html.count("</script>") <= 3
        assert "<img" not in html and not re.search(r"<[^>]*\son\w+=", html)
