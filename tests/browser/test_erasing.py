"""Deleting all of one's own data: what was still to be done with them is not done, and nothing of them comes back."""

import threading

from cope_demo.ui.panels import own as own_panel
from tests.browser.conftest import visit
from tests.browser.test_another_person import erase
from tests.fits import eventually

TEXTS = "\n---\n".join(f"The tram to the harbour was late again, number {n}, so we walked." for n in range(6))


def test_a_fit_that_waits_to_be_started_is_not(chromium, service, scripted_url, monkeypatch):
    """The instructions of somebody's texts are being made, so the start has to wait."""
    asked, gate, parse = threading.Event(), threading.Event(), own_panel.parse_history
    monkeypatch.setattr(own_panel, "parse_history", lambda *given: (asked.set(), gate.wait(60), parse(*given))[2])
    before = len(service.jobs.requests)
    with visit(chromium, scripted_url) as page, visit(chromium, scripted_url) as other:
        other.click("[data-id=new]")
        other.fill("#history textarea", TEXTS)
        assert eventually(asked.is_set)
        page.click("[data-id=new]")
        page.fill("#history textarea", TEXTS.replace("tram", "boat"))
        page.wait_for_timeout(300)
        page.click("#start-fit")
        page.wait_for_timeout(300)
        erase(page)
        gate.set()
        other.wait_for_function("document.querySelector('.cope-preview').innerText.includes('Write a post')")
        page.wait_for_timeout(1000)
        assert len(service.jobs.requests) == before and page.query_selector("[data-mine]") is None
        assert page.input_value("#prompt textarea")  # the page of a newcomer
