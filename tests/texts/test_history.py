"""From any input to a History or a CopeError, with a report that adds up."""

import json
import subprocess
import sys
import time

import pytest

from cope_demo.errors import CopeError
from cope_demo.texts import embedding
from cope_demo.texts.cleaning import clean
from cope_demo.texts.history import MAX_BYTES, History, Note, parse_history, read_history, split_title
from cope_demo.texts.tasks import TASKS, Sample

TOPICS = (
    "gate goose tram kettle ladder marrow trumpet lantern bicycle puddle compass piano chimney harbour candle walnut "
    "blanket pigeon turnip umbrella"
).split()


def texts(count: int, words: int = 12) -> list[str]:
    """Distinct texts of one author."""
    filler = "was left beside the river by somebody who had plainly meant to come back".split()
    return [f"The {TOPICS[i % 20]} number{i} {' '.join((filler * 20)[: words - 3])}." for i in range(count)]


def paste(items) -> str:
    return "\n---\n".join(items)


def test_pasted_text_gives_samples_in_order_without_prompts():
    history = read_history(paste(texts(6)))
    assert [sample.response for sample in history.samples] == texts(6)
    assert {sample.prompt for sample in history.samples} == {""}
    assert (history.task, history.found, history.notes, history.warnings) == ("free_writing", 6, [], [])
    assert history.summary() == "6 texts found, 6 kept."


@pytest.mark.parametrize("name", ["h.txt", "h.MD", "h.json", "h.jsonl", "h.csv"])
def test_every_format_as_path_bytes_and_text(name, tmp_path):
    items = texts(5)
    content = {
        "h.txt": "\n\n".join(items),
        "h.MD": paste(items),
        "h.json": json.dumps([{"text": item} for item in items]),
        "h.jsonl": "\n".join(json.dumps({"text": item}) for item in items),
        "h.csv": "text\n" + "\n".join(items),
    }[name]
    path = tmp_path / name
    path.write_bytes(content.replace("\n", "\r\n").encode("utf-16"))
    for source, filename in [(path, None), (path.read_bytes(), name), (content, name), (content.encode(), name)]:
        assert [sample.response for sample in read_history(source, filename).samples] == items


def test_a_latin1_csv_with_semicolons_and_prompts():
    rows = "".join(f"Écris sur {t};Voilà un été où le café nº {i} ferme déjà à midi.\r\n" for i, t in enumerate(TOPICS))
    history = read_history(("prompt;response\r\n" + rows).encode("latin-1"), "vieux.csv")
    assert history.samples[0] == Sample("Écris sur gate", "Voilà un été où le café nº 0 ferme déjà à midi.")
    assert len(history.samples) == 20 and "not UTF-8" in history.warnings[0]


def test_a_profile_of_each_task():
    for name, task in TASKS.items():
        if name == "free_writing":
            continue
        record = {field: f"the {field} of it" for field in (*task.inputs, task.target)}
        profile = [{**record, task.target: f"{text}"} for text in texts(6)]
        history = parse_history(json.dumps({"user_id": "u", "profile": profile}), "u.json", name)
        assert [sample.response for sample in history.samples] == texts(6)
        assert history.samples[0].prompt == task.sample(record).prompt
        assert history.task == name


def test_pasted_headlines_with_their_articles():
    pasted = paste(f"Headline {i}\nThe {topic} fell over.\n\nNobody was hurt." for i, topic in enumerate(TOPICS))
    history = parse_history(pasted, task="news_headline")
    assert history.samples[0] == Sample(
        "Generate a headline for the following article: The gate fell over.\n\nNobody was hurt.", "Headline 0"
    )


def test_texts_are_cleaned():
    history = read_history("caf\u0065\u0301 au\u200b lait\x07 \ud800now\r\nand  then   ")
    assert history.samples == [Sample("", "café au lait now\nand  then")]


# Titles

BODY = "It has been drawn to your attention that the lower gate was open on four mornings in March."


