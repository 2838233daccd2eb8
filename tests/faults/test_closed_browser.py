"""The browser goes away in the middle: of a comparison, whose work then stops, and of a fit, which then goes on."""

import json
import random
import shutil
import time

import httpx
import pytest

from cope_demo.jobs.queue_jobs import QueueJobs
from cope_demo.visitors.owners import Access
from tests.fits import eventually
from tests.running import run_page
from tests.scripted import SECRET, Service

STOPPED, BACK = 1.0, 2.0
"""Seconds until a stream's work has stopped, and until a visitor who returns sees how the fit stands; at most."""
STEP = 0.03
TEXTS = "\n".join(json.dumps({"prompt": "Write.", "response": f"Text {n} is about seams."}) for n in range(6))

pytestmark = pytest.mark.usefixtures("stages")


@pytest.fixture
def page(tmp_path):
    """The running page: comparisons that would take half a minute, and fits on the real queue."""
    service = Service(tmp_path)
    service.store = type(service.store)(tmp_path / "var" / "users", tmp_path / "samples")
    service.pieces = {method: [f" word{n}" for n in range(300)] for method in service.pieces}
    service.pause = lambda step: time.sleep(STEP)
    service.jobs = QueueJobs(tmp_path / "var" / "users")
    with run_page(service) as page:
        yield page
    service.jobs.close()


def wait_until_stopped(service, before: int) -> float:
    """Seconds until the work of one more comparison has stopped."""
    start = time.monotonic()
    while service.closed == before:
        assert time.monotonic() < start + 20, "it goes on"
        time.sleep(0.005)
    return time.monotonic() - start


def test_closed_in_the_middle_of_a_comparison(page, long):
    """The connection is cut after a random number of updates, on the page and over the API."""
    service, compare, rng, slowest = page.service, page.event("_compare"), random.Random(3), 0.0
    defaults = [block.value for block in page.blocks.fns[compare].inputs[2:]]
    memory = {"secret": SECRET, "chosen": "ada", "fits": []}
    for turn in range(20 if long else 2):
        before, updates = service.closed, rng.randint(2, 12)
        if turn % 2:
            asked = httpx.post(f"{page.url}gradio_api/call/v2/compare", json={"user": "ada", "prompt": "Write."}).json()
            stream = httpx.stream("GET", f"{page.url}gradio_api/call/compare/{asked['event_id']}", timeout=60)
        else:
            stream = page.open(compare, [memory, "Write.", *defaults], f"closing{turn}")
        with stream as answer:
            for row in answer.iter_lines():
                updates -= "generating" in row
                if not updates:
                    break
        slowest = max(slowest, wait_until_stopped(service, before))
    assert slowest < STOPPED
    print(f"\nwork stopped {slowest:.2f} s after the connection was cut, at the latest")


def test_closed_in_the_middle_of_a_fit(page, long):
    """A fit is started and the browser is gone. It ends well; a visitor who returns with the secret sees its state."""
    slowest = 0.0
    load = page.events(lambda event: len(event.outputs) > 10 and event.targets[0][1] == "load")[0]
    for turn in range(3 if long else 1):
        secret = f"{turn:064x}"
        given = {"text": TEXTS, "filename": "a.jsonl", "name": "all:slow", "secret": secret}
        asked = httpx.post(f"{page.url}gradio_api/call/v2/fit", json=given).json()
        with httpx.stream("GET", f"{page.url}gradio_api/call/fit/{asked['event_id']}", timeout=60) as answer:
            rows = [row for row in answer.iter_lines() if row.startswith("data: [")]
        fit = json.loads(rows[-1].removeprefix("data: "))[0]
        mine = Access(page.service).of(secret)
        eventually(lambda mine=mine, fit=fit: len(mine.jobs.status(fit["job"]).events) > 4, 60)
        row = {key: fit[key] for key in ("user", "job", "name", "task")} | {"state": "running", "error": ""}
        for ended in (False, True):
            if ended:
                eventually(lambda mine=mine, fit=fit: mine.jobs.status(fit["job"]).state == "done", 60)
            start = time.monotonic()
            memory = {"secret": secret, "chosen": fit["user"], "fits": [row]}
            with page.open(load, [memory], f"back{turn}{ended}") as answer:
                shown = "".join(answer.iter_text())
            slowest = max(slowest, time.monotonic() - start)
            assert ("fitted" if ended else "fitting") in shown, shown
        assert page.service.store.open(fit["user"]).task == "free_writing"
    assert slowest < BACK
    print(f"\nwho came back saw the fit's state after {slowest:.2f} s at the latest")


def test_a_real_browser_closed_in_the_middle(page, long):
    if not long:
        pytest.skip("The short form cuts the connection itself; --long closes a real Chromium.")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("No Chromium was found; install Debian's package chromium.")
    from playwright.sync_api import sync_playwright

    service, slowest = page.service, 0.0
    with sync_playwright() as playwright:
        for way in ("tab", "page", "browser"):
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            tab = browser.new_context().new_page()
            tab.goto(page.url)
            tab.click("[data-door=person]")
            tab.wait_for_selector(".people .card", timeout=60_000)
            before = service.closed
            tab.click("#compare")
            tab.wait_for_selector(".cope-heatmap .tok >> nth=9", timeout=60_000)
            {"tab": tab.close, "page": lambda tab=tab: tab.goto("about:blank"), "browser": browser.close}[way]()
            slowest = max(slowest, wait_until_stopped(service, before))
            browser.close()
    assert slowest < STOPPED
    print(f"\na closed tab, page or browser stopped the work within {slowest:.2f} s")
