"""The real app on the embedded model: two texts are scored, the fit is looked into and taken away."""

import re
import zipfile

from tests.browser.conftest import visit
from tests.browser.test_score import VIEW, score
from tests.scripted import HOSTILE


def test_score_look_behind_and_take_away(chromium, app_url):
    with visit(chromium, app_url) as page:
        page.wait_for_selector(".cope-notice p", state="detached", timeout=60_000)
        page.click("#score-example")
        page.wait_for_function("document.querySelector('#text-b textarea').value")
        own = page.input_value("#text-a textarea")
        page.fill("#text-b textarea", f"I'm excited to share my thoughts on this topic with you! {HOSTILE[0]}")
        page.click("#score")
        page.wait_for_selector(".cope-verdict .lead", timeout=60_000)
        lead = page.inner_text(".cope-verdict .lead")
        assert re.search(r"on average a token of A is \d\.\d\d nats (likelier|less likely) for \w+ than for base", lead)
        spans = f"[...document.querySelectorAll('{VIEW} .column[data-method=a] .tok')]"
        assert page.evaluate(f"{spans}.map(s => s.textContent).join('')") == own
        assert page.query_selector(".cope img") is None
        page.fill("#score-prompt textarea", "")  # then its key words make one
        score(page, f"Honestly, {own}")
        asked = "/Write a post/.test(document.querySelector('.cope-verdict .asked')?.textContent)"
        page.wait_for_function(asked, timeout=90_000)

        page.click(".cope-behind summary")
        page.wait_for_selector(".cope-behind .pair >> nth=39")
        assert len(page.query_selector_all(".cope-behind .pair.held_out")) == 4
        with page.expect_download() as download:
            page.click("text=Download the adapters")
        with zipfile.ZipFile(download.value.path()) as file:
            assert file.testzip() is None and "fictional person" in file.read("README.md").decode()
