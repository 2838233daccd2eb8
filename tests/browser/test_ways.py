"""Where the window and the focus are: while something is written, after it, and after a choice."""

import re
import threading
import time

import pytest

from cope_demo.decode.methods import COLUMNS
from tests.browser.conftest import DESKTOP, PHONE, visit
from tests.browser.test_token_view import COPE, compare, sideways

BAR = "#heatmap-view .bar-line"
TEXTS = "\n---\n".join(f"Text number {n} is about seams and needles." for n in range(6))
IN_WINDOW = """(selector) => {
  const { top, bottom, height } = document.querySelector(selector)?.getBoundingClientRect() ?? { height: 0 };
  return height > 0 && top >= 0 && bottom <= innerHeight;
}"""


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_prompt_progress_and_stop_are_in_sight_while_it_writes(chromium, service, scripted_url, size):
    gate = threading.Event()
    service.pieces = {method: [f" w{n}" for n in range(60)] for method in COLUMNS}
    service.pause = lambda step: gate.wait(30) if step == 30 else time.sleep(0.02)
    with visit(chromium, scripted_url, size) as page:
        page.emulate_media(reduced_motion="reduce")
        page.click("#compare")
        page.wait_for_selector(f"{COPE} .tok >> nth=20")
        assert page.evaluate(IN_WINDOW, "#heatmap-view .columns .tok")
        for scrolled in (0, 400):  # further down the bar stays
            page.evaluate("(by) => scrollBy(0, by)", scrolled)
            for part in (".asked", ".progress", ".stop"):
                assert page.evaluate(IN_WINDOW, f"{BAR} {part}"), part
        assert page.inner_text(f"{BAR} .asked") == "Write a post about seams."
        assert re.match(r"token (2\d|30) of at most 80", page.inner_text(f"{BAR} .progress")) and sideways(page) <= 0
        assert page.evaluate("document.activeElement.className") == "small stop"  # Compare is disabled
        page.keyboard.press("Enter")
        page.wait_for_selector("#compare:not([disabled])")
        assert page.inner_text(f"{BAR} .status") == "Stopped. What was written so far stays."
        page.wait_for_function("document.activeElement.id === 'compare'")
        assert page.is_hidden(f"{BAR} .stop")
        gate.set()


def test_the_focus_stays_where_a_run_was_begun_and_a_refusal_ends_no_column(chromium, service, scripted_url):
    with visit(chromium, scripted_url) as page:
        compare(page)
        page.wait_for_function("document.activeElement.id === 'compare'")
        page.fill("#prompt textarea", "Why?")
        page.keyboard.press("Control+Enter")
        page.wait_for_function(f"document.querySelector('{BAR} .asked').textContent === 'Why?'")
        page.wait_for_selector(f"{COPE}.ended")
        assert page.evaluate("document.activeElement.closest('#prompt') !== null")
        page.click(f"{COPE} .tok >> nth=1")
        page.fill(".whatif input >> nth=0", "1.5")
        assert page.locator(".tok.would").count() > 0
        page.click(".inspector .close")
        assert page.locator(".tok.would").count() == 0  # what marked them is gone
        page.fill("#prompt textarea", "  ")
        page.keyboard.press("Control+Enter")
        page.wait_for_function("document.querySelector('.cope-heatmap .status').textContent.includes('no prompt yet')")
        assert "token" not in page.inner_text("#heatmap-view .columns .foot >> nth=0")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_a_choice_leads_to_its_place(chromium, service, scripted_url, size):
    with visit(chromium, scripted_url, size) as page:
        page.click("[data-id=new]")
        page.wait_for_function(IN_WINDOW, arg="#history textarea")
        page.fill("#history textarea", TEXTS)
        page.wait_for_selector(".cope-preview td.words")
        page.click("#start-fit")
        page.wait_for_selector("#cancel-fit")
        page.wait_for_function(IN_WINDOW, arg=".cope-fit .headline")
        assert page.evaluate("document.activeElement.className") == "headline"
        page.click("#cancel-fit")
        page.wait_for_selector("#delete-fit")
        assert "was cancelled" in page.text_content(".cope-people .about")
        page.click("[data-id=ada]")
        page.wait_for_function("document.querySelector('.cope-people .about .tag').textContent === 'Free writing'")
