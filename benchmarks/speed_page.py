"""The running app: how soon it is usable, how soon a sample user's first token comes, and what a fit costs a viewer.

    python benchmarks/speed_page.py [--json] [--quick]

Starts app.py with a data folder of its own (the converted model is kept: a warm machine). "Usable" is when the page and
its settings are served. Then a real Chromium (Debian's package) opens it for the first time: when the demonstration's
first word moves, counted from the end of the page's HTML; how far parts of the page move by themselves; and what is
sent beside Gradio's own scripts and styles. Quick: one comparison of 20 tokens, and none beside a fit.
"""

import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from chromium import LAPTOP, PHONE, WATCH, open_chromium
from common import table
from gradio_client import Client

from cope_demo.paths import ROOT, SAMPLE_USERS, cache_dir

PROMPT = "Write a post about the night bus."
TOKENS, QUICK_TOKENS = 100, 20
GRADIO = ("/assets/", "/static/", "/theme.css", "/gradio_api/")
"""Paths of what is Gradio's own."""


def wait_for(url: str, limit: float) -> float:
    """Seconds until the address answers."""
    started = time.perf_counter()
    while time.perf_counter() - started < limit:
        try:
            urllib.request.urlopen(url, timeout=2).read()
            return time.perf_counter() - started
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer within {limit} s")


def stream(client: Client, tokens: int) -> tuple[float, float]:
    """(seconds to the first token, tokens a second of a column afterwards) of one comparison by the endpoint."""
    started = time.perf_counter()
    first, count, last = None, 0, started
    job = client.submit(user="ines", prompt=PROMPT, max_new_tokens=tokens, api_name="/compare")
    for message in job:
        events = message.get("events")
        if events:
            last = time.perf_counter()
            first = first or last - started
            count = max([count, *(event["index"] + 1 for event in events if "index" in event)])
    return first, (count - 1) / (last - started - first)


def open_page(url: str, size: dict) -> Iterator[dict]:
    """The rows of a page that is opened for the first time in a window of this size."""
    with open_chromium() as browser:
        context = browser.new_context(viewport=size, is_mobile=size is PHONE)
        context.add_init_script(WATCH)
        page, where, sent = context.new_page(), {}, {"ours": 0, "all": 0}
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.on(
            "Network.responseReceived", lambda event: where.update({event["requestId"]: event["response"]["url"]})
        )

        def count(event: dict) -> None:
            address = urlsplit(where.get(event["requestId"], ""))
            own = address.scheme == "http" and not address.path.startswith(GRADIO)
            sent["all"] += event["encodedDataLength"]
            sent["ours"] += event["encodedDataLength"] if own else 0

        session.on("Network.loadingFinished", count)
        page.goto(url)
        page.wait_for_selector(".people .card", state="attached", timeout=60_000)
        page.wait_for_timeout(3000)  # a late part would move others now
        html = page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd")
        begun, shifts = page.evaluate("window.begun"), page.evaluate("window.shifts")
    width = size["width"]
    yield {"what": f"HTML to the first moving word, {width}", "seconds": round((begun - html) / 1000, 2), "bar": 1.5}
    yield {"what": f"layout shift, {width}", "measured": round(sum(shifts), 3), "bar": 0.05}
    weight = {name: round(size / 1e6, 2) for name, size in sent.items()}
    yield {"what": "sent beside Gradio's own, MB", "measured": weight["ours"], "bar": 1.5, "with it": weight["all"]}


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    from tests.free_port import find_free_port

    port = find_free_port()  # another server's answers are not to be measured
    env = os.environ | {
        "COPE_DATA": str(folder / "var"),
        "COPE_CACHE": str(cache_dir()),
        "GRADIO_SERVER_PORT": str(port),
    }
    tokens, runs = (QUICK_TOKENS, 1) if quick else (TOKENS, 3)
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/"
        yield {"what": "start to a usable page", "seconds": round(wait_for(url, 60), 1), "bar": 4}
        client = Client(url, verbose=False)
        asked = time.perf_counter()
        cold, _ = stream(client, 2)
        ready = time.perf_counter() - asked
        yield {
            "what": "first token when asked right after the start",
            "seconds": round(cold, 1),
            "bar": 5,
            "all": round(ready, 1),
        }
        for size in (LAPTOP, PHONE):
            yield from open_page(url, size)
        found = [stream(client, tokens) for _ in range(runs)]
        first, alone = (statistics.median(one[which] for one in found) for which in (0, 1))
        yield {"what": "first token of a sample user, warm", "seconds": round(first, 2)}
        yield {"what": "tokens a second and column, alone", "tokens/s": round(alone, 1)}
        if not quick:
            yield measure_beside_fit(client, alone)
    finally:
        server.terminate()
        server.wait(20)


def measure_beside_fit(client: Client, alone: float) -> dict:
    """The row of comparisons while a fit runs. alone: tokens a second without one."""
    text = (SAMPLE_USERS / "walter" / "texts.txt").read_text("utf-8")
    fit = client.predict(text=text, api_name="/fit")
    mine = {"job": fit["job"], "secret": fit["secret"]}
    state, deadline = {}, time.perf_counter() + 120
    while state.get("stage") != "oppu" or len(state["events"]) < 3:
        state = client.predict(**mine, api_name="/fit_status")
        if time.perf_counter() > deadline or state["error"]:
            raise RuntimeError(f"the fit did not start: {state}")
        time.sleep(0.5)
    beside = statistics.median(stream(client, TOKENS)[1] for _ in range(3))
    still = client.predict(**mine, api_name="/fit_status")["state"]
    client.predict(**mine, api_name="/cancel_fit")
    share = round(beside / alone, 2)
    return {"what": f"beside a fit ({still})", "tokens/s": round(beside, 1), "share of alone": share}


if __name__ == "__main__":
    table("The running app", measure)
