"""What was measured, with two tasks and a sweep of made-up numbers, on a page of its own without a server."""

import json

import pytest

from cope_demo.ui.component import say, script
from cope_demo.ui.panels import evidence
from cope_demo.ui.theme import STYLES
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_axe import violations
from tests.evaluation.test_published import NEWS, REVIEWS
from tests.ui.panels.test_evidence import data  # noqa: F401
from tests.ui.panels.test_evidence_controls import STUDY
from tests.ui.panels.test_evidence_families import COMPARISON

PAGE = """<!doctype html><html lang="en"><title>Does it work?</title><meta name="viewport" content="width=device-width">
<style>%s</style><body class="gradio-container"><main><h1>Page</h1><h3>Step</h3>
<div id="place"><div class="cope cope-evidence"></div></div></main>
<script>const element = document.getElementById('place'), props = { value: %s }, watch = () => {},
  trigger = null, server = {}; %s</script>"""


@pytest.fixture
def html(data):  # noqa: F811
    """The part with the numbers, and an example of the last task."""
    example = {"rule": "worst", "author": "author 1", "source": "made up", "gold": "Mine", "cut": False}
    example |= {name: {"text": f"by {name}", "rougeL": 0.5} for name in ("tam", "oppu", "cope")}
    data["tasks"][REVIEWS]["examples"] = [example]
    styles = "\n".join(path.read_text("utf-8") for path in STYLES)
    shown = evidence.describe_evidence(data, {"tasks": {NEWS: STUDY}}, {"comparisons": [COMPARISON]})
    return PAGE % (styles, json.dumps(say(shown)), script("evidence"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_task_and_the_sweep_are_there_at_both_sizes(chromium, html, dark):
    page = chromium.new_page(viewport=DESKTOP)
    page.set_content(html)
    page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
    assert page.inner_text(".answer").startswith("In part: what CoPe writes is ")
    page.click(".cope-evidence .sweeps:not(.controls) summary")
    assert page.locator(".written tbody tr").all_inner_texts()[2].startswith("CoPe")
    assert page.locator(".written .line").count() == 4  # chance
    assert page.get_attribute(".chip >> nth=0", "aria-pressed") == "true"
    assert len(page.query_selector_all("[aria-live] tbody tr")) == 3
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # the last task, by keyboard
    rows = page.locator("[aria-live] tbody tr").all_inner_texts()
    assert len(rows) == 8 and "not measured" in rows[1] and "0.115" in rows[3]
    assert page.locator("[aria-live] .mean").count() == 4 and page.locator(".sweeps:not(.controls) .line").count() == 4
    page.click("[aria-label='Texts by CoPe']")
    assert page.inner_text(".examples .marked") == "CoPe0.500\nby cope"
    controls, families = page.locator(".controls").all()
    controls.locator("summary").click()
    rows = controls.locator("table:not(.found) tbody tr")
    assert rows.count() == 3 and "0.360" in rows.nth(0).inner_text()
    assert controls.locator(".found .line").count() == 4 + 1  # chance
    flips = controls.locator(".flip").all_text_contents()
    assert flips == ["1 became the author’s", "2 were, and are not"]
    families.locator("summary").click()
    rows = families.locator("tbody tr").all_inner_texts()
    assert len(rows) == 2 + 2 + 1 and rows[1].startswith("Large-1B") and "85\u202f%" in rows[1]
    assert families.locator(".line").count() == 2 + 1 and families.locator("table:not(.found)").count() == 0
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert violations(page) == []
    page.close()
