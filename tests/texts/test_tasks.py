"""Every task's wording, from records, from visitors' input and from queries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cope_demo.errors import CopeError
from cope_demo.texts.tasks import (
    TASKS,
    Sample,
    find_task,
    make_opening_prompt,
    make_title_prompt,
    make_topic_prompt,
    read_field,
)

WORDING = [
    (
        "news_headline",
        {"id": "1", "text": "A goose stopped the 8.15 tram.", "title": "Goose Halts Tram"},
        "Generate a headline for the following article: A goose stopped the 8.15 tram.",
        "Goose Halts Tram",
    ),
    (
        "scholarly_title",
        {"title": "On Geese", "abstract": "We study geese on tram lines."},
        "Generate a title for the following abstract of a paper: We study geese on tram lines.",
        "On Geese",
    ),
    (
        "abstract_generation",
        {"title": "On Geese", "abstract": "We study geese on tram lines."},
        "Generate an abstract for the title On Geese",
        "We study geese on tram lines.",
    ),
    (
        "review_writing",
        {
            "overall": "5",
            "summary": 'He said "buy"',
            "description": "music album B000001DUP",
            "reviewText": "It plays.",
        },
        'Generate the review text written by a reviewer who has a given an overall rating of "5" for a product with '
        'description "music album B000001DUP". The summary of the review text is "He said "buy"".',
        "It plays.",
    ),
    (
        "topic_writing",
        {"summary": "SEN. GOOSE ON TRAMS", "content": "The senator spoke."},
        "Generate the content for a reddit post SEN. GOOSE ON TRAMS",
        "The senator spoke.",
    ),
]
FIVE = [case[0] for case in WORDING]


@pytest.mark.parametrize("name,record,prompt,response", WORDING)
def test_a_record_has_exactly_the_wording_of_the_queries(name, record, prompt, response):
    assert TASKS[name].sample(record) == Sample(prompt, response)


@pytest.mark.parametrize("name,record,prompt,response", WORDING)
def test_a_query_stays_as_it_is(name, record, prompt, response):
    assert TASKS[name].prompt(prompt) == prompt


@pytest.mark.parametrize("name", [name for name in FIVE if name != "review_writing"])
def test_bare_input_is_put_into_the_wording(name):
    task, record, prompt = next((TASKS[n], r, p) for n, r, p, _ in WORDING if n == name)
    assert task.prompt(f"  {record[task.inputs[0]]}\n") == prompt


def test_free_writing_leaves_an_instruction_alone():
    assert TASKS["free_writing"].prompt("  Tell me about {geese} and trams \n") == "Tell me about {geese} and trams"


@pytest.mark.parametrize(
    "rating,read", [("4", "4"), ("4/5", "4"), ("4 stars", "4"), ("4.0", "4"), ("4 out of 5", "4"), ("so-so", "so-so")]
)
def test_labelled_lines_of_a_review(rating, read):
    text = f"Product: Steel ladle, 250 ml\nsummary: Gives 235\nRATING: {rating}"
    assert TASKS["review_writing"].prompt(text) == (
        f'Generate the review text written by a reviewer who has a given an overall rating of "{read}" for a product '
        'with description "Steel ladle, 250 ml". The summary of the review text is "Gives 235".'
    )


def test_plain_lines_of_a_review_are_the_product_and_nothing_is_invented():
    assert TASKS["review_writing"].prompt("Steel ladle\nwith a hook") == (
        'Generate the review text written by a reviewer for a product with description "Steel ladle with a hook".'
    )
    assert TASKS["review_writing"].prompt("Rating: 2\nSummary: Bent") == (
        'Generate the review text written by a reviewer who has a given an overall rating of "2". '
        'The summary of the review text is "Bent".'
    )


def test_a_review_record_may_lack_rating_and_summary_but_not_the_product():
    task = TASKS["review_writing"]
    sample = task.sample({"description": "Ladle", "reviewText": "Good."})
    assert sample.prompt == 'Generate the review text written by a reviewer for a product with description "Ladle".'
    with pytest.raises(CopeError, match="without description"):
        task.sample({"overall": 4, "reviewText": "Good."})


def test_pasted_texts_as_records():
    assert TASKS["news_headline"].record("Goose Halts Tram\nA goose\nstopped it.") == {
        "title": "Goose Halts Tram",
        "text": "A goose\nstopped it.",
    }
    assert TASKS["abstract_generation"].record("On Geese\n\nWe study.") == {
        "title": "On Geese",
        "abstract": "We study.",
    }
    assert TASKS["topic_writing"].record("Geese\nThey came.") == {"summary": "Geese", "content": "They came."}
    assert TASKS["review_writing"].record("Rating: 5/5\nProduct: Ladle\nIt ladles.\nAnd pours.") == {
        "overall": "5",
        "description": "Ladle",
        "reviewText": "It ladles.\nAnd pours.",
    }
    for name, text in [("news_headline", "only a headline"), ("review_writing", "It ladles.\nAnd pours.")]:
        with pytest.raises(CopeError):
            TASKS[name].record(text)


@pytest.mark.parametrize("name", FIVE)
def test_prompt_and_response_serve_every_task(name):
    task = TASKS[name]
    assert task.sample({"prompt": "a goose", "response": "honk"}) == Sample(task.prompt("a goose"), "honk")
    with pytest.raises(CopeError, match="without a prompt"):
        task.sample({"prompt": None, "response": "honk"})
    with pytest.raises(CopeError, match="without response"):
        task.sample({"prompt": "a goose", "response": " "})


@pytest.mark.parametrize("name", FIVE)
def test_a_missing_field_is_named(name):
    task, record = next((TASKS[n], r) for n, r, _, _ in WORDING if n == name)
    for missing in (*task.required, task.target):
        with pytest.raises(CopeError, match=f"without {missing}"):
            task.sample({key: value for key, value in record.items() if key != missing} | {missing: ["x"]})


def test_free_writing_records():
    sample = TASKS["free_writing"].sample
    assert sample({"text": " a text "}) == Sample("", "a text")
    assert sample({"text": "a text", "title": 'The "Goose"'}) == Sample(
        "Write a post titled \"The 'Goose'\".", "a text"
    )
    assert sample({"prompt": "Say it.", "response": "a text"}) == Sample("Say it.", "a text")
    assert sample({"prompt": "", "response": "a text"}) == Sample("", "a text")
    with pytest.raises(CopeError, match="without text"):
        sample({"text": None})


def test_instructions_made_from_a_text():
    assert make_topic_prompt(["geese"]) == "Write a post about geese."
    assert make_topic_prompt(["geese", "trams"]) == "Write a post about geese and trams."
    assert make_topic_prompt(["geese", "trams", "rain"]) == "Write a post about geese, trams and rain."
    assert make_title_prompt("Of  Geese") == 'Write a post titled "Of Geese".'
    assert make_opening_prompt("so there") == 'Write a post that begins with "so there".'


def test_numbers_become_text():
    record = {"a": 5, "b": 5.0, "c": 4.5, "d": True, "e": None, "f": float("nan"), "g": " x "}
    assert [read_field(record, name) for name in "abcdegh"] == ["5", "5", "4.5", "", "", "x", ""]


def test_every_task_is_presentable():
    assert list(TASKS) == ["free_writing", *FIVE]
    for name, task in TASKS.items():
        assert task.name == name and task.label and task.instruction.endswith(".")
        assert task.prompt(task.example_prompt).startswith(task.prefix)
        assert 16 <= task.max_new_tokens <= 1024
        expected = 1.0 if task.target == "title" else 1.1
        assert task.repetition_penalty == expected
        assert task.accepts([*task.inputs, task.target]) and task.accepts(["response", "prompt", "id"])
        assert not task.accepts(["prompt", "id"])


def test_an_empty_prompt_and_an_unknown_task_are_refused():
    for task in TASKS.values():
        with pytest.raises(CopeError, match="prompt is empty"):
            task.prompt(" \n ")
    with pytest.raises(CopeError, match="free_writing, news_headline"):
        find_task("haiku")


@given(st.text(min_size=1, max_size=80).filter(str.strip), st.sampled_from(list(TASKS)))
def test_a_prompt_is_put_into_words_once(text, name):
    once = TASKS[name].prompt(text)
    assert once.startswith(TASKS[name].prefix.rstrip()) and TASKS[name].prompt(once) == once
