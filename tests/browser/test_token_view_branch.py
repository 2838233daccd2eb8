"""Another token at a step, and on from there: what is asked, what comes back, the marks, and the way back."""

from cope_demo.decode.trace import TokenEvent
from cope_demo.ui.token_view import wire
from tests.browser.alone import plain, send, step, three, value, view
from tests.browser.conftest import visit
from tests.browser.test_token_view import COPE, compare, texts

WORDS = ["one", " two", " three", " four"]


def continue_at(at: int, words: list[str], method: str = "cope") -> str:
    """What the server sends for a continuation; its first token is the forced one."""
    events = [TokenEvent(method, at + n, token) for n, token in enumerate(plain(words, method))]
    return wire.branch("run2", method, at) + wire.tokens(0, events) + wire.line("end", method=method, stopped="length")


def test_branch_undo_and_branch_again(chromium):
    with view(chromium, value(three(WORDS))) as page:
        page.click(f"{COPE} .tok >> nth=2")
        page.click(".inspector button:text('write')")
        ((name, asked),) = page.evaluate("window.raised")
        assert (name, asked["method"], asked["ids"]) == ("branch", "cope", [0, 10, 21]) and asked["alpha"] == 0.1
        assert texts(page, "cope") == WORDS  # nothing is cut before the server writes
        send(page, continue_at(2, [" the", " end"]))
        assert page.is_disabled(f"{COPE} .branched button")
        assert page.locator(".inspector .choices button:disabled").count() > 0
        send(page, continue_at(2, [" the", " end"]) + wire.line("done", seconds=1.0))
        assert texts(page, "cope") == ["one", " two", " the", " end"] and texts(page, "oppu") == WORDS
        note = page.inner_text(f"{COPE} .branched span")
        assert note == "Branched at token 3, where \u2018three\u2019 stood."
        assert [n for n in range(4) if "forked" in page.get_attribute(f"{COPE} .tok >> nth={n}", "class")] == [2]
        page.click(f"{COPE} .tok >> nth=2")
        assert page.inner_text(".inspector .why").startswith(
            "You put \u2018the\u2019 here in place of \u2018three\u2019"
        )
        send(page, continue_at(1, [" once"]) + wire.line("done", seconds=1.0))
        assert texts(page, "cope") == ["one", " once"] and page.locator(f"{COPE} .forked").count() == 1
        page.click(f"{COPE} .branched button")
        assert texts(page, "cope") == ["one", " two", " the", " end"]
        page.click(f"{COPE} .branched button")
        assert texts(page, "cope") == WORDS and page.inner_text(f"{COPE} .branched") == ""
        assert page.locator(".forked").count() == 0


def test_a_refused_branch_leaves_the_text(chromium):
    with view(chromium, value(three(WORDS))) as page:
        page.click(f"{COPE} .tok >> nth=1")
        page.click(".inspector button:text('write')")
        send(page, wire.line("error", message="Choose Ada again first."))
        assert page.inner_text(".status.failed") == "Choose Ada again first."
        assert texts(page, "cope") == WORDS and page.is_enabled(".inspector button:text('write')")


def test_one_continuation_is_asked_for_at_a_time(chromium):
    with view(chromium, value(three(WORDS))) as page:
        for at in (2, 1):
            page.click(f"{COPE} .tok >> nth={at}")
            page.click(".inspector button:text('write')")
        assert [name for name, _ in page.evaluate("window.raised")] == ["branch"]
        assert "go on" in page.inner_text(".status")
        send(page, continue_at(2, [" the", " end"]) + wire.line("done", seconds=1.0))
        assert texts(page, "cope") == ["one", " two", " the", " end"]
        page.click(".inspector button:text('write')")
        page.click(".bar-line .stop")
        assert "before it began" in page.inner_text(".status")
        page.click(".inspector button:text('write')")
        assert [name for name, _ in page.evaluate("window.raised")] == ["branch", "branch", "halt", "branch"]


def look_up(page, word: str) -> str:
    page.fill(".lookup input", word)
    page.press(".lookup input", "Enter")
    return page.inner_text(".lookup .answer")


def test_a_looked_up_word_goes_with_its_step(chromium):
    with view(chromium, value(three(WORDS))) as page:
        page.click(f"{COPE} .tok >> nth=2")
        assert "for Ada" in look_up(page, "the")
        send(page, continue_at(1, [" once", " more"]) + wire.line("done", seconds=1.0))
        assert "token 2 of" in page.inner_text(".inspector .where")
        assert page.inner_text(".lookup .answer") == ""
        page.click(f"{COPE} .tok >> nth=2")
        assert "for Ada" in look_up(page, "the")
        page.click(f"{COPE} .branched button")
        assert page.inner_text(".lookup .answer") == ""  # the same place, after another text
        assert "for Ada" in look_up(page, "the")
        other = wire.branch("run3", "oppu", 1) + wire.line("end", method="oppu", stopped="eos")
        send(page, other + wire.line("done", seconds=1.0))
        assert "for Ada" in page.inner_text(".lookup .answer")


def test_other_settings_after_a_fork_are_told_and_supposed(chromium):
    tokens = [step((" a", 0.5, 0.4), (" b", 0.4, 0.1)), step((" a", 0.5, 0.4), (" b", 0.4, 0.1), first_id=200)]
    with view(chromium, value({"cope": tokens})) as page:
        page.click(f"{COPE} .tok >> nth=1")
        page.fill(".whatif input >> nth=0", "1")
        page.click(".whatif .go")
        new = [step((" a", 0.5, 0.4), (" b", 0.4, 0.1), written=1, alpha=1, first_id=100 * n) for n in (1, 2)]
        events = [TokenEvent("cope", n, token) for n, token in enumerate(new)]
        answer = wire.branch("run2", "cope", 0) + wire.tokens(0, events)
        send(page, answer + wire.line("end", method="cope", stopped="eos") + wire.line("done", seconds=1.0))
        assert "from there with alpha 1, tau 0.1" in page.inner_text(f"{COPE} .branched")
        # Chosen by the new settings, so nothing would change at them, and both would change at the run's own.
        assert page.locator(".tok.would").count() == 0 and page.locator(f"{COPE} .overruled").count() == 2
        page.click(".whatif button:text('Back')")
        assert page.locator(".tok.would").count() == 2


def test_on_the_page_a_column_goes_on(chromium, service, scripted_url):
    service.pieces = {method: [" stitch", " in", " time", " saves"] for method in service.pieces}
    with visit(chromium, scripted_url) as page:
        compare(page)
        page.click(f"{COPE} .tok >> nth=1")
        page.click(".inspector button:text('write') >> nth=0")
        page.wait_for_selector(f"{COPE} .branched button:enabled")
        assert texts(page, "cope") == [" stitch", " instead", " time", " saves"]
        page.wait_for_function(f"document.querySelector('{COPE} .foot').textContent.includes('style likeness')")
        page.click(f"{COPE} .branched button")
        assert texts(page, "cope") == service.pieces["cope"]
