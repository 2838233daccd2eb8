"""The token view in a real browser: how evenly it streams, how soon a moved slider shows, what is sent, what stays.

    python benchmarks/speed_view.py [--json] [--quick]

The real page over a service without a model (tests/scripted.py) that writes three columns of 200 tokens with ten
alternatives each. A frame is the time between two pictures of the browser; the bars are those of docs/speed.md. Needs
Debian's package chromium. Quick: four comparisons instead of fifty.
"""

import math
import os
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from chromium import open_chromium
from common import table

TOKENS, ALTERNATIVES = 200, 10
PACE = 0.03
"""Seconds between two tokens of a column while the frames are watched: faster than the embedded model writes."""
ROUNDS, QUICK_ROUNDS = 50, 4
FRAMES = """() => {
  window.frames = [];
  let last = performance.now();
  const tick = (now) => { window.frames.push(now - last); last = now; if (window.frames) requestAnimationFrame(tick); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(tick); });
}"""
REPAINT = """(alpha) => new Promise((done) => {
  const slider = document.querySelector('.whatif input');
  const started = performance.now();
  slider.value = alpha;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - started)));
})"""


def make_scripted_service(folder: Path):
    """The scripted service, with whole steps of the asked size."""
    from cope_demo.decode.methods import COLUMNS
    from cope_demo.decode.trace import Alternative, Column, ColumnEnd, TokenEvent, Trace, TraceToken
    from tests.scripted import Service

    class Whole(Service):
        pace = 0.0

        def compare(self, user_id, prompt, config, methods=COLUMNS, against="") -> Iterator:
            draw = random.Random(7)
            head = ("tiny", user_id, "free_writing", prompt, config.alpha, config.tau, 1.0, list(range(60)))
            columns = [Column(method) for method in methods]
            yield Trace(*head, [Column(method) for method in methods])
            for step in range(TOKENS):
                time.sleep(self.pace)
                for column in columns:
                    column.tokens.append(self.step(draw, column.method, config))
                    yield TokenEvent(column.method, step, column.tokens[-1])
            for column in columns:
                column.stopped = "length"
                yield ColumnEnd(column.method, "length")
            yield Trace(*head, columns)

        def step(self, draw, method, config) -> TraceToken:
            """A decision between ten tokens, taken as the method takes it."""
            user, base = ([draw.random() ** 5 + 1e-6 for _ in range(ALTERNATIVES)] for _ in range(2))
            rows = []
            for mine, other in zip(user, base, strict=True):
                word = " " + "".join(draw.choices("etaoinshrdlu", k=draw.randint(2, 9)))
                logs = math.log(mine / sum(user)), math.log(other / sum(base))
                reward = logs[0] - config.alpha * logs[1]
                score = {"greedy": logs[1], "oppu": logs[0], "cope": reward}[method]
                inside = mine >= config.tau * max(user)
                rows.append(Alternative(draw.randrange(49_000), word, *logs, reward, score, inside))
            rows.sort(key=lambda row: (method != "greedy" and not row.in_head, -row.score))
            best = rows[0]
            numbers = (best.logp_user, best.logp_base, best.reward, best.score, best.in_head)
            return TraceToken(best.id, best.text, *numbers, sum(row.in_head for row in rows), tuple(rows))

    return Whole(folder)


def run_comparison(page) -> None:
    """Presses the button and waits for the end of the new comparison."""
    page.evaluate("document.querySelectorAll('.column').forEach((column) => column.dataset.old = 1)")
    page.evaluate("document.querySelector('#compare').click()")
    page.wait_for_selector(".column[data-method=cope].ended:not([data-old])", timeout=60_000)
    page.wait_for_selector("#compare:not([disabled])")


def measure_memory(session) -> tuple[float, int]:
    """(megabytes of JavaScript's heap, nodes of the page) after its garbage is collected."""
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    return used, session.send("Memory.getDOMCounters")["nodes"]


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    os.environ["COPE_DATA"] = str(folder / "var")
    from cope_demo.ui.streams import stream
    from tests.running import run_page

    service = make_scripted_service(folder)
    decoding = {"alpha": 0.1, "tau": 0.1, "max_new_tokens": TOKENS, "repetition_penalty": 1.0}
    texts = stream(service, "ada", "Ada", prompt="Write.", **decoding, temperature=0, seed=0)
    payload = len(list(texts)[-1].encode())
    yield {"what": "a comparison's data, kB", "measured": round(payload / 1e3), "bar": 1000}
    with run_page(service) as running, open_chromium("--enable-precise-memory-info") as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(running.url)
        page.evaluate("document.documentElement.dataset.open = 'compare'")  # the chapter, without the page's opening
        page.wait_for_selector(".people .card")
        page.click("#advanced > button")
        page.fill("#max_new_tokens input[type=number]", str(TOKENS))
        page.press("#max_new_tokens input[type=number]", "Tab")
        session = page.context.new_cdp_session(page)
        for domain in ("Network", "HeapProfiler"):
            session.send(f"{domain}.enable")
        received = [0]
        session.on("Network.dataReceived", lambda event: received.__setitem__(0, received[0] + event["dataLength"]))
        service.pace = PACE
        run_comparison(page)  # the first one warms up
        received[0] = 0
        page.evaluate(FRAMES)
        run_comparison(page)
        frames = page.evaluate("(() => { const all = window.frames; window.frames = null; return all; })()")
        sent = received[0]
        page.evaluate("document.querySelectorAll('.column[data-method=cope] .tok')[50].click()")
        repaints = [page.evaluate(REPAINT, alpha / 20) for alpha in (*range(30), *range(30, 0, -1))]
        page.keyboard.press("Escape")
        service.pace = 0.0
        for _ in range(3):
            run_comparison(page)
        held = [measure_memory(session)]
        for _ in range(2):
            for _ in range(rounds // 2):
                run_comparison(page)
            held.append(measure_memory(session))
    yield from [
        {"what": "longest frame of a stream, ms", "measured": round(max(frames)), "bar": 100},
        {"what": "median frame of a stream, ms", "measured": round(statistics.median(frames), 1)},
        {"what": "alpha moved to repainted, longest of 60, ms", "measured": round(max(repaints)), "bar": 100},
        {"what": "alpha moved to repainted, median, ms", "measured": round(statistics.median(repaints))},
        {"what": "sent over the wire for it, kB", "measured": round(sent / 1e3), "bar": 1000},
        {"what": f"heap before, amid and after {rounds} comparisons, MB", "measured": [round(mb, 1) for mb, _ in held]},
        {"what": f"nodes before, amid and after {rounds} comparisons", "measured": [nodes for _, nodes in held]},
    ]


if __name__ == "__main__":
    table("The token view in a browser", measure)
