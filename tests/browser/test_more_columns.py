"""Further columns on the page: chosen, streamed, with the prompt that they had, branched, saved, and laid out."""

import json
from pathlib import Path

import pytest

from cope_demo.decode.methods import COLUMNS, METHODS, list_optional
from cope_demo.service.offered import NO_TASK_ADAPTER
from tests.browser.alone import plain, step, value, view
from tests.browser.conftest import DESKTOP, PHONE, open_more, visit
from tests.browser.test_token_view import compare, sideways, texts
from tests.scripted import HOSTILE

SLOW = 120_000
RAG = ".column[data-method=rag]"
OWN_PROMPT = f"{HOSTILE[0]}\nSeams, as rag has them.\n\nWrite a post about seams."


def save(page, choice: str) -> str:
    """What the choice of the save menu puts into a file."""
    page.click("#heatmap-view .save summary")
    with page.expect_download() as download:
        page.click(f"#heatmap-view .save button:has-text('{choice}')")
    return Path(download.value.path()).read_text("utf-8")


def tick(page) -> None:
    """Chooses two further columns."""
    open_more(page)
    for name in ("oppu+cd", "rag"):
        page.check(f"#more input[value='{name}'], #more label:has-text('{METHODS[name].label}') input")


@pytest.fixture(scope="module")
def compared(chromium, scripted_page):
    """A comparison of Ada's with two further columns."""
    scripted_page.service.reset()
    with visit(chromium, scripted_page.url) as page:
        page.set_default_timeout(SLOW)
        tick(page)
        compare(page)
        yield page


def test_what_a_person_has_is_offered_and_stays_ticked_for_the_next(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.set_default_timeout(SLOW)
        offered = [name for name in list_optional() if name != "base"]  # Ada's fit has no task adapter, which is said
        open_more(page)
        boxes = page.locator("#more label:has(input)")
        assert [text.strip() for text in boxes.all_inner_texts()] == [METHODS[name].label for name in offered]
        assert NO_TASK_ADAPTER in page.inner_text("#more") and "most similar of Ada’s texts" in page.inner_text("#more")
        tick(page)
        for card, many in (("new", len(list_optional())), ("ada", len(offered))):
            page.click(f".people .card[data-id={card}]")
            page.wait_for_function(f"document.querySelectorAll('#more input').length == {many}")
            assert page.locator("#more input:checked").count() == 2


def test_further_columns_stand_after_the_three(compared, service):
    names = [heading.inner_text() for heading in compared.query_selector_all("#heatmap-view .columns h3")]
    assert names == ["Base, greedy", "OPPU", "CoPe", "RAG", "OPPU with contrast"]
    assert texts(compared, "rag") == texts(compared, '"oppu+cd"') == service.pieces["oppu"]


def test_a_column_s_own_prompt_is_shown_as_text(compared):
    assert compared.locator("#heatmap-view .own-prompt").count() == 1
    compared.click(f"{RAG} .own-prompt summary")
    assert compared.text_content(f"{RAG} .own-prompt .text") == OWN_PROMPT
    assert "given its own prompt" in compared.inner_text(f"{RAG} .foot .hint")


def test_why_names_the_prompt_and_another_word_goes_on_from_there(compared):
    compared.click(f"{RAG} .tok >> nth=1")
    assert "with these texts in its prompt" in compared.inner_text(".inspector .why")
    compared.click(".inspector button:text('write') >> nth=0")
    compared.wait_for_selector(f"{RAG} .branched button:enabled")
    assert texts(compared, "rag") == [" stitch", " instead", " time"]
    compared.keyboard.press("Escape")
    compared.click(f"{RAG} .branched button")  # back to what was written first
    assert texts(compared, "rag") == [" stitch", " in", " time"]


def test_the_saved_trace_has_the_columns_and_their_prompts(compared):
    trace = json.loads(save(compared, "Data"))
    assert [column["method"] for column in trace["columns"]] == [*COLUMNS, "rag", "oppu+cd"]
    assert [column.get("prompt") for column in trace["columns"]] == [None, None, None, OWN_PROMPT, None]


def test_a_link_ticks_the_same_boxes(compared, chromium):
    compared.click(".cope-link button")
    compared.wait_for_selector(".cope-link input:visible")
    link = compared.input_value(".cope-link input")
    assert "columns=rag%2Coppu%2Bcd" in link
    with visit(chromium, link) as page:
        open_more(page)
        page.wait_for_selector("#more input:checked")
        assert page.locator("#more input:checked").count() == 2


def test_eight_columns_fit_the_screen(chromium):
    methods = {"oppu": "oppu", "oppu+dpo": "oppu", "cope": "cope", "oppu+cd": "cope"}
    words = ["One", " long", "word" * 12, " end"]
    columns = {method: plain(words, methods.get(method, "greedy")) for method in (*COLUMNS, *list_optional())}
    columns["rag"][1:] = [step((" other", 0.5, 0.2), method="greedy", first_id=900)]
    prompts = {"rag": HOSTILE[0] + "x" * 300, "pag": "About the writer: seams."}
    places = "[...document.querySelectorAll('.column')].map((c) => Math.round(c.getBoundingClientRect().top))"
    for size, rows in ((DESKTOP, [4, 4]), (PHONE, [1] * 8)):
        with view(chromium, value(columns, prompts=prompts), size) as page:
            page.set_default_timeout(SLOW)
            page.evaluate("document.querySelectorAll('.own-prompt').forEach((fold) => { fold.open = true; })")
            tops = page.evaluate(places)
            assert [tops.count(top) for top in dict.fromkeys(tops)] == rows and sideways(page) <= 0
            page.click(".differences button >> nth=1")  # a variant is held against what it varies
            assert page.inner_text(".differences span") == "1 of 1: RAG parts from Base, greedy"
            assert page.query_selector(".cope img") is None


def test_a_new_method_is_a_column_by_its_row_alone(chromium, scripted_url, twin):
    with visit(chromium, scripted_url) as page:
        open_more(page)
        page.check(f"#more input[name='{twin.name}']")
        page.fill("#prompt textarea", "Write.")
        page.click("#compare")
        column = page.locator(f".column[data-method='{twin.name}']")
        column.locator(".tok").first.wait_for()
        assert column.locator("h3").inner_text() == twin.label
        assert column.locator("header p").inner_text() == "As OPPU, written once more for Ada."
