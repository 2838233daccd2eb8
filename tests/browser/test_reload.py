"""A reload loses no comparison, and brings none back that is over and done with."""

import threading

from tests.browser.conftest import visit
from tests.browser.test_token_view import COPE, compare, texts


def reload(page):
    page.reload()
    page.wait_for_selector(".people .card")
    page.wait_for_function("document.querySelector('.cope-heatmap .status') !== null")


def choose(page, person: str):
    """Chooses whose writing it is, and waits until the browser has kept it: a reload before that finds the last one."""
    before = page.evaluate("JSON.stringify(localStorage)")
    page.click(f"[data-id={person}]")
    page.wait_for_selector(f"[data-id={person}][aria-checked=true]")
    page.wait_for_function("before => JSON.stringify(localStorage) !== before", arg=before)


def write_another(page, at: int):
    """Has another token written in the CoPe column, and waits for what follows."""
    before = texts(page, "cope")
    page.click(f"{COPE} .tok >> nth={at}")
    page.click(".inspector button:text('write') >> nth=0")
    page.wait_for_selector(f"{COPE} .branched button:enabled")
    assert texts(page, "cope") != before


def test_a_comparison_comes_back_until_another_person_is_chosen(chromium, service, scripted_url):
    with visit(chromium, scripted_url) as page:
        compare(page)
        before = {method: texts(page, method) for method in ("greedy", "oppu", "cope")}
        reload(page)
        page.wait_for_selector(f"{COPE}.ended")
        assert {method: texts(page, method) for method in before} == before and before["cope"]
        assert "before the page was reloaded" in page.inner_text(".cope-heatmap .status >> nth=0")
        page.click(f"{COPE} .tok >> nth=0")
        page.wait_for_selector(".inspector:not([hidden])")
        reload(page)
        page.wait_for_selector(f"{COPE}.ended")  # and once more
        choose(page, "new")
        page.wait_for_selector(f"{COPE} .ghost")
        choose(page, "ada")
        reload(page)
        page.wait_for_selector("[data-id=ada][aria-checked=true]")
        page.wait_for_selector(f"{COPE} .ghost")
        assert page.query_selector(f"{COPE} .tok") is None


def test_deleted_data_do_not_come_back(chromium, service, scripted_url):
    with visit(chromium, scripted_url) as page:
        compare(page)
        page.click("#privacy button >> nth=0")
        page.click("#ask-erase")
        page.click("#erase")
        page.wait_for_selector(f"{COPE} .ghost")
        reload(page)
        page.wait_for_selector("[data-id=ada][aria-checked=true]")
        page.wait_for_selector(f"{COPE} .ghost")
        assert page.evaluate("sessionStorage.getItem('cope-comparison')") is None


def test_a_branch_that_was_taken_back_stays_so(chromium, service, scripted_url):
    service.pieces = {method: [" stitch", " in", " time", " saves"] for method in service.pieces}
    with visit(chromium, scripted_url) as page:
        compare(page)
        whole = texts(page, "cope")
        write_another(page, 1)
        page.click(f"{COPE} .branched button")
        assert texts(page, "cope") == whole
        write_another(page, 2)
        written = texts(page, "cope")
        reload(page)
        page.wait_for_selector(f"{COPE}.ended")
        assert texts(page, "cope") == written and written[:2] == whole[:2]


def test_a_branch_keeps_its_settings(chromium, service, scripted_url):
    with visit(chromium, scripted_url) as page:
        compare(page)
        page.click(f"{COPE} .tok >> nth=0")
        page.fill(".whatif input >> nth=0", "0.5")
        page.click(".whatif .go")
        page.wait_for_selector(f"{COPE} .branched button:enabled")
        before = page.inner_text(f"{COPE} .branched span")
        assert "from there with alpha 0.5, tau 0.1" in before
        reload(page)
        page.wait_for_selector(f"{COPE}.ended")
        assert page.inner_text(f"{COPE} .branched span") == before


def test_what_was_stopped_is_over(chromium, service, scripted_url):
    gate = threading.Event()
    service.pieces = {method: [f" w{n}" for n in range(200)] for method in service.pieces}
    service.pause = lambda step: gate.wait(0.05 if step < 3 else 10)
    with visit(chromium, scripted_url) as page:
        page.click("#compare")
        page.wait_for_selector(f"{COPE} .tok >> nth=2")
        page.click("#stop")
        page.wait_for_selector(f"{COPE}.ended")
        gate.set()
        reload(page)
        page.wait_for_selector(f"{COPE}.ended")
        assert "before the page was reloaded" in page.inner_text(".cope-heatmap .status >> nth=0")
        assert "stopped by you" in page.inner_text(f"{COPE} .foot")
