"""By keyboard alone, on a phone, at every strength of the colours, and without motion."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.alone import plain, step, three, value, view
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_token_view import CONTRAST, COPE, sideways

WORDS = ["one", " two", " three", " four"]


def focused_index(page):
    return page.evaluate("document.activeElement.dataset.index")


def test_all_by_keyboard(chromium):
    with view(chromium, value(three(WORDS)), reduced_motion="reduce") as page:
        page.focus(".differences button >> nth=0")
        stops = []
        for _ in range(7):
            page.keyboard.press("Tab")
            stops.append(page.evaluate("document.activeElement.className || document.activeElement.localName"))
        assert sum("tok" in stop for stop in stops) == 3  # one stop a column
        page.focus(f"{COPE} .tok >> nth=0")
        for key, index in (("ArrowRight", "1"), ("End", "3"), ("ArrowRight", "3"), ("ArrowLeft", "2"), ("Home", "0")):
            page.keyboard.press(key)
            assert focused_index(page) == index
        outline = page.eval_on_selector(f"{COPE} .tok:focus", "(s) => getComputedStyle(s).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        assert page.is_visible(".inspector") and page.evaluate("document.activeElement.className") == "inspector"
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the button to the next token
        assert "token 3 of 4" in page.inner_text(".inspector .where")
        page.keyboard.press("Escape")
        assert page.is_hidden(".inspector") and focused_index(page) == "2"
        page.keyboard.press(" ")
        assert page.is_visible(".inspector")
        page.keyboard.press("Escape")
        label = page.get_attribute(f"{COPE} .tok >> nth=1", "aria-label")
        assert label == "two, +0.92 for Ada against base"
        page.focus(".save summary")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        assert page.get_attribute(".save", "open") is None
        assert page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length") == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_step_is_readable_at_every_strength(chromium, dark):
    shares = [0.9, 0.5, 0.3, 0.12, 0.05, 0.01, 0.001]
    tokens = [step((f" w{n}{m}", user, base)) for n, user in enumerate(shares) for m, base in enumerate(shares)]
    with view(chromium, value({"oppu": plain(["a"], "oppu"), "cope": tokens}), dark=dark) as page:
        page.click(".adjust summary")
        measures = page.eval_on_selector_all(".choice option", "(all) => all.map(o => o.value)")
        assert measures == ["difference", "reward", "logp_user", "logp_base", "rank", "head", "none"]
        found = set()
        for measure in measures:
            page.select_option(".choice select", measure)
            for strength in ("0.2", "1"):
                page.fill(".adjust input >> nth=0", strength)
                assert page.evaluate(CONTRAST) == []
            steps = page.eval_on_selector_all(f"{COPE} .tok", "(all) => all.map(s => s.dataset.step)")
            found |= set(steps)
            limits = page.locator(".legend .limit").count()
            assert limits >= len(set(steps)) or measure == "none" and set(steps) == {"r0"}
        assert found == {"r0", "rp1", "rp2", "rp3", "rn1", "rn2", "rn3"}
        page.select_option(".choice select", "difference")
        page.fill(".adjust input >> nth=1", "1")
        assert page.inner_text(".legend .limit >> nth=6") == "above +5"
        assert "rp3" in page.get_attribute(f"{COPE} .tok >> nth=6", "class")  # log 0.9 - log 0.001 is over 5
        assert "rp2" in page.get_attribute(f"{COPE} .tok >> nth=5", "class")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
def test_what_cannot_be_seen_is_marked(chromium, size):
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    pieces = ["One", " ", "\n\n", "\t", "", "", family, "\u200b", "\u202eevil", " \u05e9\u05dc\u05d5\u05dd", " end"]
    with view(chromium, value({"cope": plain(pieces)}), size) as page:
        painted = page.eval_on_selector_all(
            ".tok", "(all) => all.map(s => getComputedStyle(s, '::before').content.replace(/\"/g, ''))"
        )
        assert [painted[n] for n in (1, 3, 4, 5, 6, 7)] == ["\u00b7", "\u00b7", "\u22ef", "\u22ef", "none", "\u25cc"]
        assert page.eval_on_selector(".tok >> nth=8", "(s) => getComputedStyle(s).unicodeBidi") == "isolate"
        assert page.evaluate("document.querySelector('.tokens').textContent") == "".join(pieces)
        page.evaluate("document.querySelectorAll('.tok')[8].click()")
        assert page.inner_text(".inspector .word") == "\u27e8U+202E\u27e9evil" and sideways(page) <= 0


def test_the_picture_of_how_it_looks(chromium, tmp_path):
    """The saved picture is not empty, and light and dark differ."""
    pictures = []
    for dark in (False, True):
        with view(chromium, value(three(WORDS * 20)), dark=dark) as page:
            page.click(".save summary")
            with page.expect_download() as download:
                page.click(".save button >> nth=0")
            pictures.append(Path(download.value.path()).read_bytes())
    light, dark = (Image.open(io.BytesIO(data)).convert("RGB") for data in pictures)
    assert light.size == dark.size and light.size[0] == 2480 and light.size[1] > 700
    assert sum(light.getpixel((4, 4))) > 600 and sum(dark.getpixel((4, 4))) < 200
    colours = {light.getpixel((x, y)) for x in range(0, 2480, 4) for y in range(0, light.size[1], 4)}
    assert len(colours) > 30  # paper, cards, letters, and the steps of the scale
