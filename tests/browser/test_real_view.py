"""The token view on the real app and the embedded model: link, branch, step mode, ways to save, reload, lesson."""

import json
from pathlib import Path

from tests.browser.conftest import visit
from tests.browser.test_token_view import COPE, texts

STEPS = ".cope-steps"


def written_on(page):
    """Waits until a continuation has been asked for, written and marked."""
    page.wait_for_selector(f"{COPE} .branched button:enabled", timeout=60_000)


def test_a_walk_through_the_view(chromium, app_url):
    with visit(chromium, f"{app_url}?user=ines&prompt=Write+a+post+about+the+night+bus.&max_new_tokens=30") as page:
        page.wait_for_selector(".cope-notice p", state="detached", timeout=60_000)
        page.wait_for_function("document.querySelector('#prompt textarea').value.includes('night bus')")
        page.wait_for_function("document.querySelector('#max_new_tokens input[type=number]').value === '30'")
        page.click("#compare")
        page.wait_for_selector(f"{COPE}.ended", timeout=60_000)
        page.wait_for_function(f"document.querySelector('{COPE} .foot').textContent.includes('style likeness')")
        first = texts(page, "cope")

        # The heatmap's measures, and why a word was chosen.
        for measure in ("reward", "logp_user", "logp_base", "rank", "head", "none", "difference"):
            page.select_option(".choice select >> nth=0", measure)
        page.focus(f"{COPE} .tok >> nth=0")
        page.keyboard.press("n")
        page.keyboard.press("Enter")
        page.wait_for_selector(".inspector:visible")
        assert page.inner_text(".inspector .why").endswith(".")
        assert page.locator(".inspector .choices tbody tr").count() == 10

        # What another alpha would change, and the real decoding from there.
        page.fill(".whatif input >> nth=0", "1")
        assert page.locator(".tok.would").count() > 0
        page.click(".whatif .go")
        written_on(page)
        page.wait_for_function("document.querySelector('.cope-heatmap .status').textContent.startsWith('Done')")
        assert texts(page, "cope") != first and "alpha 1" in page.inner_text(f"{COPE} .branched")
        page.click(f"{COPE} .branched button")
        assert texts(page, "cope") == first

        # Another word, and on from it.
        page.click(f"{COPE} .tok >> nth=2")
        page.click(".inspector button:text('write') >> nth=0")
        written_on(page)
        other = texts(page, "cope")
        assert other[:2] == first[:2] and other[2] != first[2]
        page.keyboard.press("Escape")
        assert page.is_hidden(".inspector")

        # Step mode on the branched text.
        page.click(".cope-steps-fold > summary")
        page.fill(f"{STEPS} input[type=range]", "3")
        page.click(f"{STEPS} .phase >> nth=3")
        assert page.inner_text(f"{STEPS} .text mark") == other[2]

        # The table, and what can be taken away.
        page.select_option(".later select", "table")
        assert page.locator(".tables table >> nth=2").locator("tbody tr").count() == len(other)
        page.select_option(".later select", "tokens")
        taken = {}
        for name in ("Picture", "Page", "Data (JSON)", "Table (CSV)"):
            page.click(".save summary")
            with page.expect_download() as download:
                page.click(f".save button:has-text('{name}')")
            taken[name] = Path(download.value.path()).read_bytes()
        trace = json.loads(taken["Data (JSON)"])
        assert [t["text"] for t in trace["columns"][2]["tokens"]] == other and trace["user"] == "ines"
        assert taken["Picture"].startswith(b"\x89PNG") and b"night bus" in taken["Page"]
        assert taken["Table (CSV)"].count(b"\n") > len(other)

        # A reload loses nothing of it; a lesson opens over it.
        page.reload()
        page.wait_for_selector(f"{COPE}.ended")
        assert texts(page, "cope") == other
        page.click(".cope-lessons [data-id=reward]")
        page.wait_for_selector(".cope-lesson h3:has-text('Lesson 1')")
        assert page.locator(f"{COPE} .tok").count() > 0
