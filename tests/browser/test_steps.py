"""Step mode in a real browser over a scripted service: phases and numbers, buttons and keys, calm, full screen."""

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import COLUMNS
from cope_demo.ui.token_view.standalone import standalone_html
from tests.browser.conftest import DESKTOP, PHONE, visit
from tests.browser.test_token_view import COPE, compare, sideways

STEPS = ".cope-steps"


def open_steps(page):
    """Opens the fold as a visitor does."""
    page.click(".cope-steps-fold > summary")
    page.wait_for_selector(f"{STEPS} .stage:visible")


def phase(page):
    return int(page.get_attribute(f"{STEPS} .stage", "data-phase"))


def words(page, what):
    return page.inner_text(f"{STEPS} {what}").replace("\u202f", "").replace("\u2212", "-")


def test_a_decision_is_built_up_in_phases(chromium, service, scripted_url):
    service.pieces = {method: [" stitch", " in", " time"] for method in COLUMNS}
    with visit(chromium, scripted_url) as page:
        assert page.query_selector(f"{STEPS} .stage:visible") is None
        compare(page)
        open_steps(page)
        # The token: log p -0.5 for the person and -3 in general, beside " the" (-1.5, -0.4) and a newline (-6, -2).
        assert phase(page) == 0 and "Ada\u2019s adapter likes \u2423stitch best, at 61%" in words(page, ".sentence")
        assert page.inner_text(f"{STEPS} .text mark").strip() == "?" and "stitch" not in words(page, ".text")
        assert page.locator(f"{STEPS} .share.amateur:visible").count() == 0
        assert page.evaluate(f"getComputedStyle(document.querySelector('{STEPS} li .r')).visibility") == "hidden"

        wide, narrow = (page.locator(f"{STEPS} .share.expert").nth(n).bounding_box()["width"] for n in (0, 1))
        assert wide / narrow == pytest.approx(2.718, rel=0.05)  # 61 % beside 22 %

        page.click(f"{STEPS} .forward")
        assert phase(page) == 1 and "at least 6.1% stay: 2\u00a0tokens in all. Of those shown, 1 is cut." in words(
            page, ".sentence"
        )
        assert "0.1 \u00b7 61% = 6.1%" in words(page, ".eq >> nth=0")
        assert page.inner_text(f"{STEPS} li.cut code") == "\u21b5" and page.is_visible(f"{STEPS} li.cut .out")
        line = page.evaluate(f"getComputedStyle(document.querySelector('{STEPS} .list')).getPropertyValue('--cut')")
        assert float(line) == pytest.approx(0.1 * 0.6065 / 0.6703, abs=1e-3)  # the widest bar is base's 67 %

        page.click(f"{STEPS} .forward")
        assert phase(page) == 2 and "\u2423the at 67%, which gains +0.04" in words(page, ".sentence")
        assert "\u2423stitch only at 5.0%, which gains +0.30" in words(page, ".sentence")
        assert words(page, "li:not(.cut) .less >> nth=0") == "+0.30"
        assert page.is_visible(f"{STEPS} .share.amateur >> nth=0")

        page.click(f"{STEPS} .forward")
        assert phase(page) == 3 and "wins: what the expert liked best stays ahead" in words(page, ".sentence")
        assert "= -0.50 - 0.1 \u00b7 (-3.00) = -0.20" in words(page, ".eq >> nth=1")
        assert words(page, "li.won .r") == "-0.20" and words(page, "li.cut .r") == "-\u221e"
        assert page.inner_text(f"{STEPS} .text mark") == " stitch"
        assert page.inner_text(f"{STEPS} .heard") == f"Token 1: {page.inner_text(f'{STEPS} .sentence')}"

        page.click(f"{STEPS} .forward")
        assert phase(page) == 0 and words(page, ".count") == "token 2 of 3"
        assert words(page, ".text").startswith(" stitch")
        page.fill(f"{STEPS} input[type=range]", "3")
        assert phase(page) == 3 and words(page, ".text") == " stitch in time"
        page.click(f"{STEPS} .phase >> nth=1")
        assert phase(page) == 1 and words(page, ".count") == "token 3 of 3"
        assert page.get_attribute(f"{STEPS} .phase >> nth=1", "aria-current") == "step" and sideways(page) <= 0


def test_keys_and_play(chromium, service, scripted_url):
    service.pieces = {method: [" a", " b", " c", " d"] for method in COLUMNS}
    with visit(chromium, scripted_url) as page:
        page.emulate_media(reduced_motion="reduce")
        compare(page)
        open_steps(page)
        page.focus(f"{STEPS} .text")
        for key, place in (("ArrowRight", (1, 1)), ("ArrowLeft", (1, 0)), ("End", (4, 3)), ("Home", (1, 0))):
            page.keyboard.press(key)
            assert (words(page, ".count"), phase(page)) == (f"token {place[0]} of 4", place[1])
        page.select_option(f"{STEPS} select[aria-label=Speed]", "fast")
        page.focus(f"{STEPS} .text")
        page.keyboard.press(" ")
        assert page.get_attribute(f"{STEPS} .play", "aria-label") == "Pause"
        page.wait_for_function("document.querySelector('.cope-steps .count').textContent.startsWith('token 2')")
        page.keyboard.press(" ")
        assert page.get_attribute(f"{STEPS} .play", "aria-label") == "Play"
        assert page.evaluate(f"document.querySelector('{STEPS}').getAnimations({{ subtree: true }}).length") == 0
        page.click(f"{COPE} .tok >> nth=3")  # a token that is pinned in the columns is gone to
        page.wait_for_function("document.querySelector('.cope-steps .count').textContent.startsWith('token 4')")


def test_full_screen_and_phone(chromium, service, scripted_url):
    with visit(chromium, scripted_url) as page:
        compare(page)
        open_steps(page)
        small = page.evaluate(f"parseFloat(getComputedStyle(document.querySelector('{STEPS} .text')).fontSize)")
        page.click(f"{STEPS} .full")
        page.wait_for_function("document.fullscreenElement !== null")
        page.wait_for_selector(f"{STEPS} .full:text('Leave full screen')")
        assert page.evaluate(f"parseFloat(getComputedStyle(document.querySelector('{STEPS} .text')).fontSize)") >= small
        page.click(f"{STEPS} .full")
        page.wait_for_function("document.fullscreenElement === null")
    with visit(chromium, scripted_url, PHONE) as page:
        compare(page)
        open_steps(page)
        page.tap(f"{STEPS} .phase >> nth=3")
        boxes = [row.bounding_box() for row in page.query_selector_all(f"{STEPS} li, {STEPS} .eq")]
        assert boxes and all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes) and sideways(page) <= 0


def test_standalone_file_has_step_mode(chromium, service, tmp_path):
    *_, trace = service.compare("ada", "Why?", DecodeConfig())
    (tmp_path / "trace.html").write_text(standalone_html(trace.to_json(), "Ada"), "utf-8")
    page = chromium.new_page(viewport=DESKTOP)
    page.goto((tmp_path / "trace.html").as_uri())
    open_steps(page)
    page.click(f"{STEPS} .phase >> nth=3")
    assert "wins" in page.inner_text(f"{STEPS} .sentence") and page.query_selector(".cope-lesson:visible") is None
    page.close()
