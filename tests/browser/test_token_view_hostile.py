"""Two hundred hostile texts through every surface of the view: none runs or breaks the layout, all stay themselves."""

import csv
import io
import json

import pytest

from cope_demo.decode.methods import COLUMNS
from tests.browser.alone import step, value, view
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_token_view import COPE, sideways, texts
from tests.hostile import hostile_texts

TEXTS = hostile_texts()


def columns():
    """Each text is a token of every column, and another one its alternative."""
    others = [*TEXTS[1:], TEXTS[0]]

    def tokens(method):
        return [
            step((mine, 0.5, 0.3), (other, 0.3, 0.01), ("x", 0.1, 0.5), method=method, first_id=10 * n)
            for n, (mine, other) in enumerate(zip(TEXTS, others, strict=True))
        ]

    return {method: tokens(method) for method in COLUMNS}


def check_whole(page):
    """The page is as wide as the screen, its parts are there, and nothing of the texts has become an element."""
    assert sideways(page) <= 0
    allowed = {"span", "div", "section", "code", "p", "b", "q", "i", "em", "td", "tr", "th", "table"}
    foreign = page.evaluate("[...document.querySelectorAll('.tok *, code *, q *, .word *')].map(n => n.localName)")
    assert set(foreign) <= allowed
    assert page.locator("iframe, #x, body > :not(h1, p, div, script)").count() == 0


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_every_surface(chromium, size):
    header = {"who": TEXTS[1], "prompt": "\n".join(TEXTS), "user": TEXTS[2]}
    with view(chromium, value(columns(), **header), size) as page:
        for method in COLUMNS:
            assert texts(page, method) == TEXTS
        check_whole(page)
        # Every token in turn in the inspector, by the button there, and the sentence of each in the tooltip's words.
        page.evaluate(f"document.querySelector('{COPE} .tok').click()")
        words = page.evaluate(
            """(count) => {
              const said = [];
              const whole = document.documentElement;
              const panel = document.querySelector('.inspector');
              const next = panel.querySelectorAll('.steps button')[1];
              for (let n = 0; n < count; n += 1) {
                said.push(panel.querySelector('.where').textContent.includes(`token ${n + 1} of`)
                  && panel.querySelector('.why').textContent.length < 700
                  && whole.scrollWidth <= whole.clientWidth && panel.scrollWidth <= panel.clientWidth + 1);
                next.click();
              }
              return said;
            }""",
            len(TEXTS),
        )
        assert words == [True] * len(TEXTS)
        page.fill(".whatif input >> nth=0", "1")
        assert page.locator(f"{COPE} .would").count() > 0
        page.keyboard.press("Escape")
        page.evaluate("document.querySelector('.later select').value = 'table'")
        page.dispatch_event(".later select", "change")
        assert page.locator(".tables tbody tr").count() == 3 * len(TEXTS)
        check_whole(page)


def test_what_is_taken_away(chromium, tmp_path):
    given = columns()
    with view(chromium, value(given, prompt="\n".join(TEXTS))) as page:
        saved = {}
        for name in ("Data (JSON)", "Table (CSV)", "Picture (PNG)", "Page (HTML)"):
            page.click(".save summary")
            with page.expect_download() as download:
                page.click(f".save button:has-text('{name}')")
            saved[name] = tmp_path / download.value.suggested_filename
            download.value.save_as(saved[name])
    trace = json.loads(saved["Data (JSON)"].read_text("utf-8"))
    assert [token["text"] for token in trace["columns"][2]["tokens"]] == TEXTS
    rows = list(csv.reader(io.StringIO(saved["Table (CSV)"].read_text("utf-8"), newline="")))
    assert len(rows) == 1 + 3 * len(TEXTS) and {len(row) for row in rows} == {len(rows[0])}
    assert [json.loads(row[3]) for row in rows[1 : 1 + len(TEXTS)]] == TEXTS
    assert all(cell[:1] not in "=@\t\r" or not cell for row in rows for cell in row)  # nothing a sheet would compute
    assert all(float(cell) < 0 for row in rows[1:] for cell in row if cell[:1] in "+-" and cell)
    assert saved["Picture (PNG)"].read_bytes().startswith(b"\x89PNG")
    alone = chromium.new_page(viewport=PHONE)
    trouble = []
    alone.on("pageerror", lambda error: trouble.append(str(error)))
    alone.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    alone.on("request", lambda request: request.url.startswith("file:") or trouble.append(request.url))
    alone.goto(saved["Page (HTML)"].as_uri())
    alone.wait_for_selector(f"{COPE}.ended")
    assert texts(alone, "cope") == TEXTS and trouble == [] and alone.evaluate("window.hit") is None
    alone.dispatch_event(f"{COPE} .tok >> nth=3", "click")
    assert alone.is_visible(".inspector .whatif") and alone.locator(".inspector .choices button").count() == 0
    check_whole(alone)
    alone.close()
