"""A newcomer's page: the demonstration before all else, two doors, and a comparison that fits the window."""

import re
import threading
import time

import pytest

from benchmarks.chromium import LAPTOP, WATCH
from cope_demo.decode.methods import COLUMNS
from cope_demo.ui.panels.demonstration import read_demonstration
from tests.browser.conftest import DESKTOP, PHONE, visit
from tests.browser.test_axe import violations
from tests.browser.test_token_view import COPE, sideways, texts
from tests.browser.test_ways import IN_WINDOW

DEMO = ".cope-demonstration"
SHOWN = f"[...document.querySelectorAll('{DEMO} .cope .text > :not(.later, .more)')].map((s) => s.textContent).join('')"
OVERLAP = """() => {
  const panel = document.querySelector('#heatmap-view .inspector').getBoundingClientRect();
  return [...document.querySelectorAll('#heatmap-view .column')].some((column) => {
    const box = column.getBoundingClientRect();
    return Math.min(box.right, panel.right) - Math.max(box.left, panel.left) > 1;
  });
}"""


def wait_for_rest(page):
    """Waits until the demonstration has written all."""
    page.wait_for_function(f"document.querySelector('{DEMO} .play').textContent === 'Play again'")


def drag(page, alpha: float) -> float:
    """Moves the demonstration's alpha; returns the milliseconds until the page is laid out anew."""
    return page.evaluate(
        f"""(alpha) => {{
          const slider = document.querySelector('{DEMO} input'), begun = performance.now();
          slider.value = alpha;
          slider.dispatchEvent(new Event('input'));
          document.body.getBoundingClientRect();
          return performance.now() - begun;
        }}""",
        alpha,
    )


def write(alpha: float) -> str:
    """CoPe's text at an alpha, without an end token."""
    return "".join(rows[wins][0] for rows, wins in read_demonstration().write_text(alpha)).replace("<|im_end|>", "")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "390"])
def test_words_move_at_once_and_nothing_else_does(chromium, service, scripted_url, size):
    service.loaded = False  # the demonstration needs no model
    with visit(chromium, scripted_url, size, chapters=False, script=WATCH) as page:
        page.wait_for_selector(f"{DEMO} .told .overruled")
        html = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
        assert page.evaluate("window.begun") - html["responseEnd"] < 1500
        assert html["decodedBodySize"] < 1_500_000  # all of ours is in it
        assert "contrast chose it" in page.inner_text(f"{DEMO} .because") and "Ines" in page.inner_text(DEMO)
        part = page.evaluate(SHOWN)
        assert write(0.1).startswith(part) and len(part) < 40
        page.click(f"{DEMO} .play")
        stands = page.evaluate(SHOWN)
        page.wait_for_timeout(500)
        assert page.evaluate(SHOWN) == stands and page.inner_text(f"{DEMO} .play") == "Go on"
        for door in ("person", "you"):
            assert size is PHONE or page.evaluate(IN_WINDOW, f"[data-door={door}]")
        page.wait_for_timeout(500)
        assert sum(page.evaluate("window.shifts")) < 0.05 and sideways(page) <= 0
        assert page.is_hidden(".people .card >> nth=0") and page.locator(".chapter-head:visible").count() == 5


