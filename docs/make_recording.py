"""Makes docs/images/recording.gif from the running app, about 20 seconds of it: python docs/make_recording.py

The page opens and its demonstration writes up to an overruled word; alpha is dragged; through the door "A person" a
sample user is compared, and a word looked into. Each frame lasts as long as it did. Needs Debian's package chromium.
"""

import io
import shutil
import sys
import time

from make_screenshots import ARGS, IMAGES, LAPTOP, running_app
from PIL import Image
from playwright.sync_api import sync_playwright

TARGET = IMAGES / "recording.gif"
WIDTH, COLOURS, LIMIT = 960, 96, 3_000_000
SLOWEST = 400
"""Milliseconds that a frame may last; where the machine was slower, as with a model that loads, time is cut."""


class Recorder:
    """Frames of a page, each with the milliseconds that it lasted."""

    def __init__(self, page):
        self.page, self.frames = page, []

    def take(self) -> None:
        """One frame, now."""
        begun = time.monotonic()
        png = self.page.screenshot()
        with Image.open(io.BytesIO(png)) as picture:
            height = round(picture.height * WIDTH / picture.width)
            small = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
        self.frames.append((small, begun))

    def run(self, seconds: float) -> None:
        """Frames for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.take()
            time.sleep(0.05)

    def save(self) -> None:
        """Writes the frames, equal neighbours as one, in colours that all share."""
        times = [begun for _, begun in self.frames] + [time.monotonic()]
        kept: list[list] = []
        for number, (picture, begun) in enumerate(self.frames):
            lasts = min(SLOWEST, round(1000 * (times[number + 1] - begun)))
            if kept and kept[-1][0].tobytes() == picture.tobytes():
                kept[-1][1] += lasts
            else:
                kept.append([picture, lasts])
        palette = kept[-1][0].quantize(COLOURS)
        drawn = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture, _ in kept]
        lasting = [lasts for _, lasts in kept]
        drawn[0].save(TARGET, save_all=True, append_images=drawn[1:], duration=lasting, loop=0, optimize=True)
        size = TARGET.stat().st_size
        print(f"wrote {TARGET}: {len(kept)} frames, {sum(lasting) / 1000:.0f} s, {size:,} bytes")
        if size > LIMIT:
            sys.exit(f"At most {LIMIT:,} bytes are allowed: lower WIDTH or COLOURS.")


def play(page, recorder: Recorder) -> None:
    """What is seen, from the first screen to a word that is looked into."""
    recorder.run(6)
    page.click(".cope-demonstration .play")
    slider = ".cope-demonstration input"
    for alpha in (0.12, 0.15, 0.19, 0.22, 0.26, 0.3):
        page.fill(slider, str(alpha))
        recorder.run(0.35)
    page.click("[data-door=person]")
    recorder.run(1.2)
    page.click("#compare")
    while page.locator(".columns .ended").count() < 3 and len(recorder.frames) < 160:
        recorder.run(0.2)
    recorder.run(1)
    page.click(".column[data-method=cope] .tok.overruled >> nth=0")
    recorder.run(4)


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("No Chromium was found: install Debian's package chromium.")
    with running_app() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        page = browser.new_page(viewport=LAPTOP)
        page.goto(url)  # once before, so that the model is loaded and nothing waits for it
        page.click("[data-door=person]")
        page.wait_for_selector(".people .card")
        page.wait_for_selector("#chapter-compare .cope-notice p", state="detached", timeout=120_000)
        page.evaluate("sessionStorage.clear()")
        page.evaluate("scrollTo(0, 0)")
        page.reload()
        recorder = Recorder(page)
        play(page, recorder)
        recorder.save()
        browser.close()


if __name__ == "__main__":
    main()
