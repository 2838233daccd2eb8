"""The running app: how soon it is usable, how soon a sample user's first token comes, and what a fit costs a viewer.

    python benchmarks/speed_page.py [--json] [--quick]

Starts app.py with a data folder of its own (the converted model is kept: a warm machine). "Usable" is when the page and
its settings are served; "ready" when the model is loaded. Quick: one
comparison of 20 tokens, and none beside a fit.
"""

import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from common import table
from gradio_client import Client

from cope_demo.paths import ROOT, SAMPLE_USERS, cache_dir

PORT = 7899
PROMPT = "Write a post about the night bus."
TOKENS, QUICK_TOKENS = 100, 20


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


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    env = os.environ | {
        "COPE_DATA": str(folder / "var"),
        "COPE_CACHE": str(cache_dir()),
        "GRADIO_SERVER_PORT": str(PORT),
    }
    tokens, runs = (QUICK_TOKENS, 1) if quick else (TOKENS, 3)
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{PORT}/"
        yield {"what": "start to a usable page", "seconds": round(wait_for(url, 60), 1)}
        client = Client(url, verbose=False)
        asked = time.perf_counter()
        cold, _ = stream(client, 2)
        ready = time.perf_counter() - asked
        yield {
            "what": "first token when asked right after the start",
            "seconds": round(cold, 1),
            "all": round(ready, 1),
        }
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
