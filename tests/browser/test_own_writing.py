"""One's own writing, pasted or uploaded: one preview for both, and nothing is taken in silence."""

import threading

import pytest

from cope_demo.ui.panels import own as own_panel
from tests.browser.conftest import PHONE, visit
from tests.fits import eventually

TEXTS = "\n---\n".join(f"The tram to the harbour was late again, number {n}, so we walked." for n in range(6))
READ = "document.querySelector('.cope-preview')?.innerText"


@pytest.fixture
def own(chromium, service, scripted_url):
    """The page where one's own writing is chosen."""
    with visit(chromium, scripted_url) as page:
        page.click("[data-id=new]")
        page.wait_for_selector("#history textarea")
        yield page


def upload(page, name: str, content: bytes):
    page.set_input_files("#upload input, input[type=file]", {"name": name, "mimeType": "text/plain", "buffer": content})


def test_pasted_and_uploaded_texts_have_one_preview_and_an_empty_file_is_told(own):
    own.fill("#history textarea", TEXTS)  # the focus stays in the box
    own.wait_for_function(f"{READ}.includes('Only 6 texts')")
    pasted = own.inner_text(".cope-preview")
    assert "Write a post" in pasted and "made from its key words" not in pasted
    plan = own.inner_text(".cope-fit")
    assert "minute" not in plan and "once the first steps have been timed" in plan
    own.fill("#history textarea", "")
    own.wait_for_selector(".cope-preview .hint")
    upload(own, "mine.txt", TEXTS.encode())
    own.wait_for_function(f"{READ}.includes('Only 6 texts')")
    assert own.inner_text(".cope-preview").replace("mine.txt: ", "") == pasted
    upload(own, "empty.txt", b" ")
    own.wait_for_selector(".cope-preview .problem")
    assert "'empty.txt' holds no text: choose another" in own.inner_text(".cope-preview .problem")


def test_what_was_made_of_earlier_texts_comes_too_late(own, monkeypatch):
    """Instructions take seconds; whoever takes another file meanwhile sees what is said of that one."""
    asked, gate, made, parse = threading.Event(), threading.Event(), [], own_panel.parse_history

    def parse_late(*given):
        asked.set()
        gate.wait(60)
        made.append(parse(*given))
        return made[-1]

    monkeypatch.setattr(own_panel, "parse_history", parse_late)
    own.fill("#history textarea", TEXTS)
    assert eventually(asked.is_set)
    upload(own, "empty.txt", b" ")
    own.wait_for_selector(".cope-preview .problem")
    gate.set()
    assert eventually(lambda: made)
    own.wait_for_timeout(1000)  # it is on its way
    assert own.is_visible(".cope-preview .problem") and own.query_selector(".cope-preview .summary") is None
    upload(own, "mine.txt", TEXTS.encode())  # and what is made of the latest texts is shown
    own.wait_for_function(f"{READ}.includes('mine.txt') && {READ}.includes('Write a post')")


def test_on_a_phone_what_is_wrong_with_a_file_is_in_the_window(chromium, scripted_url):
    with visit(chromium, scripted_url, PHONE, chapters=False) as page:
        page.click("[data-door=you]")
        page.wait_for_selector("#history textarea")
        page.wait_for_timeout(600)  # the chapter comes to the top
        upload(page, "empty.txt", b" ")
        page.wait_for_selector(".cope-preview .problem")
        box = page.query_selector(".cope-preview .problem").bounding_box()
        assert 0 <= box["y"] and box["y"] + box["height"] <= PHONE["height"]
