"""Stop: what was written stays, nothing is added, and another comparison works."""

import threading

from cope_demo.decode.methods import COLUMNS
from tests.browser.conftest import filling_places, visit
from tests.browser.test_token_view import COPE, compare, texts


def test_stop_keeps_what_was_written(chromium, service, scripted_url):
    gate = threading.Event()
    service.pieces = {method: [f" w{n}" for n in range(200)] for method in COLUMNS}
    service.pause = lambda step: gate.wait(0.05 if step < 5 else 0.2)
    with visit(chromium, scripted_url) as page:
        page.click("#compare")
        page.wait_for_selector(f"{COPE} .tok >> nth=4")
        page.click("#stop")
        page.wait_for_selector(f"{COPE}.ended")
        assert "stopped by you" in page.inner_text(f"{COPE} .foot") and "Stopped." in page.inner_text(
            ".cope-heatmap .status"
        )
        kept = len(texts(page, "cope"))
        assert 5 <= kept < 60
        gate.set()
        page.wait_for_function("!document.querySelector('#compare').disabled")
        page.wait_for_timeout(600)
        assert len(texts(page, "cope")) == kept and service.closed == 1
        compare(page)  # and another one works
        page.wait_for_selector(f"{COPE} .tok >> nth=79")
        assert len(texts(page, "cope")) == 80


def test_what_arrives_after_a_stop_is_not_shown(chromium, service, scripted_url):
    """The server hears of it a little later, and has written more by then."""
    gate = threading.Event()
    service.pieces = {method: [f" w{n}" for n in range(200)] for method in COLUMNS}
    service.pause = lambda step: gate.wait(0.05 if step < 5 else 5)
    with visit(chromium, scripted_url) as page:
        page.route("**/cancel", lambda route: (gate.set(), page.wait_for_timeout(1000), route.continue_()))
        page.click("#compare")
        page.wait_for_selector(f"{COPE} .tok >> nth=4")
        page.click("#stop")
        page.wait_for_selector(f"{COPE}.ended")
        page.wait_for_timeout(1500)
        assert gate.is_set() and len(texts(page, "cope")) < 8


def test_after_a_stop_before_the_beginning_another_comparison_is_asked_for(chromium, service, scripted_url):
    with visit(chromium, scripted_url) as page:
        compare(page)
        with filling_places(service, scripted_url) as gate:
            page.click(f"{COPE} .tok >> nth=1")
            page.click(".inspector button:text('write') >> nth=0")
            page.click(".bar-line .stop")
            assert page.inner_text(".cope-heatmap .status") == "Stopped before it began."
            page.click("#compare")
            page.wait_for_function("document.querySelector('.cope-heatmap .status').textContent.startsWith('Asking')")
            assert page.is_visible(".bar-line .stop")
            page.wait_for_function("document.querySelector('.cope-heatmap .status').textContent.includes('free place')")
            gate.set()
            page.wait_for_selector(f"{COPE}.ended")
