"""Presenter mode and predictions in a real browser, from the site's files: one key goes on, answers stay."""

import json

import pytest

from cope_demo.ui.panels import lessons
from tests.browser.conftest import PHONE
from tests.browser.test_axe import violations

SHOW = ".cope-present"
MOVES = """document.getAnimations().flatMap((one) => one instanceof CSSTransition ? [one.transitionProperty]
  : one.effect.getKeyframes().flatMap((frame) => Object.keys(frame)))
  .filter((key) => !['offset', 'computedOffset', 'easing', 'composite'].includes(key))"""
"""What is being animated: the names of the properties."""
OVERFLOWS = """[...document.querySelectorAll('.cope-present :is(.said, .cope-figure, .decision)')].filter(
  (node) => node.scrollHeight > node.clientHeight + 1).map((node) => node.className)"""


def present(page, site, name="reward"):
    page.goto(f"{site}/lesson-{name}.html")
    page.click(".cope-lesson .present")
    page.wait_for_selector(f"{SHOW}[open]")


def place(page):
    return page.text_content(f"{SHOW} .place")


def test_one_key_goes_through_a_lesson_and_asks_before_it_tells(offline, site):
    present(offline, site)
    total = len(lessons.read_lesson("reward").steps)
    for at in range(total):
        assert place(offline) == f"{at + 1} of {total}"
        if at < total - 1:
            offline.keyboard.press(["PageDown", "ArrowRight", " "][at % 3])
    assert offline.inner_text(f"{SHOW} mark").strip() == "?" and "stopped" not in offline.inner_text(f"{SHOW} .passage")
    assert offline.is_hidden(f"{SHOW} .words") and offline.inner_text(f"{SHOW} .which") == "Which word will CoPe take?"
    offline.click(f"{SHOW} .option >> nth=0")
    offline.fill(f"{SHOW} .hands input >> nth=0", "12")
    offline.fill(f"{SHOW} .hands input >> nth=1", "3")
    assert offline.inner_text(f"{SHOW} .hands .bar b >> nth=0") == "80\u202f%"
    offline.keyboard.press("PageDown")  # a clicker's key, also out of a field
    assert "CoPe took \u2018stopped\u2019. 3\u00a0hands of 15 went up for it." in offline.inner_text(f"{SHOW} .verdict")
    assert "CoPe writes" in offline.inner_text(f"{SHOW} .words") and offline.inner_text(f"{SHOW} mark") == " stopped"
    offline.keyboard.press("PageUp")
    assert offline.is_hidden(f"{SHOW} .verdict")
    offline.keyboard.press("Escape")
    assert offline.is_hidden(SHOW)
    last = f"{total} of {total}"  # once the story has been scrolled there
    offline.wait_for_function("last => document.querySelector('.cope-lesson .place').textContent === last", arg=last)
    offline.reload()
    kept = json.loads(offline.evaluate("localStorage.getItem('cope-predictions')"))
    assert list(kept) == ["reward/4"] and sorted(kept["reward/4"]["hands"].values()) == [3, 12]
    assert "You expected" in offline.text_content(".verdict >> nth=0")
    offline.click(".given summary")
    offline.click("text=Forget my answers")
    assert offline.evaluate("localStorage.getItem('cope-predictions')") is None
    assert offline.locator(".skip:not([hidden])").count() == 1


def test_letters_of_28_pixels_and_everything_in_the_window(offline, site):
    offline.set_viewport_size({"width": 1280, "height": 800})
    for name in lessons.ORDER:
        present(offline, site, name)
        while True:
            assert (
                offline.evaluate(f"parseFloat(getComputedStyle(document.querySelector('{SHOW} .said')).fontSize)") >= 28
            )
            assert offline.evaluate(OVERFLOWS) == [], (name, place(offline))
            if offline.is_disabled(f"{SHOW} .next"):
                break
            offline.keyboard.press("PageDown")
        assert offline.evaluate(f"document.querySelector('{SHOW} .line').getBoundingClientRect().height") >= 18


def test_what_moves_are_transforms_alone_and_the_winner_arrives(offline, site):
    offline.emulate_media(reduced_motion="no-preference")
    present(offline, site)
    for _ in range(5):
        offline.keyboard.press("PageDown")
    seen = set()
    for _ in range(40):
        seen |= set(offline.evaluate(MOVES))
        if offline.get_attribute(f"{SHOW} .cope-rows", "data-phase") == "3" and offline.query_selector(
            ".cope-dropping"
        ):
            break
        offline.wait_for_timeout(150)
    assert "transform" in seen and seen <= {"transform", "opacity"}
    offline.wait_for_selector(".cope-dropping", state="detached")
    assert offline.inner_text(f"{SHOW} mark") == " stopped"
    offline.emulate_media(reduced_motion="reduce")
    offline.keyboard.press("PageUp")
    offline.keyboard.press("PageDown")
    assert offline.get_attribute(f"{SHOW} .cope-rows", "data-phase") == "3" and offline.evaluate(MOVES) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_grave_violation_in_presenter_mode_and_the_story(offline, site, dark):
    offline.emulate_media(color_scheme="dark" if dark else "light")
    present(offline, site, "when-it-hurts")
    offline.keyboard.press("PageDown")
    found = {"asked": violations(offline)}
    offline.keyboard.press("PageDown")
    found["told"] = violations(offline)
    offline.set_viewport_size(PHONE)
    offline.keyboard.press("Escape")
    found["the story on a phone"] = violations(offline)
    assert {where: what for where, what in found.items() if what} == {}
