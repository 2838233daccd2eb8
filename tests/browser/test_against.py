"""Another person as the amateur, and any word at a step, on the page: chosen, written, named, linked and looked up."""

from cope_demo.ui.panels import against
from tests.browser.conftest import visit
from tests.browser.test_token_view import compare

COLUMN = "#heatmap-view .column[data-method=against]"


def test_a_person_is_contrasted_with_another_and_any_word_is_looked_up(chromium, bob, scripted_url):
    with visit(chromium, f"{scripted_url}?user=ada&prompt=Write.&against=bob") as page:
        page.wait_for_function("document.querySelector('#against input').value.startsWith('Bob')")
        compare(page)
        assert page.inner_text(f"{COLUMN} h3") == "CoPe against Bob"
        assert "bits per token, Bob" in page.inner_text(f"{COLUMN} .foot")
        assert "In CoPe against Bob, Bob stands where base is named." in page.inner_text("#heatmap-view .legend")
        page.click(f"{COLUMN} .tok >> nth=1")
        inspector = page.locator("#heatmap-view .inspector")
        assert "for Bob" in inspector.inner_text() and "for base" not in inspector.inner_text()
        inspector.locator(".lookup input").fill("the")
        inspector.locator(".lookup button").click()
        assert "for Bob (1st" in inspector.locator(".answer").inner_text()
        inspector.locator(".lookup input").fill("kettle")
        inspector.locator(".lookup button").click()
        page.wait_for_selector(".lookup .answer:has-text('is the first token of')")
        assert "(5th), 1.8\u202f% for Bob (1021st) of 49,152 tokens." in inspector.locator(".answer").inner_text()
        page.keyboard.press("Escape")
        page.click("#heatmap-view .cope-link button, .cope-link button")
        assert "against=bob" in page.input_value(".cope-link input")
        page.click("#against input")
        page.click("#against [role=option]:has-text('Base')")
        compare(page)
        assert page.locator(COLUMN).count() == 0
    assert against.NOBODY == ""
