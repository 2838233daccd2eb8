"""The token view on the real app and the embedded model: link, branch, step mode, ways to save, reload, lesson."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.browser.conftest import open_more, visit
from tests.browser.test_token_view import COPE, texts

STEPS = ".cope-steps"


def wait_until_written(page):
    """Waits until a continuation has been asked for, written and marked."""
    page.wait_for_selector(f"{COPE} .branched button:enabled", timeout=60_000)


@pytest.fixture(scope="module")
def compared(chromium, app_url):
    """A comparison of Ines's, whose person, prompt and length came with a link."""
    with visit(chromium, f"{app_url}?user=ines&prompt=Write+a+post+about+the+night+bus.&max_new_tokens=30") as page:
        page.wait_for_selector(".cope-notice p", state="detached", timeout=60_000)
        page.wait_for_function("document.querySelector('#prompt textarea').value.includes('night bus')")
        open_more(page)
        page.wait_for_function("document.querySelector('#max_new_tokens input[type=number]').value === '30'")
        page.click("#compare")
        page.wait_for_selector(f"{COPE}.ended", timeout=60_000)
        page.wait_for_function(f"document.querySelector('{COPE} .foot').textContent.includes('style likeness')")
        yield page


class Branched(NamedTuple):
    """The same page with another word in the CoPe column; before, after: the column's tokens."""

    page: Any
    before: list[str]
    after: list[str]


@pytest.fixture(scope="module")
def branched(compared):
    before = texts(compared, "cope")
    compared.keyboard.press("Escape")  # a click on the pinned token would close the panel
    compared.click(f"{COPE} .tok >> nth=2")
    compared.click(".inspector button:text('write') >> nth=0")
    wait_until_written(compared)
    after = texts(compared, "cope")
    compared.keyboard.press("Escape")
    assert compared.is_hidden(".inspector")
    return Branched(compared, before, after)


def test_every_measure_can_be_chosen_and_a_word_is_explained(compared):
    for measure in ("reward", "logp_user", "logp_base", "rank", "head", "none", "difference"):
        compared.select_option(".choice select >> nth=0", measure)
    compared.focus(f"{COPE} .tok >> nth=0")
    compared.keyboard.press("n")
    compared.keyboard.press("Enter")
    compared.wait_for_selector(".inspector:visible")
    assert compared.inner_text(".inspector .why").endswith(".")
    assert compared.locator(".inspector .choices tbody tr").count() == 10


def test_another_alpha_is_tried_written_and_taken_back(compared):
    first = texts(compared, "cope")
    compared.fill(".whatif input >> nth=0", "1")
    assert compared.locator(".tok.would").count() > 0
    compared.click(".whatif .go")
    wait_until_written(compared)
    compared.wait_for_function("document.querySelector('.cope-heatmap .status').textContent.startsWith('Done')")
    assert texts(compared, "cope") != first and "alpha 1" in compared.inner_text(f"{COPE} .branched")
    compared.click(f"{COPE} .branched button")
    assert texts(compared, "cope") == first


def test_another_word_changes_the_text_from_there(branched):
    before, after = branched.before, branched.after
    assert after[:2] == before[:2] and after[2] != before[2]


def test_step_mode_shows_the_branched_text(branched):
    branched.page.click(".cope-steps-fold > summary")
    branched.page.fill(f"{STEPS} input[type=range]", "3")
    branched.page.click(f"{STEPS} .phase >> nth=3")
    assert branched.page.inner_text(f"{STEPS} .text mark") == branched.after[2]


def test_the_table_has_a_row_for_every_token(branched):
    branched.page.select_option(".later select", "table")
    assert branched.page.locator(".tables table >> nth=2").locator("tbody tr").count() == len(branched.after)
    branched.page.select_option(".later select", "tokens")


def test_the_branched_text_can_be_taken_away_in_four_forms(branched):
    taken = {}
    for name in ("Picture", "Page", "Data (JSON)", "Table (CSV)"):
        branched.page.click(".save summary")
        with branched.page.expect_download() as download:
            branched.page.click(f".save button:has-text('{name}')")
        taken[name] = Path(download.value.path()).read_bytes()
    trace = json.loads(taken["Data (JSON)"])
    assert [t["text"] for t in trace["columns"][2]["tokens"]] == branched.after and trace["user"] == "ines"
    assert taken["Picture"].startswith(b"\x89PNG") and b"night bus" in taken["Page"]
    assert taken["Table (CSV)"].count(b"\n") > len(branched.after)


def test_a_reload_loses_nothing_and_a_lesson_opens_over_it(branched):
    branched.page.reload()
    branched.page.wait_for_selector(f"{COPE}.ended")
    assert texts(branched.page, "cope") == branched.after
    branched.page.click(".cope-lessons [data-id=reward]")
    branched.page.wait_for_selector(".cope-lesson h3:has-text('Lesson 1')")
    assert branched.page.locator(f"{COPE} .tok").count() > 0
