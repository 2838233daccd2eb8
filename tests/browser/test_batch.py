"""The page of many comparisons, from a disk: filtered, sorted, opened at a place, given more traces; axe."""

import json

import pytest

from cope_demo.ui.batch.page import write_page
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_axe import violations
from tests.ui.batch.made_traces import make_traces


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """The page of 12 made-up comparisons."""
    folder = tmp_path_factory.mktemp("batch")
    (folder / "traces").mkdir()
    for number, trace in enumerate(make_traces(2, 20, users=("ines", "walter"))):
        (folder / "traces" / f"{number:02}.json").write_text(json.dumps(trace))
    write_page(folder, folder / "index.html")
    return folder / "index.html"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_many_comparisons_are_looked_through(chromium, page_file, tmp_path, dark):
    context = chromium.new_context(viewport=DESKTOP, color_scheme="dark" if dark else "light", offline=True)
    page = context.new_page()
    page.set_default_timeout(20_000)
    trouble = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: line.type == "error" and trouble.append(line.text))
    page.goto(page_file.as_uri())
    assert "12 comparisons of Ines, Walter" in page.inner_text(".about").replace("\xa0", " ")
    assert page.locator(".spread figure").count() == 3
    page.keyboard.press("Tab")  # to the field of files, which its label stands for
    assert page.evaluate("getComputedStyle(document.querySelector('.drop label')).outlineStyle") == "solid"
    all_places = page.inner_text(".suppressed .count")
    page.select_option("select[name=user]", "walter")
    page.select_option("select[name=alpha]", "0.3")
    assert page.inner_text(".suppressed .count") != all_places and page.locator(".pick option").count() == 1 + 2
    page.select_option(".suppressed select >> nth=0", "gain")
    gains = [float(text.split()[0]) for text in page.locator(".gain").all_inner_texts()]
    assert gains == sorted(gains, reverse=True) and len(gains) > 3
    page.click(".rows summary >> nth=0")
    said = page.inner_text(".place b >> nth=0")
    assert "% for Walter, " in page.inner_text(".place .facts >> nth=0").replace("\u202f", "")
    assert page.inner_text(".place s >> nth=0").strip() == page.inner_text(
        ".place s >> nth=0"
    )  # no line through a space
    page.click(".place >> nth=0")
    page.wait_for_selector(".inspector:not([hidden])")
    assert said.strip() in page.inner_text(".opened .inspector .word")
    assert "Walter, alpha 0.3" in page.inner_text(".lead") and "for Walter" in page.inner_text(".inspector")
    page.fill(".lookup input", "zebra")
    page.press(".lookup input", "Enter")
    assert "not among the alternatives" in page.inner_text(".lookup .answer")
    (more,) = make_traces(1, 9, users=("juno",), alphas=(0.7,))
    (tmp_path / "more.json").write_text(json.dumps({**more, "prompt": "<img src=x onerror=alert(1)>"}))
    (tmp_path / "letter.json").write_text('{"columns": "Dear all"}')
    page.set_input_files("#files", [tmp_path / "more.json", tmp_path / "letter.json"])
    page.wait_for_selector(".status:has-text('letter.json')")
    assert "13 comparisons of Ines, Walter, Juno" in page.inner_text(".about").replace("\xa0", " ")
    page.select_option("select[name=user]", "juno")
    page.select_option(".pick select", "0")
    page.wait_for_selector(".lead:has-text('Juno, alpha 0.7')")
    page.wait_for_selector(".opened .column[data-method=cope].ended")
    assert page.locator(".column[data-method=cope] .tok").count() == 9 and page.locator("img").count() == 0
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert violations(page) == []
    context.close()
    assert trouble == []
