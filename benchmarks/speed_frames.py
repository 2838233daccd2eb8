"""What moves in a browser: the longest frame and the longest task while something plays, is dragged or scrolled.

    python benchmarks/speed_frames.py [--json] [--quick]

A real Chromium over files without a server: a saved comparison of three columns of 200 tokens (tests/ui/batch makes it
up), the site's demonstration and lessons, and the page of a batch of 450 comparisons. A frame is the time between two
pictures of the browser (requestAnimationFrame), a task what its `longtask` entries name: 0 where none took 50 ms. The
bar of both is 50 ms; before a page is there, nothing moves on it. Needs Debian's package chromium. Quick: 45 of 450.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from chromium import LAPTOP, PHONE, open_chromium
from common import table

TOKENS = 200
BAR = {"bar": 50}
WATCH = """
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: 'longtask', buffered: true });
  window.watch = () => new Promise((begun) => {
    window.frames = [];
    window.tasks = [];
    let last = 0;
    const tick = (now) => {
      if (!window.frames) return;
      if (last) window.frames.push(now - last);
      else begun();
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  window.tell = () => new Promise((done) => setTimeout(() => {
    const found = { frames: window.frames, tasks: window.tasks };
    window.frames = null;
    done(found);
  }, 200)); // an entry of a task comes some time after it
"""
FIRST_ROW = """new Promise((done) => {
  const look = () => (document.querySelector('.cope-batch .rows summary') ? setTimeout(() => done(performance.now()))
    : requestAnimationFrame(look));
  look();
})"""
"""Milliseconds from the page's navigation to the frame after its list stands there."""


class Tab:
    """A tab of the browser, and the rows of what was measured in it."""

    def __init__(self, browser, size: dict):
        self.phone, self.width = size is PHONE, size["width"]
        self.context = browser.new_context(viewport=size, is_mobile=self.phone, has_touch=self.phone)
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)

    def watch(self, what: str, act: Callable[[], None]) -> dict:
        """The row of one action."""
        self.page.wait_for_timeout(400)  # what was there before comes to rest
        self.page.evaluate("window.watch()")
        act()
        found = self.page.evaluate("window.tell()")
        longest = max(found["tasks"], default=0)
        over = sum(frame > BAR["bar"] for frame in found["frames"])
        frames = {"longest frame, ms": round(max(found["frames"])), "over the bar": f"{over} of {len(found['frames'])}"}
        return {"what": f"{what}, {self.width}", **frames, "longest task, ms": round(longest), **BAR}

    def drag(self, selector: str) -> None:
        """The pointer takes a slider's thumb to its end and back, in small steps."""
        slider = self.page.locator(selector)
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        y, left, right = box["y"] + box["height"] / 2, box["x"] + 8, box["x"] + box["width"] - 8
        self.page.mouse.move(left, y)
        self.page.mouse.down()
        for x in (right, left):
            self.page.mouse.move(x, y, steps=60)
        self.page.mouse.up()

    def scroll(self, turns: int) -> None:
        """The page goes down and up again by a wheel's or a finger's steps."""
        for by in (*[120] * turns, *[-120] * turns):
            self.page.evaluate("(by) => new Promise((done) => { scrollBy(0, by); requestAnimationFrame(done); })", by)


def write_saved(folder: Path) -> Path:
    """A comparison of three columns of 200 tokens as one file."""
    from cope_demo.ui.token_view.standalone import standalone_html
    from tests.ui.batch.made_traces import make_traces

    (trace,) = make_traces(1, TOKENS, users=("ines",), alphas=(0.3,))
    file = folder / "saved.html"
    file.write_text(standalone_html(trace, "Ines"), "utf-8")
    return file


def write_batch(folder: Path, quick: bool) -> Path:
    """The page of 50 prompts, three people and three alphas."""
    from cope_demo.ui.batch.page import write_page
    from tests.ui.batch.made_traces import make_traces

    (folder / "traces").mkdir()
    for number, trace in enumerate(make_traces(5 if quick else 50, 60)):
        (folder / "traces" / f"{number:03}.json").write_text(json.dumps(trace))
    write_page(folder, folder / "index.html")
    return folder / "index.html"


def watch_saved(tab: Tab, file: Path) -> Iterator[dict]:
    """The saved comparison: opened, alpha dragged over it, gone through step by step."""
    page = tab.page
    page.goto(file.as_uri())
    page.wait_for_selector(".column[data-method=cope].ended")
    page.wait_for_timeout(300)
    opening = round(page.evaluate("Math.max(0, ...window.tasks)"))
    yield {"what": f"a saved comparison opens, {tab.width}", "longest task, ms": opening}
    page.evaluate("document.querySelectorAll('.column[data-method=cope] .tok')[50].click()")
    yield tab.watch("alpha dragged over three columns", lambda: tab.drag(".whatif input >> nth=0"))
    page.keyboard.press("Escape")
    page.click(".cope-steps-fold > summary")
    page.locator(".cope-steps .buttons").scroll_into_view_if_needed()
    yield tab.watch("step mode, the place dragged", lambda: tab.drag(".cope-steps .controls input[type=range]"))
    page.select_option(".cope-steps select[aria-label=Speed]", "fast")
    page.fill(".cope-steps .controls input[type=range]", str(TOKENS - 20))

    def play() -> None:
        page.click(".cope-steps .play")
        page.wait_for_timeout(4000)
        page.click(".cope-steps .play")

    yield tab.watch("step mode plays near the end", play)
    page.click(".cope-steps .phase >> nth=3")
    yield tab.watch("alpha dragged in step mode", lambda: tab.drag(".cope-steps .cope-dials input >> nth=0"))


def watch_site(tab: Tab, site: Path) -> Iterator[dict]:
    """The demonstration writes and is dragged; a lesson is gone through, scrolled and presented."""
    page = tab.page
    page.goto((site / "index.html").as_uri())
    page.wait_for_selector(".cope-demonstration .play")
    yield tab.watch("the demonstration writes", lambda: page.wait_for_timeout(6_000))
    yield tab.watch("alpha dragged in the demonstration", lambda: tab.drag(".cope-demonstration input"))
    page.goto((site / "lesson-reward.html").as_uri())
    page.wait_for_selector(".cope-lesson:visible")

    def go_through() -> None:
        while page.is_enabled(".cope-lesson .next"):
            page.click(".cope-lesson .next")
            page.wait_for_timeout(1500)
        page.click(".scene.now .option >> nth=0")
        page.wait_for_selector(".cope-figure .cope-rows[data-phase='3']")
        page.wait_for_timeout(2000)

    yield tab.watch("a lesson step by step", go_through)
    if not tab.phone:  # there the lesson has no room for sliders
        yield tab.watch("alpha dragged in a lesson", lambda: tab.drag(".side .cope-dials input >> nth=0"))
    yield tab.watch("a lesson is scrolled", lambda: tab.scroll(30))
    page.click(".cope-lesson .present")
    page.keyboard.press("Home")

    def present() -> None:
        for _ in range(3):
            page.keyboard.press("PageUp")
            page.wait_for_timeout(400)
        for _ in range(3):
            page.keyboard.press("PageDown")
            page.wait_for_timeout(1500)
        page.wait_for_timeout(3000)

    yield tab.watch("presenter mode", present)


def watch_batch(tab: Tab, file: Path) -> Iterator[dict]:
    """The page of many comparisons opens, is scrolled, sorted and filtered, and opens one."""
    page = tab.page
    page.goto(file.as_uri(), wait_until="commit")
    opened = page.evaluate(FIRST_ROW)
    count = page.inner_text(".about").split()[0]
    size = round(file.stat().st_size / 1e6, 1)
    yield {
        "what": f"a batch of {count} opens, {tab.width}",
        "seconds": round(opened / 1000, 2),
        "bar, s": 2,
        "MB": size,
    }
    yield tab.watch("a batch is scrolled", lambda: tab.scroll(40))

    def sort() -> None:
        for order in ("gain", "word", "count"):
            page.select_option(".suppressed select >> nth=0", order)
            page.wait_for_timeout(300)

    def narrow() -> None:
        for value in ("0.3", "0.5", ""):
            page.select_option("select[name=alpha]", value)
            page.wait_for_timeout(300)

    def open_places() -> None:
        page.click(".rows summary >> nth=0")
        page.wait_for_timeout(300)
        page.click(".place >> nth=0")
        page.wait_for_selector(".inspector:not([hidden])")
        page.wait_for_timeout(700)

    yield tab.watch("a batch is sorted", sort)
    yield tab.watch("a batch is filtered", narrow)
    yield tab.watch("a batch opens a comparison at a place", open_places)


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    from cope_demo.ui.site.build import write_site

    saved, batch = write_saved(folder), write_batch(folder, quick)
    write_site(folder / "site")
    with open_chromium() as browser:
        for size in (LAPTOP, PHONE):
            for act, what in ((watch_saved, saved), (watch_site, folder / "site"), (watch_batch, batch)):
                tab = Tab(browser, size)
                yield from act(tab, what)
                tab.context.close()


if __name__ == "__main__":
    table("What moves in a browser", measure)
