"""Lessons and links in a real browser: a press opens a lesson, each step shows its place, a link fills the controls."""

from dataclasses import replace

import pytest

from cope_demo.ui import links
from cope_demo.ui.panels import lessons
from tests.browser.conftest import DESKTOP, PHONE, TABLET, open_more, visit
from tests.browser.test_token_view import compare, sideways
from tests.scripted import publish

LESSON = ".cope-lesson"
FIGURE = ".cope-lesson .side .cope-figure"
SIZES = {"1280": DESKTOP, "820": TABLET, "390": PHONE}
WORD_IN_SIGHT = """(() => {
  const whole = (node) => {
    const { left, top, right, bottom } = node.getClientRects()[0];
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const free = hit === node || node.contains(hit);
    return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight && free;
  };
  const word = document.querySelector('.cope-figure mark');
  const columns = [...document.querySelectorAll('.cope-figure .passage .name')];
  const text = document.querySelector('.scene.now .piece').getBoundingClientRect();
  const shown = word ? whole(word) : columns.length === 3 && columns.every(whole);
  return shown && text.top >= 0 && text.bottom <= innerHeight;
})()"""
"""The word that a step speaks of is inside the window, and nothing lies over it; so is the step's text. Without a word
all three columns are shown."""


def open_lesson(page, name):
    page.click(f".cope-lessons [data-id={name}]")
    page.wait_for_selector(f"{LESSON}:visible")


def plain(text):
    """A text without what sets a formula: V_head stands as Vhead on the page."""
    return text.replace("V_head", "Vhead").replace("\u03c0_", "\u03c0")


@pytest.mark.parametrize("size", SIZES)
def test_every_step_of_every_lesson_shows_its_word(chromium, service, scripted_url, size):
    service.loaded = False  # a lesson needs no model
    with visit(chromium, scripted_url, SIZES[size]) as page:
        page.emulate_media(reduced_motion="reduce")
        for number, name in enumerate(lessons.ORDER):
            lesson = lessons.read_lesson(name)
            open_lesson(page, name)
            page.wait_for_selector(f"{LESSON} h3:has-text('Lesson {number + 1}')")
            assert page.evaluate("document.activeElement.className") == "cope-lesson"
            for at, step in enumerate(lesson.steps):
                assert page.text_content(f"{LESSON} .place") == f"{at + 1} of {len(lesson.steps)}"
                page.wait_for_function(WORD_IN_SIGHT)
                if page.is_visible(".scene.now .skip"):
                    assert page.inner_text(f"{FIGURE} mark").strip() == "?" and page.is_hidden(".scene.now .words")
                    page.click(".scene.now .skip")
                    page.wait_for_function(WORD_IN_SIGHT)
                assert page.text_content(".scene.now .words") == plain(lesson.fill_text(step))
                check_figure(page, lesson, step)
                if at < len(lesson.steps) - 1:
                    page.click(f"{LESSON} .next")
            assert page.is_disabled(f"{LESSON} .next") and sideways(page) <= 0
        page.click(f"{LESSON} .close")
        assert page.is_hidden(LESSON)
        open_lesson(page, lessons.ORDER[-1])  # the same one once more


def check_figure(page, lesson, step):
    """The figure shows the step's word in its column, and its decision as the step says."""
    shows = step.get("show", "none")
    assert page.is_visible(f"{FIGURE} .decision") == (shows != "none")
    if "column" not in step:
        return
    word = lesson.trace["columns"][list(lesson.columns).index(step["column"])]["tokens"][lesson.find_token(step)][
        "text"
    ]
    told = "?" if step.get("phase", 3) < 3 else word.strip()
    assert page.inner_text(f"{FIGURE} [data-method='{step['column']}'] mark").strip() == told
    phases = {"none": None, "token": "both", "suppose": "3", "steps": str(step.get("phase"))}
    if phases[shows]:
        assert page.get_attribute(f"{FIGURE} .cope-rows", "data-phase") == phases[shows]


@pytest.mark.parametrize("size", ["1280", "390"])
def test_the_figure_changes_as_one_scrolls(chromium, service, scripted_url, size):
    with visit(chromium, scripted_url, SIZES[size]) as page:
        open_lesson(page, "reward")
        page.wait_for_timeout(1600)
        assert page.evaluate(WORD_IN_SIGHT) and page.text_content(f"{LESSON} .place") == "1 of 5"
        for _ in range(3):  # steps of a wheel, or of a finger
            page.evaluate("scrollBy(0, innerHeight / 3)")
            page.wait_for_timeout(120)
        page.wait_for_function("document.querySelector('.cope-lesson .place').textContent !== '1 of 5'")
        at = int(page.text_content(f"{LESSON} .place")[0]) - 1
        assert page.text_content(".scene.now .words") == plain(
            lessons.read_lesson("reward").fill_text(lessons.read_lesson("reward").steps[at])
        )
        page.click(f"{LESSON} .next")
        page.wait_for_timeout(1200)
        assert page.evaluate(WORD_IN_SIGHT) and page.text_content(f"{LESSON} .place") == f"{at + 2} of 5"


