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


@pytest.fixture(scope="module")
def decision(chromium, scripted_page):
    """Step mode on a text of three tokens.

    The first is " stitch", log p -0.5 for the person and -3 for base, beside " the" (-1.5, -0.4) and a newline
    (-6, -2).
    """
    scripted_page.service.reset()
    scripted_page.service.pieces = {method: [" stitch", " in", " time"] for method in COLUMNS}
    with visit(chromium, scripted_page.url) as page:
        page.emulate_media(reduced_motion="reduce")
        assert page.query_selector(f"{STEPS} .stage:visible") is None, "the fold is closed at first"
        compare(page)
        open_steps(page)
        assert phase(page) == 0, "it opens at the first phase of the first token"
        yield page


def go_to(page, token: int, number: int) -> None:
    """Shows a phase, from 0, of a token, from 1."""
    page.fill(f"{STEPS} input[type=range]", str(token))
    page.click(f"{STEPS} .phase >> nth={number}")
    assert phase(page) == number


def test_the_first_phase_shows_the_expert_s_favourite(decision):
    go_to(decision, 1, 0)
    assert "For Ada \u2423stitch is the favourite, at 61%" in words(decision, ".sentence")


def test_the_first_phase_gives_nothing_away(decision):
    go_to(decision, 1, 0)
    assert decision.inner_text(f"{STEPS} .text mark").strip() == "?" and "stitch" not in words(decision, ".text")
    assert decision.locator(f"{STEPS} .share.amateur:visible").count() == 0
    assert decision.evaluate(f"getComputedStyle(document.querySelector('{STEPS} li .r')).visibility") == "hidden"


def test_bars_are_as_wide_as_the_expert_s_probabilities(decision):
    go_to(decision, 1, 0)
    wide, narrow = (decision.locator(f"{STEPS} .share.expert").nth(n).bounding_box()["width"] for n in (0, 1))
    assert wide / narrow == pytest.approx(2.718, rel=0.05)  # 61 % beside 22 %


def test_the_second_phase_cuts_what_is_outside_the_head(decision):
    go_to(decision, 1, 1)
    said = words(decision, ".sentence")
    assert "at least 6.1% stay: 2\u00a0tokens in all. Of those shown, 1 is cut." in said
    assert "0.1 \u00b7 61% = 6.1%" in words(decision, ".eq >> nth=0")
    assert decision.inner_text(f"{STEPS} li.cut code") == "\u21b5" and decision.is_visible(f"{STEPS} li.cut .out")


def test_the_line_of_the_cut_is_at_the_head_s_floor(decision):
    go_to(decision, 1, 1)
    line = decision.evaluate(
        f"getComputedStyle(document.querySelector('{STEPS} .cope-rows')).getPropertyValue('--cut')"
    )
    assert float(line) == pytest.approx(0.1 * 0.6065 / 0.6703, abs=1e-3)  # the widest bar is base's 67 %


def test_the_third_phase_subtracts_the_amateur(decision):
    go_to(decision, 1, 2)
    assert "\u2423the at 67%, which gains +0.04" in words(decision, ".sentence")
    assert "\u2423stitch only at 5.0%, which gains +0.30" in words(decision, ".sentence")
    assert words(decision, "li:not(.cut) .less >> nth=0") == "+0.30"
    assert decision.is_visible(f"{STEPS} .share.amateur >> nth=0")


def test_the_fourth_phase_takes_the_highest_score(decision):
    go_to(decision, 1, 3)
    assert "wins: the favourite for Ada stays ahead" in words(decision, ".sentence")
    assert "= -0.50 - 0.1 \u00b7 (-3.00) = -0.20" in words(decision, ".eq >> nth=1")
    assert words(decision, "li.won .r") == "-0.20" and words(decision, "li.cut .r") == "-\u221e"
    assert decision.inner_text(f"{STEPS} .text mark") == " stitch"


def test_each_phase_is_read_out(decision):
    go_to(decision, 1, 3)
    assert decision.inner_text(f"{STEPS} .heard") == f"Token 1: {decision.inner_text(f'{STEPS} .sentence')}"


def test_forward_goes_through_the_phases_and_on_to_the_next_token(decision):
    go_to(decision, 1, 0)
    for number in (1, 2, 3, 0):
        decision.click(f"{STEPS} .forward")
        assert phase(decision) == number
    assert words(decision, ".count") == "token 2 of 3" and words(decision, ".text").startswith(" stitch")


def test_the_slider_shows_the_end_of_a_decision_and_a_click_any_phase_of_it(decision):
    decision.fill(f"{STEPS} input[type=range]", "3")
    assert phase(decision) == 3 and words(decision, ".text") == " stitch in time"
    decision.click(f"{STEPS} .phase >> nth=1")
    assert phase(decision) == 1 and words(decision, ".count") == "token 3 of 3"
    assert decision.get_attribute(f"{STEPS} .phase >> nth=1", "aria-current") == "step" and sideways(decision) <= 0


def test_alpha_and_tau_of_a_decision_can_be_dragged(decision):
    go_to(decision, 1, 2)
    dials, own = f"{STEPS} .cope-dials", words(decision, ".less >> nth=1")
    assert words(decision, ".crossing") == "No alpha up to 1.5 takes the lead from \u2018stitch\u2019."
    decision.fill(f"{dials} input >> nth=0", "1.2")
    decision.wait_for_selector(f"{STEPS} .stage[data-phase='3']")
    assert "At \u03b1 1.2 and \u03c4 0.1 \u2423stitch wins as well" in words(decision, ".sentence")
    assert words(decision, "li.won .r") == "3.10" and own == "+0.30"  # -0.5 + 1.2 * 3
    decision.fill(f"{dials} input >> nth=1", "0.9")
    decision.wait_for_function(f"document.querySelectorAll('{STEPS} li.cut').length === 2")
    decision.click(f"{dials} .own")
    decision.wait_for_function(f"document.querySelectorAll('{STEPS} li.cut').length === 1")
    assert words(decision, "li.won .r") == "-0.20" and decision.is_hidden(f"{dials} .own")


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
