"""Step 2's fold, the adapters' download and the citation, in a real browser over a scripted service."""

import zipfile
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, visit

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_the_fold_tells_everything_when_it_is_opened(chromium, scripted_url, size, dark):
    with visit(chromium, scripted_url, size, dark) as page:
        page.wait_for_selector(".cope-behind summary")
        assert page.query_selector(".cope-behind .pair") is None  # not loaded yet
        page.click(".cope-behind summary")
        page.wait_for_selector(".cope-behind .pair >> nth=3")
        assert len(page.query_selector_all(".cope-behind .plot .curve")) == 3
        assert page.inner_text(".cope-behind .pair.train .chosen .text >> nth=0") == "My own words <b>0</b>."
        page.check(".cope-behind .only input")
        assert page.is_hidden(".cope-behind .pair.train >> nth=0") and page.is_visible(".cope-behind .pair.held_out")
        page.click(".cope-behind .pair.held_out .others summary")
        assert page.inner_text(".cope-behind .pair.held_out .candidate .text") == "Seams are great!"
        assert "never trained on" in page.inner_text(".cope-behind dl >> nth=0")
        assert page.query_selector(".cope b b, .cope-behind .text b") is None and page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        page.click("[data-id=new]")
        page.wait_for_selector(".cope-behind summary", state="detached")
        assert page.query_selector(".cope-takeaway button") is None


def test_the_adapters_are_downloaded(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        for _ in range(2):
            with page.expect_download() as download:
                page.click("text=Download the adapters")
            assert download.value.suggested_filename == "cope-adapters.zip"
            with zipfile.ZipFile(download.value.path()) as file:
                assert {"README.md", "cope/adapter_config.json"} <= set(file.namelist())
            page.wait_for_function("document.querySelector('.cope-takeaway .told').textContent.includes('works once')")


def test_the_citation_is_copied(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("text=Cite the method")
        page.click(".cope-citation button")
        page.wait_for_function("document.querySelector('.cope-citation .told').textContent === 'Copied.'")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("@inproceedings{bu-etal-2025-personalized") and "ChanJoo" in copied
    with visit(chromium, scripted_url, PHONE) as page:
        page.click("text=Cite the method")
        page.wait_for_selector(".cope-citation pre:visible")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