def test_a_figure_agrees_with_its_lesson_and_names_the_crossing(offline, site):
    lesson = lessons.read_lesson("reward")
    offline.goto(f"{site}/lesson-reward.html")
    for _ in lesson.steps[1:]:
        offline.click(f"{LESSON} .next")
    offline.click(".scene.now .option >> nth=0")
    facts = lesson.collect_facts(lesson.steps[-1])
    score, rival = (f"{facts[name]:.2f}".replace("-", "\u2212") for name in ("score", "favourite_score"))
    sentence = offline.inner_text(f"{FIGURE} .sentence")
    assert f"wins with {score} against {rival} for" in sentence and "overruled" in sentence
    assert offline.text_content(f"{FIGURE} li.won .r") == score
    assert "You expected \u2018was\u2019; CoPe took \u2018stopped\u2019." in offline.inner_text(".scene.now .verdict")
    alpha = (facts["log"] - facts["favourite_log"]) / (facts["logbase"] - facts["favourite_logbase"])
    said = f"\u2018stopped\u2019 overtakes \u2018was\u2019 at alpha {alpha:.2f}."
    assert said in offline.inner_text(f"{FIGURE} .crossing")
    offline.fill(f"{FIGURE} .cope-dials input >> nth=0", f"{alpha - 0.01:.2f}")
    offline.wait_for_selector(f"{FIGURE} li.won code:text-is('\u2423was')")
    assert offline.is_visible(f"{FIGURE} .own")


def test_run_it_live_fills_the_controls_and_runs_nothing(chromium, service, scripted_url, monkeypatch):
    given = links.from_lesson
    monkeypatch.setattr(links, "from_lesson", lambda lesson: replace(given(lesson), user="ada"))
    with visit(chromium, scripted_url) as page:
        page.click("[data-id=new]")
        page.wait_for_selector("[data-id=new][aria-checked=true]")
        open_lesson(page, "reward")
        page.click("text=Run it live")
        page.wait_for_selector("[data-id=ada][aria-checked=true]")
        page.wait_for_function("document.querySelector('#prompt textarea').value.includes('night bus')")
        open_more(page)
        assert page.input_value("#max_new_tokens input[type=number]") == "40"
        assert "Press Compare" in page.inner_text(".cope-opened") and page.is_visible(LESSON)
        assert service.closed == 0


def test_a_link_goes_round(chromium, service, scripted_url):
    with visit(chromium, scripted_url) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        assert page.is_hidden(".cope-link")
        page.fill("#prompt textarea", "Why ${1} & <b>?")
        page.fill("#alpha input[type=number]", "0.35")
        page.press("#alpha input[type=number]", "Tab")
        compare(page)
        page.click("text=Copy link")
        page.wait_for_selector(".cope-link p:has-text('opening it runs nothing')")
        link = page.input_value(".cope-link input")
        open_lesson(page, "alpha")
        page.click("text=Copy link")
        assert page.input_value(".cope-link input").endswith("/?lesson=alpha")
    done = service.closed
    with visit(chromium, link) as page:
        page.wait_for_function("document.querySelector('#prompt textarea').value.startsWith('Why ${1} & <b>')")
        assert page.input_value("#alpha input[type=number]") == "0.35"
        assert "Ada, the prompt and the settings are filled in" in page.inner_text(".cope-opened")
        assert service.closed == done and page.query_selector(".tok") is None
        assert "Press Compare" in page.inner_text(".cope-heatmap .status >> nth=0")
        page.wait_for_function("document.activeElement.id === 'compare'")
        page.wait_for_function("document.querySelector('#compare').getBoundingClientRect().bottom < innerHeight")
    with visit(chromium, f"{scripted_url}?lesson=alpha") as page:
        page.wait_for_selector(f"{LESSON} h3:has-text('Lesson 3')")
        page.wait_for_timeout(1500)
        assert page.evaluate(WORD_IN_SIGHT)
    with visit(chromium, f"{scripted_url}?user=somebody-else&alpha=0.3") as page:
        page.wait_for_selector(".cope-opened .problem")
        assert "not a sample user" in page.inner_text(".cope-opened") and page.is_visible("[data-id=ada]")


def test_a_lesson_that_was_pressed_before_the_page_had_opened_stays(chromium, scripted_page):
    page = chromium.new_page(viewport=DESKTOP)
    held = []
    opening = scripted_page.event("open_page")

    def hold(route):
        asked = route.request.post_data_json or {}
        held.append(route) if asked.get("fn_index") == opening and not held else route.continue_()

    page.route("**/gradio_api/**", hold)
    page.goto(scripted_page.url)
    page.click("[data-chapter=lessons]")
    page.click(".cope-lessons [data-id=reward]")
    page.wait_for_selector(f"{LESSON}:visible")
    held[0].continue_()
    page.wait_for_selector(".people .card[aria-checked=true]", state="attached")  # the page has opened now
    page.wait_for_timeout(300)
    assert page.is_visible(LESSON) and page.evaluate(WORD_IN_SIGHT)
    page.close()


def test_a_fit_that_ends_takes_no_lesson_away(chromium, service, scripted_url, tmp_path):
    with visit(chromium, scripted_url) as page:
        page.click("[data-id=new]")
        page.fill("#history textarea", "\n---\n".join(f"The tram was late again, number {n}." for n in range(6)))
        page.click("#start-fit")
        page.wait_for_selector(".cope-fit .headline")
        job, request = f"job{len(service.jobs.requests)}", service.jobs.requests[-1]
        open_lesson(page, "reward")
        page.click(f"{LESSON} .present")
        page.wait_for_selector(".cope-present[open]")
        publish(service.store, tmp_path, request.user_id, "Me", owner=request.owner)
        service.jobs.set(job, request.user_id, "done")
        page.wait_for_selector(".cope-people .tag:text-is('fitted')", state="attached")
        page.wait_for_timeout(300)
        assert page.is_visible(".cope-present[open]")
        page.keyboard.press("Escape")
        assert page.is_visible(LESSON)
        compare(page)
        assert page.is_hidden(LESSON) and "you" in page.inner_text(".cope-heatmap .legend")
