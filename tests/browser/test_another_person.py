"""What is written for one person ends when another is chosen, and with what is deleted: nothing of it comes later."""

import threading

import pytest

from cope_demo.decode.methods import COLUMNS
from tests.browser.conftest import visit
from tests.browser.test_token_view import COPE, compare, texts

STATUS = ".cope-heatmap .status >> nth=0"


@pytest.fixture
def slow(service):
    """The service writes slowly until this is set."""
    gate = threading.Event()
    service.pieces = {method: [f" w{n}" for n in range(120)] for method in COLUMNS}
    service.pause = lambda step: gate.wait(0.05)
    yield gate
    gate.set()


def begin(page):
    """A comparison is under way."""
    page.click("#compare")
    page.wait_for_selector(f"{COPE} .tok >> nth=4")


def erase(page):
    page.click("#privacy button >> nth=0")
    page.click("#ask-erase")
    page.click("#erase")
    page.wait_for_selector(".cope-notice:has-text('have been deleted')")


def pick(page):
    page.click("[data-id=new]")
    page.wait_for_selector("#history textarea")


@pytest.mark.parametrize("turn", [pick, erase])
def test_a_comparison_ends_and_nothing_of_it_comes_back(chromium, slow, service, scripted_url, turn):
    with visit(chromium, scripted_url) as page:
        begin(page)
        turn(page)
        page.wait_for_selector(f"{COPE} .ghost")
        page.evaluate("""() => {
            window.seen = 0;
            new MutationObserver(() => { window.seen += document.querySelectorAll('.cope-heatmap .tok').length; })
              .observe(document.querySelector('.cope-heatmap'), { childList: true, subtree: true });
        }""")
        page.wait_for_function("!document.querySelector('#compare').disabled")
        slow.set()
        page.wait_for_timeout(1200)
        assert page.evaluate("window.seen") == 0 and service.closed == 1
        assert "could not be carried out" not in page.inner_text(STATUS)
        page.reload()
        page.wait_for_selector(f"{COPE} .ghost")
        assert page.evaluate("sessionStorage.getItem('cope-comparison')") is None
        page.click("[data-id=ada]")
        compare(page)  # and another one works
        assert len(texts(page, "cope")) == 80


def test_whoever_writes_nothing_is_told_of_no_stop(chromium, service, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.evaluate("""() => {
            window.said = [];
            const status = document.querySelector('.cope-heatmap .status');
            new MutationObserver(() => window.said.push(status.textContent)).observe(status, { childList: true });
        }""")
        pick(page)
        page.wait_for_function("window.said.length > 0")
        assert not [sentence for sentence in page.evaluate("window.said") if "Stopped" in sentence]


@pytest.mark.parametrize("turn", [pick, erase])
def test_a_score_ends(chromium, service, scripted_url, turn):
    with visit(chromium, scripted_url) as page:
        service.loaded = False
        page.fill("#text-a textarea", "LOUD HATS " * 20)
        page.click("#score")
        page.wait_for_function("document.querySelector('#score-view').innerText.includes('loading')")
        turn(page)
        page.wait_for_function("!document.querySelector('#score').disabled")
        service.loaded = True
        page.wait_for_timeout(1500)
        assert page.query_selector(".cope-verdict .lead") is None
        assert page.query_selector("#score-view .tok") is None
