"""Something back at once: surprise of pasted texts, a model that learns as one watches, and a blind test as a file."""

import json
import threading
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, visit
from tests.browser.test_axe import violations
from tests.browser.test_token_view import sideways
from tests.fits import eventually
from tests.scripted import HOSTILE

TEXTS = "\n---\n".join(f"The tram to the harbour was late again, number {n}, so we walked." for n in range(6))
SURPRISE, WATCHING = ".cope-surprise", ".cope-fit .watching"


def look(stage, step, of, bits, written):
    """An event of a fit at whose model somebody looked."""
    tokens = [[HOSTILE[0], bits], [" was", 1.0], [" late", bits / 2]]
    watched = {"prompt": f"Write a post about {HOSTILE[2]}.", "tokens": tokens, "written": written}
    return {"stage": stage, "step": step, "of": of, "loss": None, "margin": None, "watched": watched}


@pytest.mark.parametrize("size,dark", [(DESKTOP, False), (PHONE, True)], ids=["1280", "390"])
def test_texts_are_read_at_once_and_a_fit_is_watched(chromium, service, scripted_url, size, dark):
    with visit(chromium, scripted_url, size, dark) as page:
        page.click("[data-id=new]")
        page.fill("#history textarea", TEXTS)
        page.wait_for_selector(f"{SURPRISE} .status.done")
        assert page.locator(f"{SURPRISE} li").count() == 6
        assert page.inner_text(f"{SURPRISE} li >> nth=0").endswith(": harbour 14, walked 14, again 12")
        assert "6\u00a0texts read, on average" in page.inner_text(f"{SURPRISE} .status")
        assert page.locator(f"{SURPRISE} .bits-legend .bits3").count() == 1
        page.click("#start-fit")
        page.wait_for_selector(".cope-fit .headline", timeout=90_000)  # the instructions are made first
        job = f"job{len(service.jobs.requests)}"
        user = service.jobs.status(job).user_id
        events = [
            look("oppu", 0, 4, 12.0, "I am excited"),
            look("oppu", 1, 4, 8.0, None),
            look("oppu", 4, 4, 4.0, "late"),
        ]
        service.jobs.set(job, user, "running", stage="oppu", events=events[:2])
        page.wait_for_selector(f"{WATCHING} .answers li")
        assert page.inner_text(f"{WATCHING} .sentence") == f"{HOSTILE[0]} was late"
        assert page.inner_text(f"{WATCHING} .told").startswith("OPPU, step 1 of 4: 4.3 bits a token, 2.0 less than")
        page.focus(f"{WATCHING} input[type=range]")
        page.keyboard.press("ArrowLeft")
        assert page.inner_text(f"{WATCHING} .told").startswith("Base, before the first step: 6.3 bits a token")
        service.jobs.set(job, user, "running", stage="negatives", events=events)
        page.wait_for_selector(f"{WATCHING} .answers li >> nth=1")  # of three looks two have written
        assert page.inner_text(f"{WATCHING} .told").startswith("Base")  # who has gone back stays there
        page.keyboard.press("End")
        assert page.inner_text(f"{WATCHING} output") == "after OPPU"
        assert sideways(page) <= 0
        assert size is DESKTOP or violations(page) == []
        service.jobs.set(job, user, "cancelled")


def test_texts_that_change_are_not_read_on(chromium, service, scripted_url):
    gate, read = threading.Event(), []
    service.pause = lambda step: (read.append(step), gate.wait(0.2 if step < 1 else 3))
    with visit(chromium, scripted_url) as page:
        page.click("[data-id=new]")
        page.fill("#history textarea", TEXTS)
        page.wait_for_selector(f"{SURPRISE} li")
        page.fill("#history textarea", "")
        page.wait_for_selector(SURPRISE, state="hidden")
        gate.set()
        eventually(lambda: service.closed)
        page.wait_for_timeout(300)
        assert max(read) < 5 and page.is_hidden(SURPRISE)


def test_a_blind_test_is_guessed_and_taken_along_as_a_file(chromium, service, scripted_url, tmp_path):
    service.pieces["cope"] = [f" {HOSTILE[1]}", " done."]
    with visit(chromium, scripted_url) as page:
        page.click(".cope-blind .quiet:visible")
        page.wait_for_selector(".cope-blind .choice >> nth=2")
        texts = page.locator(".cope-blind .words").all_inner_texts()
        assert sorted(texts) == sorted(["My own words <b>3</b>.", "stitch in time", f"{HOSTILE[1]} done."])
        page.focus(f".cope-blind .choice >> nth={texts.index('My own words <b>3</b>.')}")
        page.keyboard.press("Enter")
        assert page.inner_text(".cope-blind .answer") == "Right: that is the real one."
        assert page.inner_text(".cope-blind .score") == "1 of 1 right."
        page.keyboard.press("Enter")  # a round is guessed once
        assert page.inner_text(".cope-blind .score") == "1 of 1 right."
        with page.expect_download() as download:
            page.click("text=Save the test as a file")
        file = Path(download.value.path()).read_text()
        data = json.loads(file.split('id="data">')[1].split("</script>")[0])
        assert set(data["rounds"][0]) == {"prompt", "texts", "sealed"} and data["who"] == "Ada"
        assert not {"own", "base", "cope"} & set(json.dumps(data["rounds"]).split('"'))
        (tmp_path / "test.html").write_text(file)
        context = chromium.new_context(offline=True, viewport=PHONE, color_scheme="dark")
        alone, trouble = context.new_page(), []
        alone.on("pageerror", lambda error: trouble.append(str(error)))
        alone.goto((tmp_path / "test.html").as_uri())
        assert alone.inner_text("h1") == "Who wrote it?" and "Ada really write" in alone.inner_text(".question")
        wrong = data["rounds"][0]["texts"].index("stitch in time")
        alone.click(f".choice >> nth={wrong}")
        assert alone.inner_text(".answer").startswith("No: that is Base\u2019s. The real one is ")
        assert (
            violations(alone) == [] and sideways(alone) <= 0 and trouble == [] and alone.evaluate("window.hit") is None
        )
        context.close()
