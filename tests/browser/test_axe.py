"""axe-core over the whole page with everything opened: no serious or critical violation, light and dark, two sizes."""

import pytest

from cope_demo.decode.methods import COLUMNS
from tests.browser.conftest import DESKTOP, PHONE, visit
from tests.browser.test_token_view import COPE, compare

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed; run make setup.")
OPTIONS = {"resultTypes": ["violations"], "preload": False}  # a preload would fetch the style sheets once more


def violations(page):
    """The page's serious and critical violations, as "rule: selector" of each element."""
    found = axe.Axe().run(page, options=OPTIONS).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {node['target'][-1]}" for one in grave for node in one["nodes"]]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_no_grave_violation_anywhere(chromium, service, scripted_url, size, dark):
    service.pieces = {method: [f" w{n}" for n in range(12)] for method in COLUMNS}
    with visit(chromium, scripted_url, size, dark) as page:
        page.emulate_media(reduced_motion="reduce")  # colours are measured when nothing fades
        page.wait_for_selector(".cope-fit .report")
        page.click(".cope-blind .quiet:visible")
        page.click(".cope-blind .choice >> nth=1")
        page.click("#evidence > button")
        page.wait_for_selector(".cope-evidence .more:visible")
        page.click("#advanced > button")
        compare(page)
        page.click(".cope-steps-fold > summary")
        page.click(f"{COPE} .tok >> nth=3")
        found = {"compared, a token and step mode opened": violations(page)}
        page.click(".cope-lessons [data-id=when-it-hurts]")
        page.wait_for_selector(".cope-lesson:visible")
        page.click(".cope-lesson .next")
        page.click(".cope-lesson .next")
        page.click(".cope-lesson summary")
        found["a lesson"] = violations(page)
        page.click("[data-id=new]")
        page.click("#load-example")
        page.wait_for_selector(".cope-preview td.words")
        page.wait_for_selector(".cope-surprise .status.done")
        found["own writing"] = violations(page)
    assert {where: what for where, what in found.items() if what} == {}
