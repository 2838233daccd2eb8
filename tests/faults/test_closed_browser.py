"""The browser goes away in the middle: of a comparison, whose work then stops, and of a fit, which then goes on."""

import json
import random
import shutil
import time

import httpx
import pytest

from cope_demo.jobs.queue_jobs import QueueJobs
from cope_demo.ui.page import build
from cope_demo.ui.routes import app_options
from cope_demo.ui.server import launch_options
from cope_demo.visitors.owners import Access
from tests.fits import eventually
from tests.scripted import SECRET, Service

STOPPED, BACK = 1.0, 2.0
"""Seconds until a stream's work has stopped, and until a visitor who returns sees how the fit stands; at most."""
STEP = 0.03
TEXTS = "\n".join(json.dumps({"prompt": "Write.", "response": f"Text {n} is about seams."}) for n in range(6))

pytestmark = pytest.mark.usefixtures("stages")


@pytest.fixture
def app(tmp_path):
    """The running page: comparisons that would take half a minute, and fits on the real queue."""
    service = Service(tmp_path)
    service.store = type(service.store)(tmp_path / "var" / "users", tmp_path / "samples")
    service.pieces = {method: [f" word{n}" for n in range(300)] for method in service.pieces}
    service.pause = lambda step: time.sleep(STEP)
    service.jobs = QueueJobs(tmp_path / "var" / "users")
    with build(service).queue() as blocks:
        options = launch_options("127.0.0.1") | {"app_kwargs": app_options(service)}
        yield service, blocks, blocks.launch(prevent_thread_lock=True, **options)[1]
        blocks.close()
    service.jobs.close()


def event(blocks, fits) -> int:
    """The number of the first of the page's events that `fits`."""
    return next(number for number, one in blocks.fns.items() if fits(one))


def send(url: str, number: int, data: list, session: str):
    """Sends a page's event; returns the stream of what comes back."""
    body = {"data": data, "fn_index": number, "event_data": None, "trigger_id": None, "session_hash": session}
    assert httpx.post(f"{url}gradio_api/queue/join", json=body).status_code == 200
    return httpx.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": session}, timeout=60)


def stopping(service, before: int) -> float:
    """Seconds until the work of one more comparison has stopped."""
    start = time.monotonic()
    while service.closed == before:
        assert time.monotonic() < start + 20, "it goes on"
        time.sleep(0.005)
    return time.monotonic() - start


def test_closed_in_the_middle_of_a_comparison(app, long):
    """The connection is cut after a random number of updates, on the page and over the API."""
    service, blocks, url = app
    compare, rng, slowest = event(blocks, lambda one: one.name == "_compare"), random.Random(3), 0.0
    defaults = [block.value for block in blocks.fns[compare].inputs[2:]]
    memory = {"secret": SECRET, "chosen": "ada", "fits": []}
    for turn in range(20 if long else 2):
        before, updates = service.closed, rng.randint(2, 12)
        if turn % 2:
            asked = httpx.post(f"{url}gradio_api/call/v2/compare", json={"user": "ada", "prompt": "Write."}).json()
            stream = httpx.stream("GET", f"{url}gradio_api/call/compare/{asked['event_id']}", timeout=60)
        else:
            stream = send(url, compare, [memory, "Write.", *defaults], f"closing{turn}")
        with stream as answer:
            for row in answer.iter_lines():
                updates -= "generating" in row
                if not updates:
                    break
        slowest = max(slowest, stopping(service, before))
    assert slowest < STOPPED
    print(f"\nwork stopped {slowest:.2f} s after the connection was cut, at the latest")


def test_closed_in_the_middle_of_a_fit(app, tmp_path, long):
    """A fit is started and the browser is gone. It ends well; whoever comes back with the secret sees how it stands."""
    service, blocks, url = app
    slowest = 0.0
    load = event(blocks, lambda one: len(one.outputs) > 10 and one.targets[0][1] == "load")
    for turn in range(3 if long else 1):
        secret = f"{turn:064x}"
        given = {"text": TEXTS, "filename": "a.jsonl", "name": "all:slow", "secret": secret}
        asked = httpx.post(f"{url}gradio_api/call/v2/fit", json=given).json()
        with httpx.stream("GET", f"{url}gradio_api/call/fit/{asked['event_id']}", timeout=60) as answer:
            rows = [row for row in answer.iter_lines() if row.startswith("data: [")]
        fit = json.loads(rows[-1].removeprefix("data: "))[0]
        mine = Access(service).of(secret)
        eventually(lambda mine=mine, fit=fit: len(mine.jobs.status(fit["job"]).events) > 4, 60)
        row = {key: fit[key] for key in ("user", "job", "name", "task")} | {"state": "running", "error": ""}
        for ended in (False, True):
            if ended:
                eventually(lambda mine=mine, fit=fit: mine.jobs.status(fit["job"]).state == "done", 60)
            start = time.monotonic()
            memory = {"secret": secret, "chosen": fit["user"], "fits": [row]}
            with send(url, load, [memory], f"back{turn}{ended}") as answer:
                shown = "".join(answer.iter_text())
            slowest = max(slowest, time.monotonic() - start)
            assert ("fitted" if ended else "fitting") in shown, shown
        assert service.store.open(fit["user"]).task == "free_writing"
    assert slowest < BACK
    print(f"\nwho came back saw the fit's state after {slowest:.2f} s at the latest")


def test_a_real_browser_closed_in_the_middle(app, long):
    if not long:
        pytest.skip("The short form cuts the connection itself; --long closes a real Chromium.")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("No Chromium was found; install Debian's package chromium.")
    from playwright.sync_api import sync_playwright

    service, _, url = app
    slowest = 0.0
    with sync_playwright() as playwright:
        for way in ("tab", "page", "browser"):
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_context().new_page()
            page.goto(url)
            page.wait_for_selector(".people .card", timeout=60_000)
            before = service.closed
            page.click("#compare")
            page.wait_for_selector(".cope-heatmap .tok >> nth=9", timeout=60_000)
            {"tab": page.close, "page": lambda page=page: page.goto("about:blank"), "browser": browser.close}[way]()
            slowest = max(slowest, stopping(service, before))
            browser.close()
    assert slowest < STOPPED
    print(f"\na closed tab, page or browser stopped the work within {slowest:.2f} s")