@pytest.mark.parametrize(
    "text,title",
    [
        (f"On the Matter of the Gate\n{BODY}", "On the Matter of the Gate"),
        (f"the gate again\n\n{BODY.lower()}", "the gate again"),
        (f"# What now?\n{BODY}", "What now?"),
        ("## **Bold Gate** ##\n\nShort body here", "Bold Gate"),
        (f"Concerning Mrs. Pell's Marrow\n{BODY}\nYours, W.", "Concerning Mrs. Pell's Marrow"),
        (f"Gate\n{BODY}", ""),
        (f"The gate is open.\n{BODY}", ""),
        (f"The gate! Open again\n{BODY}", ""),
        (f"found in the dryer:\n{BODY}", ""),
        (f"Dear Mr Okafor\n{BODY}", ""),
        (f"- first of all\n{BODY}", ""),
        (f"1. first of all\n{BODY}", ""),
        ("On the Matter of the Gate", ""),
        ("the gate stands open\nthe geese come in\nthe night is long\nand so am I", ""),
        ("eggs and milk\nsomething green\nstamps", ""),
        ("The quick brown fox went over the\nlazy dog and came to a gate in the lane.", ""),
        ("The gate was left open by Mr\nOkafor on four mornings in the month of March.", ""),
        (f"one two three four five six seven eight nine ten eleven\n{BODY}", ""),
    ],
)
def test_title_lines(text, title):
    assert split_title(text)[0] == title
    prompt, response = (lambda sample: (sample.prompt, sample.response))(read_history(text + "\n---\n").samples[0])
    if title:
        assert prompt == f'Write a post titled "{title}".' and title not in response.split("\n")[0]
    else:
        assert prompt == "" and response == text


# What is left out


def test_duplicates_short_texts_and_cuts_are_reported_and_add_up():
    items = [*texts(6), "Two words", texts(1)[0].upper().replace(" ", "  "), "🎉", "A sentence of five words. " * 200]
    history = read_history(paste(items))
    assert history.found == 10 and len(history.samples) == 7
    assert [(note.number, note.action, note.reason) for note in history.notes] == [
        (1, "dropped", "the same as a later text"),
        (7, "dropped", "shorter than 3 words"),
        (9, "dropped", "shorter than 3 words"),
        (10, "cut", "longer than 2,000 characters (cut at the end of a sentence)"),
    ]
    assert history.notes[0].excerpt == "The gate number0 was left beside the river by somebody who…"
    assert history.samples[-1].response.endswith("five words.") and len(history.samples[-1].response) <= 2000
    assert history.summary() == (
        "10 texts found, 7 kept. 1 cut: 1 longer than 2,000 characters (cut at the end of a sentence). "
        "3 dropped: 2 shorter than 3 words; 1 the same as a later text."
    )


def test_the_same_answer_to_another_prompt_is_no_duplicate():
    records = [{"prompt": f"p{i}", "response": "always the same"} for i in range(3)]
    assert len(read_history(json.dumps(records), "h.json").samples) == 3


def test_long_inputs_of_a_task_keep_its_wording():
    record = {"overall": "5", "summary": "Fine", "description": "word " * 3000, "reviewText": "It is good."}
    prompt = read_history(json.dumps([record]), "h.json", "review_writing").samples[0].prompt
    assert len(prompt) < 4300 and prompt.endswith('word". The summary of the review text is "Fine".')


def test_the_newest_200_are_kept():
    history = read_history(paste(texts(500)))
    assert [sample.response for sample in history.samples] == texts(500)[300:]
    assert history.notes == [
        Note(
            1,
            "dropped",
            "older than the newest 200 usable (the last texts are kept)",
            "The gate number0 was left beside the river by somebody who…",
            300,
        )
    ]
    assert history.summary().startswith("500 texts found, 200 kept. 300 dropped: 300 older than")


def test_only_the_newest_2000_are_looked_at():
    history = read_history("\n\n".join([*texts(7), *["x"] * 2999, *texts(1)]))
    assert history.found == 3007 and len(history.samples) == 1
    assert history.notes[0].count == 1007 and len(history.notes) == 2000


def test_unusable_records_are_named():
    records = [{"text": "An article.", "title": t} for t in texts(5)] + [{"text": "", "title": "x y"}, {"title": "z"}]
    history = parse_history(json.dumps(records), "h.json", "news_headline")
    assert [(note.number, note.reason, note.excerpt) for note in history.notes] == [
        (6, "without text", "x y"),
        (7, "without text", "z"),
    ]


# Instructions


