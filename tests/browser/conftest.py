"""A real Chromium over the real app. Where there is none, these tests skip with a sentence."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from cope_demo import paths
from cope_demo.saved.store import Store
from cope_demo.ui import api, connector
from cope_demo.ui.site.build import write_site
from tests.running import run_page
from tests.scripted import CARD, Service, publish

ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUICK_FIT = {"oppu_epochs": 1, "holdout": 1, "candidates": 1, "candidate_temperature": 0.0, "max_response_tokens": 32}
"""A fit that takes seconds; what it learns does not matter here."""
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TABLET = {"width": 820, "height": 1000}
CHAPTERS = ("compare", "own", "lessons", "score", "behind")
OPEN_ALL = f"""{{
  const all = '{" ".join(CHAPTERS)}';
  try {{
    if (sessionStorage.getItem('cope-chapters') === null) sessionStorage.setItem('cope-chapters', all);
  }} catch {{ // a frame that may keep nothing
    addEventListener('DOMContentLoaded', () => {{ document.documentElement.dataset.open = all; }});
  }}
}}"""
"""For a tab's first page: as if every chapter had been opened."""


@pytest.fixture(scope="session")
def chromium():
    """The browser, started once."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("No Chromium was found; install Debian's package chromium to run the browser tests.")
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed; run make setup.")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


NOTHING = {"cookies": [], "origins": []}
"""What a new browser has stored."""
_kept: dict[tuple, object] = {}
"""Browser profiles that nobody uses now: what they hold of the page's scripts need not be read and compiled again."""


@contextmanager
def _borrow_profile(chromium, phone: bool, dark: bool, chapters: bool):
    """A browser's profile. One in which a test failed is not used again."""
    kind = phone, dark, chapters
    context = _kept.pop(kind, None)
    if context is None:
        settings = {"color_scheme": "dark" if dark else "light", "has_touch": phone, "is_mobile": phone}
        context = chromium.new_context(viewport=PHONE if phone else DESKTOP, **settings)
        if chapters:
            context.add_init_script(OPEN_ALL)
    try:
        yield context
        context.clear_permissions()
        for page in context.pages:
            page.close()
    except BaseException:
        context.close()
        raise
    if _kept.setdefault(kind, context) is not context:  # two of a kind were open at once
        context.close()


@contextmanager
def visit(chromium, url, size=DESKTOP, dark=False, state=None, chapters=True, script=""):
    """A page in a browser of its own. Dialogs, script errors and requests to other hosts fail the test.

    state: what the browser has stored. chapters: whether all chapters are open, or none, as a newcomer finds them.
    script: runs before each page.
    """
    with _borrow_profile(chromium, size is PHONE, dark, chapters) as context:
        page = context.new_page()
        page.set_viewport_size(size)
        page.set_default_timeout(20_000)
        trouble: list[str] = []
        page.on("dialog", lambda dialog: (trouble.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on(
            "console", lambda line: "Content Security Policy" in line.text and trouble.append(f"refused: {line.text}")
        )
        page.on("pageerror", lambda error: trouble.append(f"script error {error}"))
        own = re.compile(r"(http://127\.0\.0\.1[:/]|data:|blob:)")
        page.on("request", lambda request: own.match(request.url) or trouble.append(f"request to {request.url}"))
        context.set_storage_state(state or NOTHING)
        if script:
            page.add_init_script(script)
        page.goto(url)
        page.wait_for_selector(".people .card", state="visible" if chapters else "attached")
        yield page
        hit = page.evaluate("window.hit")
    assert trouble == [] and hit is None


@contextmanager
def filling_places(service, url):
    """Others take all places; they write on when the gate, a threading.Event, opens, and are whole in the end."""
    from gradio_client import Client

    gate = threading.Event()
    service.pause = lambda step: gate.wait(60)
    client = Client(url, verbose=False)
    others = [client.submit("ada", "Write.", api_name="/compare") for _ in range(2)]
    try:
        yield gate
    finally:
        gate.set()
        assert [len(other.result(30)["columns"]) for other in others] == [3, 3]


def open_more(page):
    """Unfolds a comparison's further settings; what is folded is not in the page."""
    if page.query_selector("#more") is None:
        page.click("#advanced > button")
        page.wait_for_selector("#more")


@pytest.fixture(scope="session")
def scripted_page(tmp_path_factory):
    """The real page over a scripted service (RunningPage), for what a model cannot be asked to say."""
    root = tmp_path_factory.mktemp("scripted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(root / "var"))
        for options in (api._MODEL, connector.WRITING):
            patch.setitem(options, "concurrency_limit", 2)  # so that a test can fill all places
        with run_page(Service(root)) as page:
            yield page


@pytest.fixture
def service(scripted_page):
    """The scripted service, its script as it stands at first."""
    scripted_page.service.reset()
    return scripted_page.service


@pytest.fixture
def bob(service, tmp_path):
    """A second sample user, Bob, while a test runs."""
    samples = service.store.samples_dir
    publish(Store(samples, tmp_path / "none"), tmp_path / "scratch", "bob", "Bob Hem")
    (samples / "bob" / "card.json").write_text(json.dumps({**CARD, "name": "Bob Hem"}))
    yield
    shutil.rmtree(samples / "bob")


@pytest.fixture
def scripted_url(service, scripted_page):
    """Where the scripted page is."""
    return scripted_page.url


@pytest.fixture(scope="session")
def app_data(tmp_path_factory):
    """All that the real app writes: its data, its temporary files, its log."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="session")
def app_url(app_data, chromium):
    """The real app on the embedded model, in a process of its own with its own data."""
    data = app_data
    (data / "tmp").mkdir()
    settings = {"COPE_DATA": str(data), "COPE_CACHE": str(paths.cache_dir()), "COPE_FIT_CONFIG": json.dumps(QUICK_FIT)}
    settings["TMPDIR"] = str(data / "tmp")
    code = "from cope_demo.ui.server import serve; serve(host='127.0.0.1')"
    with open(data / "log.txt", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=paths.ROOT,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            match = re.search(r"http://\S+", server.stdout.readline())
            assert match, f"the app did not start: {(data / 'log.txt').read_text()[-2000:]}"
            yield match[0]
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> str:
    """The site's address on this disk."""
    folder = tmp_path_factory.mktemp("site") / "site"
    write_site(folder)
    return folder.as_uri()


@pytest.fixture
def offline(chromium, site):
    """A tab without a network. Script errors, missing files and requests to elsewhere fail the test."""
    context = chromium.new_context(viewport=DESKTOP, offline=True, reduced_motion="reduce")
    trouble: list[str] = []
    context.on("weberror", lambda error: trouble.append(f"script error {error.error}"))
    context.on("requestfailed", lambda request: trouble.append(f"not there: {request.url}"))
    context.on("request", lambda r: r.url.startswith((site, "blob:")) or trouble.append(f"request to {r.url}"))
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()
    assert trouble == []
