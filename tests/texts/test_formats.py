"""Each file format as entries, and what is said about files that are not what they claim."""

import json

import pytest

from cope_demo.errors import CopeError
from cope_demo.texts.formats import read_entries, split_blocks
from cope_demo.texts.tasks import TASKS

FREE, NEWS = TASKS["free_writing"], TASKS["news_headline"]


def only(text, suffix=None, task=FREE):
    return read_entries(text, suffix, task)[0]


def test_blank_lines_separate():
    assert split_blocks("one\ntwo\n\n\nthree\r\n \t\r\nfour\n") == ["one\ntwo", "three", "four"]


def test_where_dashes_stand_only_they_separate():
    assert split_blocks("one\n\ntwo\n---\nthree\n  -----  \n\n---\nfour - five\n--\nsix") == [
        "one\n\ntwo",
        "three",
        "four - five\n--\nsix",
    ]
    assert split_blocks("one\n—-\ntwo") == ["one", "two"], "what a phone makes of ---"


def test_a_markdown_heading_belongs_to_the_text_after_it():
    assert split_blocks("# Geese\n\nThey came.\n\nThey left.\n\n## Trams\n\nOne.\n\n# End") == [
        "# Geese\nThey came.",
        "They left.",
        "## Trams\nOne.",
        "# End",
    ]


def test_nothing_is_no_text():
    for text in ("", " \n\t\n", "---\n---\n", "\ufeff\u200b"):
        for suffix in (None, ".txt", ".md"):
            assert only(text, suffix) == []
    assert only("", ".json") == [] and only(" \n", ".csv") == [] and only("[]", ".json") == []


RECORDS = [{"prompt": "p", "response": "r"}, {"text": "t"}]


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".ndjson", None])
def test_json_and_json_lines(suffix):
    assert only(json.dumps(RECORDS, indent=1), suffix) == RECORDS
    assert only("\n\n".join(map(json.dumps, RECORDS)) + "\n", suffix) == RECORDS
    assert only("\ufeff" + json.dumps(RECORDS[1]), suffix) == [RECORDS[1]]


def test_json_strings_are_texts():
    assert only('["one", "two"]', ".json") == ["one", "two"]


def test_line_ends_inside_json_strings():
    assert only('{"text": "a\u2028b"}\n{"text": "c\td"}', ".jsonl") == [{"text": "a\u2028b"}, {"text": "c\td"}]


def test_a_users_profile():
    profile = [{"id": "1", "text": "article", "title": "headline"}]
    user = {"user_id": "u1", "profile": profile, "query": [{"id": "q", "input": "x", "gold": "y"}]}
    for text in (json.dumps(user), json.dumps([user]), json.dumps(profile)):
        assert read_entries(text, ".json", NEWS) == (profile, [])
    records, warnings = read_entries(json.dumps(user), ".json", FREE)
    assert records == profile and "News headlines" in warnings[0]


@pytest.mark.parametrize("suffix", [".json", ".jsonl", None])
def test_a_file_of_many_users_is_refused(suffix):
    users = [{"user_id": f"u{i}", "profile": [{"text": "a", "title": "b"}]} for i in range(4)]
    text = "\n".join(map(json.dumps, users)) if suffix == ".jsonl" else json.dumps(users)
    with pytest.raises(CopeError, match=r"4 users \(u0, u1, u2, …\); pick one"):
        read_entries(text, suffix, NEWS)


@pytest.mark.parametrize(
    "text,says",
    [
        ("not json at all", "This is not JSON"),
        ('{"text": "a"', "This is not JSON"),
        ('{"text": "a"}\n{"text": ', "Line 2 is not JSON"),
        ("[1, 2]", "list of records"),
        ("null", "list of records"),
        ("42", "list of records"),
        ('{"profile": {"a": 1}}', "fields profile, but Free writing needs text"),
        ('[{"body": "a"}]', "fields body, but Free writing needs text, or prompt and response; rename them"),
        ('[{"summary": "a", "content": "b"}]', "choose the task Posts on a topic"),
        ("[" * 100_000, "JSON"),
        ("9" * 5000, "JSON"),
    ],
)
def test_json_that_is_not_what_it_claims(text, says):
    with pytest.raises(CopeError, match=says):
        read_entries(text, ".json", FREE)


@pytest.mark.parametrize("text", ["[1] as the footnote says\n\n[2] so too", "{ curly }", "[1]", "[[nested]", "[]"])
def test_pasted_text_may_begin_with_a_bracket(text):
    assert only(text) == text.split("\n\n")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_csv_delimiters(delimiter, line_end):
    rows = [["Prompt", "id", "RESPONSE "], ["p, 1", "1", '"r; ""one""\nmore"'], ["", "", ""], ['"p|2\t"', "2", "r2"]]
    rows[1][0] = '"p, 1"'
    text = "\ufeff" + line_end.join(delimiter.join(row) for row in rows) + line_end
    found = only(text, ".csv")
    assert [(row["prompt"], row["response"]) for row in found] == [("p, 1", 'r; "one"\nmore'), ("p|2\t", "r2")]


def test_csv_of_one_column_of_texts_full_of_delimiters():
    text = "text\n" + "\n".join(f'"one, two; three, {i}; four"' for i in range(9))
    assert len(only(text, ".csv")) == 9 and only(text, ".csv")[0] == {"text": "one, two; three, 0; four"}
    assert only("text\njust some words\nand more words", ".csv") == [
        {"text": "just some words"},
        {"text": "and more words"},
    ]


def test_csv_from_excel_and_ragged_rows():
    assert only("sep=;\ntext;x\nhello;1\n;2\nshort", ".csv")[0] == {"text": "hello", "x": "1"}
    assert only("text,x\na\nb,1,2,3", ".csv") == [{"text": "a"}, {"text": "b", "x": "1"}]


def test_csv_of_a_task():
    assert only("reviewtext,Description\ngood,ladle", ".csv", TASKS["review_writing"]) == [
        {"reviewText": "good", "description": "ladle"}
    ]


def test_csv_without_the_columns_is_refused():
    with pytest.raises(
        CopeError, match="columns id, body, but Free writing needs text, or prompt and response; rename"
    ):
        read_entries("id,body\n1,hello\n", ".csv", FREE)
    with pytest.raises(CopeError, match="choose the task News headlines"):
        read_entries("text;title\na;b\n", ".csv", TASKS["topic_writing"])


def test_csv_with_an_open_quote_is_refused():
    with pytest.raises(CopeError, match="quotation mark is not closed"):
        read_entries('text,id\n"' + "word " * 40_000, ".csv", FREE)


def test_an_unknown_format_is_refused():
    with pytest.raises(CopeError, match=r"\.docx files cannot be read; give \.txt"):
        read_entries("hello", ".docx", FREE)
