"""Where the columns part and where contrast overruled; what each column came to; the table with the same content."""

import math

import pytest

from cope_demo.ui.token_view import wire
from tests.browser.alone import plain, send, step, value, view
from tests.browser.test_token_view import COPE


def columns():
    """OPPU parts from base at token 2, CoPe from OPPU at token 3; contrast overruled at tokens 3 and 5 of CoPe."""
    favourite, rarer = (" was", 0.4, 0.5), (" stopped", 0.39, 0.05)
    plainly = plain(["the", " bus", " w3", " w4", " w5"])
    over = [step(favourite, rarer, written=1, first_id=10 * n + 500) for n in (3, 5)]
    return {
        "greedy": plain(["the", " night", " bus"], "greedy")[:1] + plain(["x", " night", " bus"], "greedy")[1:],
        "oppu": [plain(["the"], "oppu")[0], *[step((" bus", 0.5, 0.2), method="oppu", first_id=900)], *plainly[2:4]],
        "cope": [plainly[0], step((" bus", 0.5, 0.2), first_id=900), over[0], plainly[3], over[1]],
    }


def test_divergences_by_buttons_and_keys(chromium):
    with view(chromium, value(columns())) as page:
        assert [n for n in range(5) if "overruled" in page.get_attribute(f"{COPE} .tok >> nth={n}", "class")] == [2, 4]
        shape = "(span) => getComputedStyle(span).backgroundImage"
        assert "gradient" in page.eval_on_selector(f"{COPE} .tok >> nth=2", shape)  # a shape, not only a colour
        assert page.eval_on_selector(f"{COPE} .tok >> nth=1", shape) == "none"
        assert "overruled the favourite" in page.get_attribute(f"{COPE} .tok >> nth=2", "aria-label")
        assert page.inner_text(".differences span").replace("\u00a0", " ") == "3 divergences"
        seen = []
        for key in ("n", "n", "n", "n", "p"):
            if not seen:
                page.focus(".differences button >> nth=1")
            page.keyboard.press(key)
            place = "(s) => `${s.closest('.column').dataset.method} ${s.dataset.index}`"
            seen.append((page.eval_on_selector(".tok:focus", place), page.inner_text(".differences span")))
        assert seen == [
            ("oppu 1", "1 of 3: OPPU parts from Base, greedy"),
            ("cope 2", "2 of 3: CoPe parts from OPPU"),
            ("cope 4", "3 of 3: contrast overruled the favourite"),
            ("oppu 1", "1 of 3: OPPU parts from Base, greedy"),
            ("cope 4", "3 of 3: contrast overruled the favourite"),
        ]
        page.click(".differences button >> nth=0")
        assert page.inner_text(".differences span").startswith("2 of 3")
        twins = page.eval_on_selector_all(".tok.twin", "(all) => all.map(s => s.closest('.column').dataset.method)")
        assert twins == ["greedy", "oppu"] and page.locator(f"{COPE} .tok.open").count() == 1


def test_summary_with_likeness_and_table(chromium):
    given = columns()
    with view(chromium, value({"cope": plain(["a"])})) as page:
        answer = {name: {"topic": 0.4, "style": 0.7} for name in given} | {"history": {"topic": 0.6, "style": 0.8}}
        page.evaluate(
            "(answer) => { window.likeness = (run, texts) => (window.asked = [run, texts], answer); }", answer
        )
        send(page, value(given, run="run9"))
        page.wait_for_function(f"document.querySelector('{COPE} .foot').textContent.includes('style likeness')")
        run, texts = page.evaluate("window.asked")
        assert run == "run9" and texts["cope"] == "the bus stopped w4 stopped"
        tokens = given["cope"]
        mean = sum(token.logp_user - token.logp_base for token in tokens) / len(tokens)
        bits = -sum(token.logp_user for token in tokens) / len(tokens) / math.log(2)
        pairs = page.eval_on_selector_all(
            f"{COPE} .foot dl div", "(all) => all.map(d => [d.children[0].textContent, d.children[1].textContent])"
        )
        assert pairs[0] == ["mean, for Ada against base", f"{mean:+.2f}".replace("-", "\u2212")]
        assert pairs[1] == ["bits per token, Ada", f"{bits:.2f}"]
        assert pairs[3:] == [["topic likeness", "0.40"], ["style likeness", "0.70"]]
        assert "5\u00a0tokens \u00b7 ended by itself \u00b7 2 overruled" in page.inner_text(f"{COPE} .foot")

        page.select_option(".later select", "table")
        assert page.is_hidden(".columns") and page.locator(".tables table").count() == 3
        assert page.inner_text(".tables caption >> nth=2").startswith(
            "CoPe: 5\u00a0tokens \u00b7 ended by itself \u00b7 2 overruled; mean, reward"
        )
        heads = page.locator(".tables table >> nth=2").locator("thead th")
        assert heads.all_inner_texts()[1:] == ["token", "reward", "for Ada", "for base", "V_head"]
        assert all(head.get_attribute("scope") == "col" for head in heads.all())
        row = page.locator(".tables table >> nth=2").locator("tbody tr >> nth=2")
        assert row.locator("th[scope=row] button").inner_text() == "\u2423stopped"
        assert "contrast overruled \u2018was\u2019" in row.inner_text() and "39\u202f%" in row.inner_text()
        row.locator("button").click()
        assert "token 3 of 5" in page.inner_text(".inspector .where")
        page.keyboard.press("Escape")
        assert page.is_hidden(".inspector")
        send(page, value(given, run="run10", done=False))  # a stream fills the tables too
        assert page.locator(".tables table >> nth=2").locator("tbody tr").count() == 5


def test_no_answer_shows_no_likeness(chromium):
    with view(chromium, value({"cope": plain(["a"])})) as page:
        page.evaluate("window.likeness = () => ({ error: 'no' })")
        send(page, value(columns(), run="run2"))
        page.wait_for_function("document.querySelector('.status').textContent.startsWith('Done')")
        assert "likeness" not in page.inner_text(".columns")


@pytest.mark.parametrize("reason", ["eos", "length"])
def test_a_column_that_ends_first(chromium, reason):
    """A column of another length is fine for the shared selection and the divergences."""
    with view(chromium, value({"oppu": plain(["a", " b"], "oppu"), "cope": plain(["a"])}, done=False)) as page:
        send(page, page.evaluate("window.given.value") + wire.line("end", method="cope", stopped=reason))
        page.hover(".column[data-method=oppu] .tok >> nth=1")
        assert page.locator(".tok.twin").count() == 0 and page.is_hidden(".later")
