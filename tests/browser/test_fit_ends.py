"""A fit ends while its visitor does something else: that stays as it is."""

from cope_demo.ui.panels import lessons
from tests.browser.conftest import visit
from tests.browser.test_lessons import LESSON, open_lesson
from tests.browser.test_own_writing import TEXTS
from tests.scripted import publish


def finish(service, page, tmp_path):
    """The fit ends, and the page has heard of it."""
    request = service.jobs.requests[-1]
    job = f"job{len(service.jobs.requests)}"
    publish(service.store, tmp_path, request.user_id, "You", owner=request.owner)
    service.jobs.set(job, request.user_id, "done")
    page.wait_for_selector(".cope-fit .report")


def start(page):
    page.click("[data-id=new]")
    page.fill("#history textarea", TEXTS)
    page.click("#start-fit")
    page.wait_for_selector(".cope-fit .stages, #cancel-fit")


def test_a_prompt_and_a_lesson_outlive_it(chromium, service, scripted_url, tmp_path):
    with visit(chromium, scripted_url) as page:
        start(page)
        page.fill("#prompt textarea", "Write of tides.")
        open_lesson(page, lessons.ORDER[0])
        page.click(f"{LESSON} .present")
        page.wait_for_selector("dialog[open]")
        finish(service, page, tmp_path)
        page.wait_for_timeout(500)
        assert page.input_value("#prompt textarea") == "Write of tides."
        assert page.is_visible("dialog[open]") and page.is_visible(LESSON)


def test_an_empty_view_says_no_more_that_the_fit_is_missing(chromium, service, scripted_url, tmp_path):
    with visit(chromium, scripted_url) as page:
        start(page)
        page.wait_for_function("document.querySelector('.cope-heatmap .status').innerText.includes('Fit this writing')")
        finish(service, page, tmp_path)
        page.wait_for_function("document.querySelector('.cope-heatmap .status').innerText === ''")