def test_alpha_rewrites_the_text_at_once_by_hand_and_by_keyboard(chromium, service, scripted_url):
    with visit(chromium, scripted_url, LAPTOP, chapters=False) as page:
        slowest = 0.0
        for alpha in (0.0, 0.5, 0.02, 0.33, 0.1):
            slowest = max(slowest, drag(page, alpha))
            assert page.evaluate(SHOWN) == write(alpha)
            words = [rows[wins][0] for rows, wins in read_demonstration().write_text(alpha) if wins]
            words = [word.strip() for word in words if re.search(r"\w", word) and word != "<|im_end|>"]
            assert page.locator(f"{DEMO} .overruled").all_inner_texts() == words
        assert slowest < 50
        page.focus(f"{DEMO} input")
        page.keyboard.press("ArrowRight")
        assert page.inner_text(f"{DEMO} output") == "0.11" and page.evaluate(SHOWN) == write(0.11)
        first = page.inner_text(f"{DEMO} .because")
        page.focus(f"{DEMO} .overruled >> nth=0")
        page.keyboard.press("Tab")
        assert page.inner_text(f"{DEMO} .because") != first
        page.emulate_media(reduced_motion="reduce")
        page.reload()  # without motion all of it stands there
        wait_for_rest(page)
        assert page.evaluate(SHOWN) == write(0.1) and "so contrast chose it" in page.inner_text(f"{DEMO} .because")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_first_comparison_takes_two_clicks_and_no_scrolling(chromium, service, scripted_url, dark):
    gate = threading.Event()
    service.pieces = {method: [f" w{n}" for n in range(40)] for method in COLUMNS}
    service.pause = lambda step: gate.wait(30) if step == 25 else time.sleep(0.02)
    with visit(chromium, scripted_url, LAPTOP, dark, chapters=False) as page:
        page.emulate_media(reduced_motion="reduce")
        assert violations(page) == []
        page.click("[data-door=person]")
        for part in ("#prompt textarea", "#compare", "#stop", "#alpha input", "#tau input", f"{COPE} h3"):
            page.wait_for_function(IN_WINDOW, arg=part)
        assert page.evaluate("document.activeElement.dataset.id") == "ada"
        top = page.evaluate("scrollY")
        page.click("#compare")
        page.wait_for_selector(f"{COPE} .tok >> nth=10")  # what is written in a moment comes together, and later
        for part in ("#prompt textarea", "#compare", "#heatmap-view .stop", "#heatmap-view .progress", f"{COPE} .tok"):
            assert page.evaluate(IN_WINDOW, part), part
        assert page.evaluate("scrollY") == top
        gate.set()
        page.wait_for_selector(f"{COPE}.ended")
        page.click(f"{COPE} .tok >> nth=3")
        page.wait_for_selector("#heatmap-view .inspector:visible")
        assert not page.evaluate(OVERLAP) and page.evaluate(IN_WINDOW, "#heatmap-view .inspector .why")
        page.reload()  # the chapter and its comparison are there again
        page.wait_for_selector(f"{COPE}.ended")
        assert len(texts(page, "cope")) == 40 and page.is_hidden("#score")


def test_every_chapter_opens_by_keyboard_by_a_door_and_by_a_link(chromium, service, scripted_url):
    with visit(chromium, scripted_url, DESKTOP, chapters=False) as page:
        page.wait_for_selector(".chapter-head >> nth=4")
        for name, inside in (("score", "#score"), ("lessons", ".cope-lessons button"), ("behind", ".cope-behind")):
            head = f"[data-chapter={name}]"
            page.focus(head)
            page.keyboard.press("Enter")
            page.wait_for_selector(f"{inside} >> nth=0")
            assert page.get_attribute(head, "aria-expanded") == "true"
            page.keyboard.press("Enter")
            assert page.is_hidden(f"{inside} >> nth=0") and page.get_attribute(head, "aria-expanded") == "false"
        page.click("[data-door=you]")
        page.wait_for_function("document.activeElement.closest('#history') !== null")
        page.wait_for_function(IN_WINDOW, arg="#history textarea")
        assert page.is_visible("#start-fit")
        page.click("[data-chapter=lessons]")
        page.click(".cope-lessons [data-id=reward]")  # a lesson opens the chapter that it shows in
        page.wait_for_selector(".cope-lesson:visible")
    with visit(chromium, f"{scripted_url}?user=ada&prompt=Why%3F", LAPTOP, chapters=False) as page:
        page.wait_for_function("document.querySelector('#prompt textarea').value === 'Why?'")
        for part in ("#prompt textarea", "#compare", f"{COPE} h3"):
            page.wait_for_function(IN_WINDOW, arg=part)
    for asked, seen in (("lesson=alpha", ".cope-lesson"), ("user=somebody-else", ".cope-opened .problem")):
        with visit(chromium, f"{scripted_url}?{asked}", LAPTOP, chapters=False) as page:
            page.wait_for_selector(f"{seen}:visible")
