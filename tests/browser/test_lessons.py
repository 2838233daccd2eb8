"""Lessons and links in a real browser: a press opens a lesson, each step shows its place, a link fills the controls."""

from dataclasses import replace

import pytest

from cope_demo.ui import links
from cope_demo.ui.panels import lessons
from tests.browser.conftest import DESKTOP, PHONE, TABLET, visit
from tests.browser.test_token_view import compare, sideways

LESSON = ".cope-lesson"
SIZES = {"1280": DESKTOP, "820": TABLET, "390": PHONE}
IN_SIGHT = """(() => {
  const { top, bottom } = document.querySelector('.cope-lesson').getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
})()"""
"""The text stays on the screen while the columns scroll under it."""
WORD_IN_SIGHT = """([method, index]) => {
  const word = document.querySelector(`.column[data-method="${method}"] [data-index="${index}"]`);
  const { left, top, width, height } = word.getClientRects()[0];
  const hit = document.elementFromPoint(left + width / 2, top + height / 2);
  return word.classList.contains('open') && (hit === word || word.contains(hit));
}"""
"""The word that a step speaks of: nothing lies over it, and it is that column's."""


def open_lesson(page, name):
    page.click(f".cope-lessons [data-id={name}]")
    page.wait_for_selector(f"{LESSON}:visible")


def plain(text):
    """A text without what sets a formula: V_head stands as Vhead on the page."""
    return text.replace("V_head", "Vhead").replace("\u03c0_", "\u03c0")


@pytest.mark.parametrize("size", SIZES)
def test_every_lesson_opens_and_shows_its_places(chromium, service, scripted_url, size):
    service.loaded = False  # a lesson needs no model
    with visit(chromium, scripted_url, SIZES[size]) as page:
        page.emulate_media(reduced_motion="reduce")
        for number, name in enumerate(lessons.ORDER):
            lesson = lessons.read_lesson(name)
            open_lesson(page, name)
            page.wait_for_selector(f"{LESSON} h3:has-text('Lesson {number + 1}')")
            page.wait_for_function(IN_SIGHT)
            assert page.evaluate("document.activeElement.className") == "cope-lesson"
            heads = [head.text_content() for head in page.query_selector_all(".cope-heatmap .column h3")]
            assert len(heads) == 3
            for at, step in enumerate(lesson.steps):
                assert page.text_content(f"{LESSON} .words") == plain(lesson.fill_text(step))
                assert page.text_content(f"{LESSON} .place") == f"{at + 1} of {len(lesson.steps)}"
                shows = step.get("show", "none")
                assert page.is_visible(".cope-steps .stage") == (shows == "steps")
                page.wait_for_function(IN_SIGHT)
                if shows in ("token", "suppose"):
                    page.wait_for_function(WORD_IN_SIGHT, arg=[step["column"], lesson.find_token(step)])
                if shows == "steps":
                    index = lesson.find_token(step)
                    assert page.text_content(".cope-steps .count").startswith(f"token {index + 1} of")
                    assert page.get_attribute(".cope-steps .stage", "data-phase") == str(step["phase"])
                if at < len(lesson.steps) - 1:
                    page.click(f"{LESSON} .next")
            assert page.is_disabled(f"{LESSON} .next") and sideways(page) <= 0
        page.click(f"{LESSON} .close")
        assert page.is_hidden(LESSON)


@pytest.mark.parametrize("size", SIZES)
def test_with_motion_a_lesson_arrives_too(chromium, service, scripted_url, size):
    """Two scrolls that begin at once end at one place: the lesson's text, and at its second step the word."""
    lesson = lessons.read_lesson("reward")
    with visit(chromium, scripted_url, SIZES[size]) as page:
        open_lesson(page, "reward")
        page.wait_for_timeout(1600)
        assert page.evaluate(IN_SIGHT)
        page.click(f"{LESSON} .next")
        page.wait_for_timeout(1000)
        step = lesson.steps[1]
        assert page.evaluate(IN_SIGHT) and page.evaluate(WORD_IN_SIGHT, [step["column"], lesson.find_token(step)])


def test_step_mode_agrees_with_the_lesson(chromium, service, scripted_url):
    lesson = lessons.read_lesson("reward")
    with visit(chromium, scripted_url) as page:
        open_lesson(page, "reward")
        for _ in lesson.steps[1:]:
            page.click(f"{LESSON} .next")
        facts = lesson.collect_facts(lesson.steps[-1])
        score, rival = (f"{facts[name]:.2f}".replace("-", "\u2212") for name in ("score", "favourite_score"))
        sentence = page.inner_text(".cope-steps .sentence")
        assert f"wins with {score} against {rival} for" in sentence and "overruled" in sentence
        assert page.text_content(".cope-steps li.won .r") == score


def test_run_it_live_fills_the_controls_and_runs_nothing(chromium, service, scripted_url, monkeypatch):
    given = links.from_lesson
    monkeypatch.setattr(links, "from_lesson", lambda lesson: replace(given(lesson), user="ada"))
    with visit(chromium, scripted_url) as page:
        page.click("[data-id=new]")
        page.wait_for_selector("[data-id=new][aria-checked=true]")
        open_lesson(page, "reward")
        page.click("text=Run it live")
        page.wait_for_selector("[data-id=ada][aria-checked=true]")
        page.wait_for_function("document.querySelector('#prompt textarea').value.includes('night bus')")
        assert page.input_value("#max_new_tokens input[type=number]") == "40"
        assert "Press Compare" in page.inner_text(".cope-opened") and page.is_visible(LESSON)
        assert service.closed == 0


def test_a_link_goes_round(chromium, service, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        assert page.is_hidden(".cope-link")
        page.fill("#prompt textarea", "Why ${1} & <b>?")
        page.fill("#alpha input[type=number]", "0.35")
        page.press("#alpha input[type=number]", "Tab")
        compare(page)
        page.click("text=Copy link")
        page.wait_for_selector(".cope-link p:has-text('opening it runs nothing')")
        link = page.input_value(".cope-link input")
        open_lesson(page, "alpha")
        page.click("text=Copy link")
        assert page.input_value(".cope-link input").endswith("/?lesson=alpha")
    done = service.closed
    with visit(chromium, link) as page:
        page.wait_for_function("document.querySelector('#prompt textarea').value.startsWith('Why ${1} & <b>')")
        assert page.input_value("#alpha input[type=number]") == "0.35"
        assert "Ada, the prompt and the settings are filled in" in page.inner_text(".cope-opened")
        assert service.closed == done and page.query_selector(".tok") is None
        assert "Press Compare" in page.inner_text(".cope-heatmap .status >> nth=0")
        page.wait_for_function("document.activeElement.id === 'compare'")
        page.wait_for_function("document.querySelector('#compare').getBoundingClientRect().bottom < innerHeight")
    with visit(chromium, f"{scripted_url}?lesson=alpha") as page:
        page.wait_for_selector(f"{LESSON} h3:has-text('Lesson 3')")
        page.wait_for_timeout(1500)
        assert page.evaluate(IN_SIGHT)
    with visit(chromium, f"{scripted_url}?user=somebody-else&alpha=0.3") as page:
        page.wait_for_selector(".cope-opened .problem")
        assert "not a sample user" in page.inner_text(".cope-opened") and page.is_visible("[data-id=ada]")