def test_every_text_gets_a_truthful_instruction():
    items = [
        f"The Old Gate\n{BODY}",
        "The kettle whistles in the kitchen every morning, and the cat leaves.",
        "The tram to the harbour was late again, so we walked along the quay and counted boats. " * 2,
        "Our choir rehearsed the requiem in the cold church. The tenor had forgotten his glasses. " * 5,
        "今日は朝から雨が降っていて、駅まで歩くのが大変でした。",
        "🎉 🎉 🎈 🎂 🎉",
    ]
    history = parse_history(paste(items))
    prompts = [sample.prompt for sample in history.samples]
    assert prompts[0] == 'Write a post titled "The Old Gate".'
    for prompt, item, phrases in zip(prompts[1:4], items[1:4], (1, 2, 3), strict=True):
        about = prompt.removeprefix("Write a post about ").removesuffix(".").replace(" and ", ", ").split(", ")
        assert len(about) == phrases and all(phrase.casefold() in item.casefold() for phrase in about)
    assert prompts[4].startswith('Write a post that begins with "今日は朝から雨')
    assert prompts[5] == 'Write a post that begins with "🎉 🎉 🎈 🎂".'
    assert [sample.response for sample in history.samples[1:]] == [clean(item) for item in items[1:]]


def test_given_prompts_stay():
    records = [{"prompt": f"Say {i}.", "response": text} for i, text in enumerate(texts(5))]
    assert [s.prompt for s in parse_history(json.dumps(records), "h.json").samples] == [f"Say {i}." for i in range(5)]


def test_without_the_embedding_model_topics_come_from_word_counts_with_a_warning(monkeypatch):
    monkeypatch.setattr(embedding, "EMBEDDER_SHA256", "0" * 64)
    embedding._load_embedder.cache_clear()
    history = parse_history(paste(texts(6)))
    assert all(sample.prompt.startswith("Write a post about ") for sample in history.samples)
    assert "word counts" in history.warnings[-1] and "reinstall" in history.warnings[-1]


# Too few, and bad input


@pytest.mark.parametrize("source", ["", "  \n\t \r\n", b"", "---\n\n---", "\u200b\ufeff"])
def test_an_empty_history(source):
    history = read_history(source)
    assert history == History([], "free_writing", 0) and history.summary() == "No text found."
    with pytest.raises(CopeError, match="history is empty: give at least 5 texts"):
        parse_history(source)


def test_too_few_texts_are_refused_with_the_reason():
    with pytest.raises(CopeError, match=r"^1 text of this history can be used.*at least 5.*line of ---"):
        parse_history("All my tweets\nare in one block\nhere they are")
    with pytest.raises(
        CopeError, match="^4 texts of .*6 texts found, 4 kept. 2 dropped: 1 the same as a later text; 1 shorter"
    ):
        parse_history(paste([*texts(4), "no", texts(1)[0]]))
    with pytest.raises(CopeError, match="^No text of this"):
        parse_history(paste(["only a headline"] * 9), task="news_headline")


def test_few_texts_are_taken_with_a_warning():
    records = [{"prompt": "p", "response": text} for text in texts(16)]
    for count, warned in [(5, True), (15, True), (16, False)]:
        history = parse_history(json.dumps(records[:count]), "h.json")
        assert len(history.samples) == count and any("Only" in text for text in history.warnings) == warned


@pytest.mark.parametrize("filename", [None, "h.txt", "h.json", "h.csv"])
def test_five_megabytes_are_refused_before_parsing(filename, tmp_path):
    path = tmp_path / (filename or "h.txt")
    path.write_bytes(b"word " * (MAX_BYTES // 5))
    start = time.process_time()
    for source in ("word " * (MAX_BYTES // 5), "é" * (MAX_BYTES // 2), path.read_bytes(), path):
        with pytest.raises(CopeError, match="5.0 MB, while less than 5 MB .* give those"):
            read_history(source, filename)
    assert time.process_time() - start < 2


def test_what_is_just_below_is_read_in_seconds():
    start = time.process_time()
    history = read_history("A good line of text.\n\n" * (MAX_BYTES // 22 - 1))
    assert len(history.samples) == 1 and time.process_time() - start < 10


def test_binary_and_missing_files(tmp_path):
    (tmp_path / "h.txt").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "h.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    for path, says in [
        ("h.txt", "plain text"),
        ("h.json", "picture"),
        ("none.txt", "no file"),
        (".", "no file"),
        ("a\0b", "no file|cannot be read"),
    ]:
        with pytest.raises(CopeError, match=says):
            read_history(tmp_path / path)
    with pytest.raises(CopeError, match="plain text"):
        read_history("\x00\x01\x02\x03")


def test_an_unknown_task_and_format():
    with pytest.raises(CopeError, match="no task 'haiku'; choose one of free_writing"):
        read_history("a text", task="haiku")
    with pytest.raises(CopeError, match=".pdf files cannot be read"):
        read_history("a text", "h.pdf")


def test_reading_loads_no_large_library():
    code = (
        "import sys; from cope_demo.texts.history import read_history; read_history('a short text');"
        "print(sorted({'torch', 'sklearn', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
