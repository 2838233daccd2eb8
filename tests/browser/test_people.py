"""The choice of a person: by keyboard, and by presses that come before the answer to the last one."""

from tests.browser.conftest import visit

CHOSEN = "document.querySelector('.people [aria-checked=true]').dataset.id"
FOCUSED = "document.activeElement.closest('.people .card')?.dataset.id"
WATCH = """() => {
  window.drawn = [];
  const marked = () => document.querySelector('.people [aria-checked=true]').dataset.id;
  const group = document.querySelector('.people');
  new MutationObserver(() => window.drawn.push(marked())).observe(group, { childList: true });
}"""
"""From now on, the marked card each time that the cards are drawn anew."""


def wait_until_drawn(page, act):
    """Waits until the answer to what `act` does has drawn the cards anew."""
    before = page.evaluate("window.drawn.length")
    act()
    page.wait_for_function("before => window.drawn.length === before + 1", arg=before)


def test_arrow_keys_go_from_card_to_card(chromium, bob, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.evaluate(WATCH)
        page.focus("[data-id=ada]")
        for key, person in (("ArrowRight", "bob"), ("ArrowRight", "new"), ("ArrowLeft", "bob"), ("ArrowUp", "ada")):
            wait_until_drawn(page, lambda key=key: page.keyboard.press(key))
            assert page.evaluate(FOCUSED) == page.evaluate(CHOSEN) == person


def test_cards_that_are_drawn_anew_take_no_focus_from_elsewhere(chromium, bob, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.evaluate(WATCH)
        page.click("#prompt textarea")
        wait_until_drawn(page, lambda: page.evaluate("document.querySelector('[data-id=bob]').click()"))
        assert page.evaluate("document.activeElement.matches('#prompt textarea')")


def test_the_latest_of_quick_choices_counts(chromium, bob, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.evaluate(WATCH)
        sent = []
        page.on("request", lambda request: request.method == "POST" and sent.append(request.post_data_json))
        page.focus("[data-id=ada]")
        for _ in range(2):
            page.keyboard.press("ArrowRight")
        page.wait_for_function("window.drawn.length === 2")
        picked = [one["event_data"]["id"] for one in sent if (one.get("event_data") or {}).get("id")]
        assert picked == ["bob", "new"]
        assert page.evaluate("window.drawn") == ["new", "new"]  # the first answer took nothing back
        assert page.evaluate(FOCUSED) == "new" and page.is_visible("#history textarea")
