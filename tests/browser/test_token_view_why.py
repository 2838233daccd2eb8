"""Why this word: the one sentence of each situation, and what the tooltip and the inspector say beside it."""

import pytest

from tests.browser.alone import plain, step, value, view

WAS, STOPPED, CAME = ("was", 0.4, 0.5), ("stopped", 0.25, 0.02), ("came", 0.2, 0.02)

SENTENCES = {
    "overruled": (
        "cope",
        step(WAS, STOPPED, CAME, written=1, alpha=0.5),
        {"alpha": 0.5},
        "‘stopped’ was 2nd for Ada at 25 %, but only 2.0 % for base, so contrast chose it over ‘was’ (40 %, 50 % for"
        " base).",
    ),
    "confirmed": (
        "cope",
        step(("was", 0.6, 0.1), ("the", 0.1, 0.5)),
        {},
        "‘was’ was first for Ada at 60 % and has only 10 % for base, so contrast confirmed it.",
    ),
    "in spite of contrast": (
        "cope",
        step(("was", 0.6, 0.7), ("the", 0.1, 0.71)),
        {},
        "‘was’ was first for Ada at 60 %, far enough ahead to win although it is commoner for base (70 %).",
    ),
    "alone": (
        "cope",
        step(("was", 0.97, 0.5), ("the", 0.01, 0.2)),
        {},
        "‘was’ was the only plausible token: 97 % for Ada, and nothing else reached 10 % of that, so contrast had no"
        " say.",
    ),
    "no contrast": (
        "cope",
        step(WAS, STOPPED, alpha=0.0),
        {"alpha": 0.0},
        "‘was’ was first for Ada at 40 %; at alpha 0 nothing is subtracted, so the favourite wins.",
    ),
    "the penalty": (
        "cope",
        step(WAS, STOPPED, written=1, penalty={0: 1.5}),
        {"penalty": 1.2},
        "The repetition penalty decided: without it ‘was’, which had been used before, would have won (40 % for Ada,"
        " 50 % for base); so it was ‘stopped’ with 25 % for Ada and 2.0 % for base.",
    ),
    "further down": (
        "cope",
        step(WAS, ("came", 0.2, 0.4), ("wild", 0.1, 0.0005), written=2, alpha=0.8),
        {"alpha": 0.8},
        "‘wild’ was behind ‘was’ for Ada, 10 % against 40 %, but for base it has only 0.05 % against 50 %, so"
        " contrast chose it.",
    ),
    "oppu": (
        "oppu",
        step(WAS, STOPPED, method="oppu"),
        {},
        "‘was’ was the likeliest for Ada at 40 %; for base it has 50 %, and base had no say.",
    ),
    "oppu, the penalty": (
        "oppu",
        step(WAS, STOPPED, method="oppu", written=1, penalty={0: 1.5}),
        {"penalty": 1.2},
        "‘was’ was likelier for Ada at 40 %, but the repetition penalty set it back, so ‘stopped’ at 25 % was taken.",
    ),
    "greedy": (
        "greedy",
        step(STOPPED, WAS, method="greedy", written=1),
        {},
        "‘was’ was the likeliest for base at 50 %; for Ada it has 40 %, the favourite there as well.",
    ),
    "greedy, against the person": (
        "greedy",
        step(("a", 0.1, 0.6), ("the", 0.7, 0.2), method="greedy"),
        {},
        "‘a’ was the likeliest for base at 60 %; for Ada it has 10 %, where ‘the’ is the favourite.",
    ),
    "drawn": (
        "cope",
        step(WAS, STOPPED, written=1),
        {"decoding": {"max_new_tokens": 4, "temperature": 0.8, "seed": 0}},
        "The lot fell on ‘stopped’ (25 % for Ada, 2.0 % for base), out of 2 plausible tokens; ‘was’ would have been"
        " the best.",
    ),
    "a given text": (
        "score",
        step(STOPPED, WAS, method="score"),
        {},
        "‘stopped’ has 25 % for Ada, 2.0 % for base, which speaks for Ada.",
    ),
    "the end": (
        "cope",
        step(("<|end|>", 0.6, 0.1), ("the", 0.1, 0.5), text=""),
        {},
        "the end of the text was first for Ada at 60 % and has only 10 % for base, so contrast confirmed it.",
    ),
}


@pytest.fixture(scope="module")
def page(chromium):
    with view(chromium, value({"cope": plain(["first"])})) as page:
        yield page


@pytest.mark.parametrize("name", SENTENCES)
def test_each_decision_has_its_sentence(page, name):
    method, token, start, sentence = SENTENCES[name]
    start = {"penalty": 1.0, **start}
    page.evaluate("(v) => { window.given.value = v; window.grown(); }", value({method: [token]}, run=name, **start))
    page.hover("h1")
    page.hover(".tok >> nth=0")
    page.wait_for_selector(".cope-tip:visible")
    assert page.inner_text(".cope-tip .why").replace("\u202f", " ").replace("\u00a0", " ") == sentence


def test_tooltip_tells_both_favourites_and_the_head(page):
    token = step(WAS, STOPPED, CAME, ("rare", 0.001, 0.3), written=1, alpha=0.5)
    page.evaluate("(v) => { window.given.value = v; window.grown(); }", value({"cope": [token]}, alpha=0.5, run="tip"))
    page.hover("h1")
    page.hover(".tok >> nth=0")
    page.wait_for_selector(".cope-tip:visible")
    said = page.inner_text(".cope-tip .liked").replace("\u202f", " ").replace("\u00a0", " ").splitlines()
    assert [line for line in said if line] == [
        *("Likeliest for Ada", "was 40 %, stopped 25 %, came 20 %"),
        *("Likeliest for base", "was 50 %, rare 30 %, stopped 2.0 %"),
        *("In V_head: 3 tokens", "was, stopped, came"),
    ]
    page.click(".tok >> nth=0")
    rows = page.locator(".inspector .choices tbody tr")
    assert [rows.nth(n).locator("code").inner_text() for n in range(4)] == ["was", "stopped", "came", "rare"]
    assert rows.nth(3).get_attribute("class") == "cut" and "written" in rows.nth(1).inner_text()
    bar, line = (rows.nth(1).locator(f".bars .{name}").bounding_box() for name in ("user", "line"))
    widest = rows.nth(0).locator(".bars .base").bounding_box()["width"]
    assert bar["width"] / widest == pytest.approx(0.25 / 0.5, abs=0.02)
    assert (line["x"] - bar["x"]) / widest == pytest.approx(0.04 / 0.5, abs=0.02)  # tau times the favourite
    assert rows.nth(1).locator("td >> nth=3").inner_text() == "+0.57"  # log 0.25 - 0.5 log 0.02
