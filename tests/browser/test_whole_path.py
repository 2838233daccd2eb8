"""The real app on the embedded model in a real browser: paste, preview, fit, compare, tooltip; 1280 and 390 pixels."""

import json
import re
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, open_more, visit
from tests.browser.test_token_view import COPE, sideways, texts
from tests.scripted import HOSTILE

TEXTS = [
    "Eleven spoons and eleven passengers, so nobody asked for seconds today.",
    "The kettle is tied to the rail with the good rope, and the wind knows it.",
    "A boy asked what the sea tastes of, and I gave him the potato water.",
    "Fog again, so I count the eggs by the horn and not by the clock.",
    f"Somebody wrote {HOSTILE[0]} and {HOSTILE[2]} on the menu, and it stayed there.",
    "Nils says the new machine is happy to see him, which makes one of them.",
]


@pytest.fixture(scope="module")
def fitted(chromium, app_url):
    """Pastes, previews and fits once, with a reload on the way; returns what the browser then remembers."""
    with visit(chromium, app_url) as page:
        if page.query_selector("[data-id=new][aria-checked=false]"):
            page.click("[data-id=new]")
        page.fill("#history textarea", "\n---\n".join(TEXTS))
        page.wait_for_selector(".cope-preview .summary")
        assert page.inner_text(".cope-preview .summary") == "6 texts found, 6 kept."
        page.focus("#name textarea, #name input")  # leaving the box has the instructions made
        page.wait_for_function(
            "[...document.querySelectorAll('.cope-preview tbody tr')].every(r => /Write a post/.test(r.textContent))",
            timeout=90_000,
        )
        assert "Only 6 texts" in page.inner_text(".cope-preview .warning")
        assert HOSTILE[0] in page.inner_text("#history textarea") or HOSTILE[0] in page.input_value("#history textarea")
        assert page.query_selector(".cope-preview img") is None
        page.fill("#name textarea, #name input", "Ferry cook")
        page.click("#start-fit")
        page.wait_for_selector(".cope-fit .stage")
        page.reload()
        page.wait_for_selector(".card[aria-checked=true] .name:text('Ferry cook')")
        page.wait_for_selector(".cope-fit .stage.running", timeout=90_000)
        page.wait_for_selector(".cope-fit .plot .curve", timeout=90_000)
        page.wait_for_selector(".cope-fit .report", timeout=150_000)
        lead = page.inner_text(".cope-fit .lead")
        assert re.search(r"On 1 of Ferry cook’s texts that the fit never saw, CoPe is .* surprised", lead)
        page.click(".cope-behind summary")
        page.wait_for_selector(".cope-behind .report")
        assert [cell.inner_text() for cell in page.query_selector_all(".report tbody th")] == ["Base", "OPPU", "CoPe"]
        assert page.is_hidden("#cancel-fit") and page.is_visible("#delete-fit")
        return page.context.storage_state()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_compare_own_writing(chromium, app_url, fitted, size):
    with visit(chromium, app_url, size, dark=size is PHONE, state=fitted) as page:
        page.wait_for_selector(".card[aria-checked=true] .name:text('Ferry cook')")
        page.fill("#prompt textarea", f"Write a post about {HOSTILE[1]} {HOSTILE[3]}.")
        open_more(page)
        page.fill("#max_new_tokens input[type=number]", "20")
        page.press("#max_new_tokens input[type=number]", "Tab")
        page.click("#compare")
        page.wait_for_selector(f"{COPE} .tok", timeout=60_000)
        page.wait_for_selector(".cope-heatmap .column.ended >> nth=2", timeout=60_000)
        page.wait_for_function("document.querySelector('.cope-heatmap .status').textContent.startsWith('Done')")
        page.click(".save summary")
        with page.expect_download() as download:
            page.click("text=Data (JSON)")
        trace = json.loads(Path(download.value.path()).read_text())
        assert trace["prompt"].endswith(f"{HOSTILE[1]} {HOSTILE[3]}.") and trace["model"].startswith("SmolLM2")
        for column in trace["columns"]:
            shown = texts(page, column["method"])
            assert "".join(shown) == column["text"] and 0 < len(shown) <= 20
            for token in column["tokens"]:
                assert token["head_size"] >= 1 and len(token["alternatives"]) == 10
                assert abs(token["reward"] - (token["logp_user"] - trace["alpha"] * token["logp_base"])) < 1e-6
        foot = page.inner_text(f"{COPE} .foot")
        assert re.search(r"^\d+\stokens? · (ended by itself|reached the length limit)", foot)
        assert re.search(r"mean, for you against base\s+[−+]?\d\.\d\d", foot)

        if size is PHONE:
            page.tap(f"{COPE} .tok >> nth=1")
        else:
            page.click(f"{COPE} .tok >> nth=1")
        page.wait_for_selector(".inspector:visible")
        assert page.locator(".inspector .choices tbody tr").count() == 10
        assert re.search(r"%.*\.$", page.inner_text(".inspector .why"))
        assert page.query_selector(".cope img, .cope script") is None and sideways(page) <= 0


def test_paste_on_a_phone(chromium, app_url):
    with visit(chromium, app_url, PHONE) as page:
        page.wait_for_selector("[data-id=new]")  # the cards are drawn after the page has loaded
        page.tap("[data-id=new]")
        page.wait_for_selector("#history textarea:visible")
        page.fill("#history textarea", "One text only, and it is short.")
        page.wait_for_selector(".cope-preview td.words")
        assert sideways(page) <= 0
        page.dispatch_event("#start-fit", "click")  # a tap would miss it where the preview still moves it
        page.wait_for_selector(".cope-fit .headline.failed", timeout=60_000)
        assert "at least 5" in page.inner_text(".cope-fit .headline.failed")


def test_a_sample_user_answers_at_once(chromium, app_url):
    with visit(chromium, app_url) as page:
        page.wait_for_selector(".cope-fit .report")
        page.wait_for_selector(".cope-notice p", state="detached", timeout=60_000)
        open_more(page)
        page.fill("#max_new_tokens input[type=number]", "10")
        page.press("#max_new_tokens input[type=number]", "Tab")
        page.click("#compare")
        page.wait_for_selector(".tok", timeout=15_000)
        page.wait_for_selector(f"{COPE}.ended", timeout=60_000)
        assert len(texts(page, "cope")) > 0


def test_deleting_my_data_leaves_no_byte(chromium, app_url, app_data, fitted):
    """After a real fit and real comparisons: not in saved users, jobs, the queue's file, temporary files or the log."""

    def find_files() -> list[str]:
        files = [path for path in app_data.rglob("*") if path.is_file()]
        return [str(path) for path in files if any(mark.encode() in path.read_bytes() for mark in marks)]

    marks = ["Eleven spoons", "potato water", "Ferry cook"]
    saved = find_files()
    assert len(saved) >= 3 and {Path(path).parts[len(app_data.parts)] for path in saved} == {"users"}
    (user,) = {Path(path).parent.name for path in saved}
    marks.append(user)
    with visit(chromium, app_url, state=fitted) as page:
        page.wait_for_selector(".card[aria-checked=true] .name:text('Ferry cook')")
        assert "Deletes itself on" in page.inner_text(".cope-people .about")
        page.click("#privacy > button")
        page.click("#ask-erase")
        page.click("#erase")
        page.wait_for_selector("#erased .notice")
        assert find_files() == []
        assert page.query_selector(".card .name:text('Ferry cook')") is None
        page.reload()
        page.wait_for_selector(".card[aria-checked=true]")
        assert page.query_selector(".card .name:text('Ferry cook')") is None
