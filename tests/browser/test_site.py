"""The site, opened from a folder with the network off: what works without a model, and no request elsewhere."""

import json
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from cope_demo.ui.panels import lessons
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_axe import violations
from tests.browser.test_token_view import COPE, sideways

LESSON = ".cope-lesson"
KINDS = {
    "index": "#lessons",
    "lesson-reward": f"{LESSON} .next",
    "priya-1": f"{COPE} .tok",
    "evidence": ".cope-evidence td",
}


def save(page, choice: str) -> bytes:
    """What the choice of the save menu puts into a file."""
    page.click(".save summary")
    with page.expect_download() as download:
        page.click(f".save button:has-text('{choice}')")
    return Path(download.value.path()).read_bytes()


def test_the_first_lesson_is_shown_within_a_second(offline, site):
    offline.goto(f"{site}/index.html")
    spent = []
    for _ in range(3):  # the machine may be busy with something else
        began = time.monotonic()
        offline.click("#lessons li >> nth=0 >> a")
        offline.wait_for_selector(f"{LESSON}:visible")
        offline.wait_for_selector(f"{COPE}.ended .tok")
        spent.append(time.monotonic() - began)
        offline.go_back()
    assert min(spent) < 1.0


def test_the_lessons_lead_through_their_steps_and_on_to_the_next(offline, site):
    offline.goto(f"{site}/lesson-{lessons.ORDER[0]}.html")
    for number, name in enumerate(lessons.ORDER, 1):
        total = len(lessons.read_lesson(name).steps)
        offline.wait_for_selector(f"{LESSON} h3:has-text('Lesson {number}')")
        for _ in range(total - 1):
            offline.click(f"{LESSON} .next")
        assert offline.inner_text(f"{LESSON} .place") == f"{total} of {total}"
        assert not offline.get_by_text("Run it live").count() and sideways(offline) <= 0
        if number < len(lessons.ORDER):
            offline.click(".then a")
    assert not offline.locator(".then").count()


def test_a_comparison_answers_without_a_model(offline, site):
    offline.goto(f"{site}/index.html")
    offline.click("text=Write a post about the vending machine.")
    offline.hover(f"{COPE} .tok >> nth=2")
    offline.wait_for_selector(".cope-tip:visible")
    assert "for Ines" in offline.inner_text(".cope-tip")
    offline.click(f"{COPE} .tok >> nth=2")
    assert "for base" in offline.inner_text(".inspector") and not offline.get_by_text("Continue from").is_visible()
    offline.fill(".whatif input >> nth=0", "1.5")
    assert offline.locator(f"{COPE} .tok.would").count() > 0
    offline.keyboard.press("Escape")
    offline.click(".cope-steps-fold > summary")
    assert "For Ines" in offline.inner_text(".cope-steps .sentence")
    offline.select_option("select[aria-label='Show as']", "table")
    assert offline.locator("tbody tr:visible").count() > 50
    offline.select_option("select[aria-label='Show as']", "tokens")
    text = offline.evaluate(f"[...document.querySelectorAll('{COPE} .tok')].map(s => s.textContent).join('')")
    trace = json.loads(save(offline, "Data (JSON)"))
    assert trace["user"] == "ines" and trace["columns"][2]["text"] == text
    assert save(offline, "Table (CSV)").startswith(b'"method","index"')
    assert save(offline, "Picture").startswith(b"\x89PNG")
    page = save(offline, "Page (HTML)").decode()
    offline.set_content(page)
    offline.wait_for_selector(f"{COPE}.ended")
    assert "user ines" in offline.inner_text("#about")


@pytest.mark.parametrize(
    "dark, size, paper",
    [(False, DESKTOP, "rgb(247, 245, 240)"), (True, PHONE, "rgb(20, 22, 26)")],
    ids=["light at 1280", "dark at 390"],
)
def test_no_grave_violation_and_nothing_sideways(offline, site, dark, size, paper):
    offline.emulate_media(color_scheme="dark" if dark else "light")
    offline.set_viewport_size(size)
    found = {}
    for name, sign in KINDS.items():
        offline.goto(f"{site}/{name}.html")
        offline.wait_for_selector(f"{sign} >> visible=true")
        assert sideways(offline) <= 0
        assert offline.evaluate("getComputedStyle(document.documentElement).backgroundColor") == paper
        found[name] = violations(offline)
        links = offline.evaluate("[...document.links].map((link) => link.href.split('#')[0])")
        assert all(Path(unquote(urlsplit(link).path)).is_file() for link in links if link.startswith("file:")), links
    assert found == {name: [] for name in KINDS}
