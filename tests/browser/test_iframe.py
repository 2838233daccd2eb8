"""The page in a frame of another site, as a Space is seen: where the browser lets it keep things, and where not."""

import shutil
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from cope_demo.ui import links
from cope_demo.ui.panels.comeback import NO_KEY, NOTHING_THERE
from tests.accounts import run_page_with_accounts
from tests.browser.conftest import ARGS, DESKTOP, OPEN_ALL
from tests.browser.test_axe import violations
from tests.browser.test_token_view import COPE
from tests.scripted import Service, publish

SPACE = "https://huggingface.co/spaces/ada/cope"
OUTSIDE = """<!doctype html><title>A Space</title>
<iframe src="%s" allow="clipboard-write" style="border:0;width:100%%;height:850px"></iframe>"""
TEXTS = "\n---\n".join(f"Text number {n} is about seams and needles." for n in range(6))
ALLOWED = ["LocalNetworkAccessChecks"]
"""Features of Chromium that are off: it would ask before a page of the network shows one of this machine."""
BLOCKED = [*ALLOWED, "ThirdPartyStoragePartitioning"]
"""Off as well: without it Chromium refuses storage to a frame of another site, as some browsers and settings do."""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The page of a scripted service where people can log in."""
    root = tmp_path_factory.mktemp("framed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(root / "var"))
        patch.setattr(links, "find_address", lambda: SPACE)
        with run_page_with_accounts(Service(root)) as page:
            yield page


@contextmanager
def visit_framed(chromium, url: str, off: list[str]):
    """The page `outer`, and the app as `inner` in its frame. Errors and strange requests fail the test."""
    flags = [*ARGS, f"--disable-features={','.join(off)}"]
    browser = chromium.browser_type.launch(executable_path=shutil.which("chromium"), args=flags)
    context = browser.new_context(viewport=DESKTOP)
    context.add_init_script(OPEN_ALL)
    context.route("https://huggingface.co/**", lambda r: r.fulfill(content_type="text/html", body=OUTSIDE % url))
    trouble: list[str] = []
    context.on("weberror", lambda error: trouble.append(f"script error {error.error}"))
    context.on("console", lambda line: line.type == "error" and trouble.append(line.text))
    context.on("request", lambda r: r.url.startswith((url, SPACE, "data:")) or trouble.append(f"request to {r.url}"))
    outer = context.new_page()
    outer.set_default_timeout(20_000)
    outer.goto(SPACE)
    inner = outer.frame_locator("iframe")
    inner.locator(".people .card").first.wait_for()
    yield SimpleNamespace(outer=outer, inner=inner, find=inner.locator)
    browser.close()
    assert trouble == []


def reload(page):
    page.outer.reload()
    page.find(".people .card").first.wait_for()


def fit(page, service, tmp_path):
    """Pastes texts and starts a fit, which is then done at once."""
    page.find("[data-id=new]").click()
    page.find("#history textarea").fill(TEXTS)
    page.find(".cope-preview .summary").wait_for()
    page.find("#name textarea, #name input").fill("Seamstress")
    page.find("#start-fit").click()
    page.find("#cancel-fit").wait_for()
    asked = service.jobs.requests[-1]
    publish(service.store, tmp_path, asked.user_id, "Seamstress", owner=asked.owner)
    service.jobs.set(f"job{len(service.jobs.requests)}", asked.user_id, "done")
    page.find(".cope-fit .report").wait_for()


def compare(page):
    page.find("#compare").click()
    page.find(f"{COPE}.ended").wait_for()


def sign_in(page):
    """Presses the button, which opens a tab of its own and leaves the frame as it is."""
    with page.outer.context.expect_page() as opened:
        page.find("#login").click()
    opened.value.wait_for_load_state()
    assert "/login/huggingface?_target_url=/" in opened.value.url
    opened.value.close()


def erase(page):
    page.find("#privacy > button").click()
    page.find("#ask-erase").click()
    page.find("#erase").click()
    page.find("#erased .notice").wait_for()


def test_a_frame_that_may_keep_things_is_the_page_as_it_is(chromium, running, tmp_path):
    mine = running.service.store
    with visit_framed(chromium, running.url, ALLOWED) as page:
        compare(page)
        page.find("text=Copy link").click()
        page.find(".cope-link input").wait_for()
        assert page.find(".cope-link input").input_value().startswith(f"{SPACE}?user=ada&prompt=")
        fit(page, running.service, tmp_path)
        compare(page)
        sign_in(page)
        reload(page)
        page.find(".card[aria-checked=true] .name:text('Seamstress')").wait_for()
        assert not page.find(".cope-comeback").is_visible()
        erase(page)
        reload(page)
        assert page.find(".card .name:text('Seamstress')").count() == 0 and not any(
            mine.users_dir.glob("*/manifest.json")
        )


def test_a_frame_that_may_keep_nothing_gives_a_key(chromium, running, tmp_path):
    with visit_framed(chromium, running.url, BLOCKED) as page:
        compare(page)
        page.find("[data-id=new]").click()
        assert "keep the key" in page.find(".cope-fit .line").last.inner_text()
        fit(page, running.service, tmp_path)
        key = page.find(".cope-comeback input").input_value()
        assert "a reload forgets your fit" in page.find(".cope-comeback p").first.inner_text()
        assert violations(page.outer.frames[1]) == []
        compare(page)
        sign_in(page)
        reload(page)
        assert page.find(".card .name:text('Seamstress')").count() == 0
        page.find(".cope-comeback summary").click()
        for wrong, said in (("seamstress", NO_KEY), ("0" * 64, NOTHING_THERE), (f" {key}\n", None)):
            page.find(".cope-comeback input").fill(wrong)
            page.find(".cope-comeback button").click()
            if said:
                page.find(f".cope-comeback .problem:text({said!r})").wait_for()
                assert violations(page.outer.frames[1]) == []
        page.find(".card[aria-checked=true] .name:text('Seamstress')").wait_for()
        assert page.find(".cope-comeback input").input_value() == key
        compare(page)
        erase(page)
        page.find(".cope-comeback summary").wait_for()
        assert page.find(".card .name:text('Seamstress')").count() == 0
