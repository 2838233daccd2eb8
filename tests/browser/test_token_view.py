"""The page in a real browser over a scripted service: hostile texts, tooltips, keyboard, phone, failures, contrast."""

import json
import re
import threading
from pathlib import Path

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import COLUMNS
from cope_demo.ui.token_view.standalone import standalone_html
from tests.browser.conftest import DESKTOP, PHONE, filling_places, visit
from tests.scripted import HOSTILE

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
COPE = ".column[data-method=cope]"


def compare(page):
    """Compares, and waits until all is written; the columns of a comparison before are no longer there then."""
    page.evaluate("for (const before of document.querySelectorAll('.column')) before.classList.add('before')")
    page.click("#compare")
    page.wait_for_selector(f"{COPE}.ended:not(.before)")
    page.wait_for_selector("#compare:not([disabled])")


def texts(page, method):
    """The column's text as the page holds it, surrogates and all."""
    spans = f"[...document.querySelectorAll('.column[data-method={method}] .tok')].map(s => s.textContent)"
    return json.loads(page.evaluate(f"JSON.stringify({spans})"))


def sideways(page):
    """Pixels by which the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_first_visit_looks_finished(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        assert page.get_attribute("[data-id=ada]", "aria-checked") == "true"
        assert page.inner_text(".cope-people .about").startswith("She writes of <b>seams</b>. Ada is fictional.")
        headings = [heading.inner_text() for heading in page.query_selector_all(".columns h3")]
        assert headings == ["Base, greedy", "OPPU", "CoPe"]
        assert "Ada" in page.inner_text(f"{COPE} header p") and page.is_visible(".legend")
        assert page.input_value("#prompt textarea") == "Write a post about seams."
        assert "25% less surprised" in page.inner_text(".cope-fit .lead")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_hostile_texts_stay_texts(chromium, service, scripted_url, size):
    service.pieces = {method: [*HOSTILE, " end"] for method in COLUMNS}
    with visit(chromium, scripted_url, size) as page:
        page.click(".chip >> nth=1")
        page.wait_for_function("document.querySelector('#prompt textarea').value.includes('onerror')")
        compare(page)
        assert texts(page, "cope") == [*HOSTILE, " end"]
        for number in range(len(HOSTILE)):
            page.dispatch_event(f"{COPE} .tok >> nth={number}", "click")
            shown = page.evaluate("document.querySelector('.inspector .word').textContent")
            assert shown == re.sub("[\ud800\u202e]", lambda c: f"\u27e8U+{ord(c[0]):X}\u27e9", HOSTILE[number]).replace(
                " ", "\u2423"
            )
            assert page.evaluate("document.querySelector('.inspector .chosen code').textContent") == shown
            page.keyboard.press("Escape")
        page.click("[data-id=new]")
        page.fill("#history textarea", "\n---\n".join(f"{text} is what I wrote" for text in HOSTILE[:-1]))
        page.wait_for_selector(".cope-preview td.words")
        rows = [row.inner_text() for row in page.query_selector_all(".cope-preview td.words")]
        assert rows == [f"{text} is what I wrote" for text in HOSTILE[:-1]]
        page.fill("#name textarea, #name input", HOSTILE[0])
        page.click("#start-fit")
        page.wait_for_selector("#cancel-fit")
        assert page.inner_text(".card[aria-checked=true] .name") == HOSTILE[0]
        assert page.query_selector(".cope img, .cope script") is None and sideways(page) <= 0


def test_text_is_faithful_and_what_is_invisible_is_marked(chromium, service, scripted_url):
    pieces = ["One", " line", ".\n\n", "\t", " ", "", "\u00e9\U0001f642", " end"]
    service.pieces = {method: pieces for method in COLUMNS}
    with visit(chromium, scripted_url) as page:
        compare(page)
        assert texts(page, "greedy") == pieces
        painted = "(s) => [...s.querySelectorAll('.nl')].map(n => getComputedStyle(n, '::before').content)"
        assert page.eval_on_selector(f"{COPE} .tok >> nth=2", painted) == ['"\u21b5"', '"\u21b5"']
        labels = [span.get_attribute("aria-label") for span in page.query_selector_all(f"{COPE} .tok")]
        assert labels[0] == "One, +2.50 for Ada against base" and labels[3].startswith("tab,")
        assert labels[5].startswith("part of a character,")
        page.click(".save summary")
        with page.expect_download() as download:
            page.click("text=Data (JSON)")
        trace = json.loads(Path(download.value.path()).read_text())
        assert [column["text"] for column in trace["columns"]] == ["".join(pieces)] * 3
        first = trace["columns"][2]["tokens"][0]
        assert trace["prompt"] == "Write a post about seams." and trace["columns"][2]["stopped"] == "eos"
        assert set(first) == {
            *("id", "text", "logp_user", "logp_base", "reward", "score", "in_head", "head_size", "alternatives")
        }
        assert abs(first["reward"] - (first["logp_user"] - trace["alpha"] * first["logp_base"])) < 1e-9


INSPECTOR_IN_SIGHT = """() => {
  const { top, bottom } = document.querySelector('.inspector').getBoundingClientRect();
  return top > 0 && bottom <= innerHeight;
}"""


def test_tooltip_by_mouse_and_keyboard(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        compare(page)
        page.hover(f"{COPE} .tok >> nth=1")
        page.wait_for_selector(".cope-tip:visible")
        tip = page.inner_text(".cope-tip")
        assert "for Ada" in tip and "for base" in tip and "In V_head: 2" in tip and "\u2423in" in tip
        page.mouse.move(5, 5)
        page.wait_for_selector(".cope-tip", state="hidden")

        page.focus(f"{COPE} .tok >> nth=0")
        page.keyboard.press("End")
        page.wait_for_selector(".cope-tip:visible")
        assert page.inner_text(".cope-tip .word") == "\u2423time"
        page.keyboard.press("ArrowLeft")
        assert page.inner_text(".cope-tip .word") == "\u2423in"
        page.keyboard.press("Home")
        assert page.evaluate("document.activeElement.dataset.index") == "0"
        page.keyboard.press("Escape")
        assert page.is_hidden(".cope-tip")
        assert page.locator(f"{COPE} .tok[tabindex='0']").count() == 1

        page.click(f"{COPE} .tok >> nth=2")
        page.mouse.move(5, 5)
        page.wait_for_timeout(300)
        assert page.is_visible(".inspector") and page.is_hidden(".cope-tip")  # a click pins
        assert page.locator(".inspector .choices tbody tr").count() == 3 and page.is_visible(".inspector .chosen .tag")
        assert page.locator(".tok.twin").count() == 2  # the same place in the other columns
        page.wait_for_function(INSPECTOR_IN_SIGHT)  # once the page has moved there
        page.click(".inspector .close")
        assert page.is_hidden(".inspector") and page.locator(".tok.twin").count() == 0

        token = page.locator(f"{COPE} .tok >> nth=2")
        for place in (20, 840):  # there is no room for the inspector, neither above nor below
            page.evaluate("down => scrollBy({ top: down, behavior: 'instant' })", token.bounding_box()["y"] - place)
            token.click()
            page.wait_for_function(INSPECTOR_IN_SIGHT)
            assert 0 < token.bounding_box()["y"] < 900
            page.click(".inspector .close")


def test_colours_sign_and_legend(chromium, service, scripted_url):
    service.pieces = {method: [f" w{n}" for n in range(7)] for method in COLUMNS}
    with visit(chromium, scripted_url) as page:
        compare(page)

        def classes():
            return [span.get_attribute("data-step") for span in page.query_selector_all(f"{COPE} .tok")]

        # log p of the person is -0.5, -1.5 ... and of the base model -3, -2, -1, 0, -3 ...; alpha is 0.1.
        styles = "(s) => { const c = getComputedStyle(s); return [c.textDecorationStyle, c.backgroundColor] }"
        assert classes() == ["rp3", "rp1", "rn2", "rn3", "rn2", "rn3", "rn3"]
        assert page.eval_on_selector(f"{COPE} .tok >> nth=0", styles)[0] == "solid"
        assert page.inner_text(".legend .limit >> nth=6") == "above +2.5"
        page.select_option(".choice select", "reward")
        assert classes() == ["r0", "rn1", "rn2", "rn2", "rn3", "rn3", "rn3"]
        weak, strong = (page.eval_on_selector(f"{COPE} .tok >> nth={n}", styles) for n in (1, 4))
        assert weak[0] == strong[0] == "dotted" and weak[1] != strong[1]
        limits = [item.inner_text() for item in page.query_selector_all(".legend .limit")]
        assert limits[0] == "below \u22124" and limits[3] == "near 0" and limits[6] == "above +0.75"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_phone(chromium, service, scripted_url, dark):
    service.pieces = {method: [" unbreakable" * 1, "x" * 300, " and", " on"] for method in COLUMNS}
    with visit(chromium, scripted_url, PHONE, dark) as page:
        compare(page)
        assert sideways(page) <= 0
        boxes = [column.bounding_box() for column in page.query_selector_all(".cope-heatmap .column")]
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
        assert boxes[0]["y"] < boxes[1]["y"] < boxes[2]["y"]
        page.tap(f"{COPE} .tok >> nth=2")
        page.wait_for_selector(".inspector:visible")
        page.wait_for_function(
            f"document.querySelector('{COPE} .tok.open').getBoundingClientRect().bottom"
            " <= document.querySelector('.inspector').getBoundingClientRect().top"
        )  # the sheet does not lie over what it explains
        tip = page.query_selector(".inspector").bounding_box()
        assert tip["x"] >= 0 and tip["x"] + tip["width"] <= 390 and tip["y"] >= 0 and tip["y"] + tip["height"] <= 844
        page.tap(".inspector .close")
        assert page.is_hidden(".inspector")
        page.tap(f"{COPE} .tok >> nth=3")
        page.wait_for_selector(".inspector:visible")
        page.tap(f"{COPE} .tok.open")
        assert page.is_hidden(".inspector")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_every_text_has_contrast(chromium, service, scripted_url, size, dark):
    service.pieces = {method: [f" w{n}" for n in range(28)] for method in COLUMNS}
    with visit(chromium, scripted_url, size, dark) as page:
        compare(page)
        page.click("#advanced > button")
        page.click(f"{COPE} .tok >> nth=3")
        page.fill(".whatif input >> nth=0", "1.5")
        assert page.is_visible(".whatif .go")
        page.click(".save summary")
        assert page.evaluate(CONTRAST) == []
        page.keyboard.press("Escape")
        page.click("[data-id=new]")
        page.click("#load-example")
        page.wait_for_selector(".cope-preview td.words")
        assert page.evaluate(CONTRAST) == []


def test_a_failed_stream_says_so(chromium, service, scripted_url):
    service.fail_after = (2, RuntimeError("inside"))
    with visit(chromium, scripted_url) as page:
        compare(page)
        status = page.inner_text(".cope-heatmap .status")
        assert "went wrong on our side" in status and "inside" not in page.inner_text("body")
        assert "broke off" in page.inner_text(f"{COPE} .foot") and len(texts(page, "cope")) == 2
        page.fill("#prompt textarea", "   ")
        page.click("#compare")
        page.wait_for_function("document.querySelector('.cope-heatmap .status').textContent.includes('no prompt yet')")


def test_a_lost_server_gives_a_sentence(chromium, service, scripted_url):
    gate = threading.Event()
    service.pause = lambda step: gate.wait(30) if step == 2 else None
    with visit(chromium, scripted_url) as page:
        page.click("#compare")
        page.wait_for_selector(".tok >> nth=0")
        page.route("**/*", lambda route: route.abort())
        page.wait_for_selector(".cope-heatmap .status.failed", timeout=25_000)
        assert "no longer answers" in page.inner_text(".cope-heatmap .status")
        assert page.query_selector(".cope-heatmap .writing") is None
        gate.set()


def test_waiting_for_a_place_is_said(chromium, service, scripted_url):
    with filling_places(service, scripted_url) as gate, visit(chromium, scripted_url) as page:
        page.click("#compare")
        page.wait_for_function("document.querySelector('.cope-heatmap .status').textContent.includes('free place')")
        gate.set()
        page.wait_for_selector(f"{COPE}.ended")


def test_what_is_not_fitted_is_not_compared(chromium, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.click("[data-id=new]")
        page.wait_for_selector("#history textarea")
        page.click("#compare")
        page.wait_for_selector(".cope-heatmap .status.failed")
        assert "Fit this writing first" in page.inner_text(".cope-heatmap .status")


def test_no_model_is_said_at_once(chromium, service, scripted_url):
    service.loaded = False
    with visit(chromium, scripted_url) as page:
        page.wait_for_selector(".cope-notice .wait")
        page.click("#compare")
        page.wait_for_function(
            "document.querySelector('.cope-heatmap .status').textContent.includes('model is loading')"
        )
        service.trouble = "No language model was found: run <make setup>."
        page.wait_for_selector(".cope-notice .problem")
        assert page.inner_text(".cope-notice .problem") == service.trouble
        page.wait_for_selector(".cope-heatmap .status.failed")


def test_the_standalone_file_works_alone(chromium, service, tmp_path):
    service.pieces = {method: [*HOSTILE, " end"] for method in COLUMNS}
    trace = list(service.compare("ada", HOSTILE[1], DecodeConfig()))[-1]
    (tmp_path / "trace.html").write_text(standalone_html(trace.to_json(), "Ada"), "utf-8")
    page = chromium.new_page(viewport=PHONE)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "trace.html").as_uri())
    page.wait_for_selector(f"{COPE}.ended")
    assert texts(page, "cope") == [*HOSTILE, " end"] and HOSTILE[1] in page.inner_text("#about")
    page.dispatch_event(f"{COPE} .tok >> nth=1", "click")
    assert "Ada" in page.inner_text(".inspector") and sideways(page) <= 0
    assert page.evaluate("window.hit") is None and page.query_selector("img") is None and errors == []
    page.close()
