"""A real Chromium (Debian's package) for what is measured of the page, and what notes its beginning there."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
ARGS = ("--no-sandbox", "--disable-gpu", "--no-first-run")
WATCH = """
  window.shifts = [0];
  window.begun = null;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
  }).observe({ type: 'layout-shift', buffered: true });
  new MutationObserver((changes) => {
    const shown = changes.some(({ target, oldValue }) => oldValue === 'later' && target.className === '');
    if (window.begun === null && shown) window.begun = performance.now();
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ['class'], attributeOldValue: true });
"""
"""Notes how far the page's parts move by themselves, and when the demonstration's first word shows, in milliseconds."""


@contextmanager
def open_chromium(*more: str) -> Iterator:
    """A browser of playwright, with further arguments. Raises RuntimeError where no Chromium is installed."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("No Chromium was found; install Debian's package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGS, *more])
        try:
            yield browser
        finally:
            browser.close()
