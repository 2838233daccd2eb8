"""Figures and colours agree, wherever they stand, and what holds them fits its place at every width."""

import pytest

from cope_demo.decode.methods import COLUMNS
from tests.browser.conftest import DESKTOP, PHONE, TABLET, visit
from tests.browser.test_score import VIEW, score
from tests.browser.test_token_view import COPE, compare, sideways

WIDE = {"width": 1479, "height": 900}
MEAN = """(column) => {
  const values = [...document.querySelectorAll(`${column} .tok:not(.last)`)].map((span) => Number(span.dataset.value));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return (mean < 0 ? '\u2212' : '+') + Math.abs(mean).toFixed(2);
}"""
CUT = """() => [...document.querySelectorAll('.tables :is(th, td):not(:has(.heard))')].filter((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  const [inner, outer] = [range.getBoundingClientRect(), cell.getBoundingClientRect()];
  return inner.right > outer.right + 1 || inner.left < outer.left - 1;
}).map((cell) => cell.textContent)"""
"""Cells whose content reaches into the next one."""
TINT = """(name) => {
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const ground = getComputedStyle(document.querySelector('.column')).backgroundColor;
  const tint = getComputedStyle(document.querySelector(`.swatch.${name}`)).backgroundColor;
  const linear = (x) => (x <= 0.04 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  const light = (...colours) => {
    for (const colour of colours) { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((value) => linear(value / 255));
    return 0.05 + 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const both = [light(ground), light(ground, tint)];
  return Math.max(...both) / Math.min(...both);
}"""
"""The contrast of a step's colour with the ground of a column."""


def test_the_figure_is_the_mean_of_the_colours_and_is_what_is_heard(chromium, service, scripted_url):
    service.pieces = {method: [f" w{n}" for n in range(7)] for method in COLUMNS}
    with visit(chromium, scripted_url) as page:
        compare(page)
        first = f"{COPE} .foot dl div >> nth=0"
        for chosen, name, heard in (
            ("difference", "mean, for Ada against base", "+2.50 for Ada against base"),
            ("reward", "mean, reward", "\u22120.20 reward"),
        ):
            page.select_option(".choice select >> nth=0", chosen)
            assert page.inner_text(f"{first} >> dt") == name
            assert page.inner_text(f"{first} >> dd") == page.evaluate(MEAN, COPE)
            assert page.get_attribute(f"{COPE} .tok >> nth=0", "aria-label") == f"w0, {heard}"
        page.select_option(".choice select >> nth=0", "none")
        assert page.inner_text(f"{first} >> dt") == "bits per token, Ada"
        assert page.get_attribute(f"{COPE} .tok >> nth=0", "aria-label") == "w0"


def test_the_verdict_and_the_columns_below_it_say_the_same(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        score(page, "LOUD HATS " * 20, "quiet hats " * 17)
        page.wait_for_selector(f"{VIEW} .column[data-method=b].ended")
        for row, method in enumerate("ab"):
            cells = page.locator(f".cope-verdict tbody tr >> nth={row}").locator("td")
            column = f"{VIEW} .column[data-method={method}]"
            assert page.inner_text(f"{column} .foot p") == f"{cells.nth(0).inner_text()}\u00a0tokens"
            assert page.inner_text(f"{column} .foot dd >> nth=0") == cells.nth(1).inner_text()
            assert page.evaluate(MEAN, column) == cells.nth(1).inner_text()
        page.click(f"{VIEW} .column[data-method=b] .tok.last")
        assert page.inner_text(f"{VIEW} .inspector .where") == "Text B, the end, after 34\u00a0tokens"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_menu_table_and_feet_fit_at_every_width(chromium, service, scripted_url, dark):
    service.pieces = {method: [f" w{n}" for n in range(30)] for method in COLUMNS}
    with visit(chromium, scripted_url, dark=dark) as page:
        compare(page)
        page.wait_for_function(f"document.querySelector('{COPE} .foot').textContent.includes('style likeness')")
        for size in (WIDE, DESKTOP, TABLET, PHONE):
            page.set_viewport_size(size)
            page.select_option("[aria-label='Show as'] >> nth=0", "tokens")
            figures = "[...document.querySelectorAll('#heatmap-view .foot')].map((foot) => foot.offsetHeight)"
            assert len(set(page.evaluate(figures))) == 1, size
            page.click(".save summary >> nth=0")
            box = page.query_selector(".save > div").bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= size["width"] and sideways(page) <= 0, size
            page.keyboard.press("Escape")
            page.select_option("[aria-label='Show as'] >> nth=0", "table")
            assert page.evaluate(CUT) == [], size


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_faintest_colour_can_be_seen(chromium, scripted_url, dark):
    """The first step beside none: a contrast of 1.2 and more, on a column's ground."""
    with visit(chromium, scripted_url, dark=dark) as page:
        assert min(page.evaluate(TINT, name) for name in ("rp1", "rn1")) >= 1.2
