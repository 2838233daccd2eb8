"""Makes the pictures in docs/images from the running app: python docs/make_screenshots.py [--user ID] [--prompt TEXT]

Starts the app with a data folder of its own and takes first.png (the page as it opens); chooses a sample user,
compares, and takes desktop-light.png, desktop-dark.png and phone.png; then inspector.png, steps.png, lesson.png,
present.png and score.png, one picture of each. Needs Debian's package chromium and a fitted sample user.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WINDOW, LAPTOP = {"width": 1280, "height": 900}, {"width": 1280, "height": 800}
DESKTOP, PHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 844}


@contextmanager
def running_app():
    """The app's address; it is stopped afterwards, and its data removed."""
    sys.path.insert(0, str(ROOT))
    from cope_demo.paths import cache_dir

    with tempfile.TemporaryDirectory() as data:
        env = {**os.environ, "COPE_DATA": data, "COPE_CACHE": str(cache_dir())}
        code = "from cope_demo.ui.server import serve; serve(host='127.0.0.1')"
        server = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        try:
            yield re.search(r"http://\S+", server.stdout.readline())[0]
        finally:
            server.terminate()
            server.wait(20)


def compare_methods(browser, url: str, user: str, prompt: str | None, size: dict, dark: bool):
    """A page on which the sample user's three columns are written."""
    phone = size is PHONE
    context = browser.new_context(
        viewport=size,
        color_scheme="dark" if dark else "light",
        is_mobile=phone,
        has_touch=phone,
        device_scale_factor=2 if phone else 1,
    )
    page = context.new_page()
    page.goto(url)
    if size is DESKTOP and not dark:
        page.set_viewport_size(LAPTOP)
        page.wait_for_selector(".cope-demonstration .told .overruled")
        page.wait_for_selector(".chapter-head")
        shoot(page, "first")
        page.set_viewport_size(size)
    page.click("[data-door=person]")
    page.click(f".people [data-id={user}]")
    page.wait_for_selector(f".people [data-id={user}][aria-checked=true]")
    page.wait_for_selector("#chapter-compare .cope-notice p", state="detached", timeout=120_000)
    if prompt:
        page.fill("#prompt textarea", prompt)
    page.click("#compare")
    page.wait_for_selector(".columns .ended >> nth=2", timeout=300_000)
    page.wait_for_timeout(800)
    return page


def strongest(page) -> str:
    """A selector of the CoPe column's longer token that is likeliest for the person against the base model."""
    index = page.evaluate(
        """(() => {
          const long = [...document.querySelectorAll('.column[data-method=cope] .tok')].filter(
            (span) => span.textContent.trim().length > 3);
          return long.sort((a, b) => b.dataset.value - a.dataset.value)[0].dataset.index;
        })()"""
    )
    return f".column[data-method=cope] .tok[data-index='{index}']"


def shoot(page, name: str) -> None:
    """The window as it stands, once nothing moves any more."""
    page.wait_for_timeout(700)
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"wrote {IMAGES / name}.png", flush=True)


def parts(page) -> None:
    """One picture of each part that is opened on the page of a comparison; what was written is then scored."""
    text = "(methods) => methods.map((m) => document.querySelector(`.column[data-method=${m}] .tokens`).textContent)"
    written = page.evaluate(text, ["greedy", "cope"])
    page.set_viewport_size(WINDOW)
    page.click(strongest(page))
    page.wait_for_selector(".inspector:visible")
    page.evaluate("document.querySelector('.cope-heatmap .columns').scrollIntoView()")
    shoot(page, "inspector")
    page.keyboard.press("Escape")
    page.click(".cope-steps-fold > summary")
    overruled = page.locator(".column[data-method=cope] .tok.overruled").first.get_attribute("data-index")
    page.fill(".cope-steps input[type=range]", str(int(overruled) + 1))
    page.evaluate("document.querySelector('.cope-steps-fold').scrollIntoView()")
    shoot(page, "steps")
    page.click("[data-chapter=lessons]")
    lesson(page)
    page.click("[data-chapter=score]")
    page.fill("#text-a textarea", written[1])
    page.fill("#text-b textarea", written[0])
    page.click("#score")
    page.wait_for_selector("#score-view .ended >> nth=1", timeout=120_000)
    page.evaluate("document.querySelector('#verdict-view').scrollIntoView()")
    shoot(page, "score")


def lesson(page) -> None:
    """The last step of the first lesson, told, in the story and in presenter mode."""
    page.click(".cope-lessons [data-id=reward]")
    page.wait_for_selector(".cope-lesson:visible")
    while page.is_enabled(".cope-lesson .next"):
        page.click(".cope-lesson .next")
    page.click(".scene.now .option >> nth=0")
    page.wait_for_selector(".cope-figure .cope-rows[data-phase='3']")
    page.wait_for_timeout(1500)
    shoot(page, "lesson")
    page.click(".cope-lesson .present")
    page.keyboard.press("PageDown")  # the answer
    page.wait_for_selector(".cope-present .cope-rows[data-phase='3']")
    page.wait_for_timeout(1500)
    shoot(page, "present")
    page.keyboard.press("Escape")
    page.click(".cope-lesson .close")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--user", default="ines", help="a fitted sample user (default: %(default)s)")
    options.add_argument("--prompt", help="default: the user's first example prompt")
    given = options.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("No Chromium was found: install Debian's package chromium.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with running_app() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        for name, size, dark in (
            ("desktop-light", DESKTOP, False),
            ("desktop-dark", DESKTOP, True),
            ("phone", PHONE, False),
        ):
            page = compare_methods(browser, url, given.user, given.prompt, size, dark)
            if size is PHONE:
                page.locator(strongest(page)).scroll_into_view_if_needed()
                page.evaluate("document.querySelector('.column[data-method=cope]').scrollIntoView()")
                page.tap(strongest(page))
                page.wait_for_selector(".inspector:visible")
            else:
                page.evaluate("document.querySelector('#chapter-compare').scrollIntoView()")
                page.wait_for_timeout(400)
                page.hover(strongest(page))
                page.wait_for_selector(".cope-tip:visible")
            shoot(page, name)
            if name == "desktop-light":
                parts(page)
            page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
