"""A page that a link opened: its address says so until somebody else is chosen, and a reload undoes no choice."""

from urllib.parse import parse_qsl, urlsplit

from tests.browser.conftest import visit
from tests.browser.test_fit_ends import finish, start
from tests.browser.test_reload import reload
from tests.browser.test_token_view import COPE, compare, texts


def asked(page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def test_a_reload_keeps_the_choice_and_the_comparison_that_came_after_the_link(
    chromium, service, scripted_url, tmp_path
):
    with visit(chromium, f"{scripted_url}?user=ada&alpha=0.4&seed=7&__theme=light") as page:
        page.wait_for_selector(".cope-opened:has-text('filled in')")
        compare(page)
        reload(page)
        page.wait_for_selector(f"{COPE}.ended")  # the same person: it comes back, and so do the link's settings
        assert asked(page) == {"user": "ada", "alpha": "0.4", "seed": "7", "__theme": "light"}
        start(page)
        assert asked(page) == {"__theme": "light"}
        finish(service, page, tmp_path)
        compare(page)
        written = texts(page, "cope")
        reload(page)
        page.wait_for_selector(f"{COPE}.ended")
        assert texts(page, "cope") == written
        assert page.get_attribute("[data-mine]", "aria-checked") == "true"


def test_a_lesson_is_left_with_its_person(chromium, service, scripted_url):
    with visit(chromium, f"{scripted_url}?lesson=alpha#top") as page:
        page.wait_for_selector(".cope-lesson:visible")
        assert asked(page) == {"lesson": "alpha"}
        page.click("[data-id=new]")
        page.wait_for_selector("#history textarea")
        assert asked(page) == {} and page.url.endswith("/#top")
