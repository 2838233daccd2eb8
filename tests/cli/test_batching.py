"""The options of batch: prompts out of a file, alphas out of a list, and what is said of those that will not do."""

import pytest

from cope_demo.cli.batching import read_alphas, read_prompts
from cope_demo.errors import CopeError


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.txt", "\ufeffWrite one.\n\nWrite two.\n"),
        ("p.json", '["Write one.", {"prompt": "Write two."}]'),
        ("p.jsonl", '"Write one."\n{"prompt": "Write two."}\n'),
    ],
)
def test_prompts_are_read(tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8")
    assert read_prompts(tmp_path / name) == ("Write one.", "Write two.")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.csv", "a", "is no .txt, .json or .jsonl file"),
        ("p.txt", "\n \n", "holds no prompts"),
        ("p.json", "[1]", "holds no prompts"),
        ("p.json", "{", "must hold texts"),
        ("p.jsonl", '{"text": "a"}', "must hold texts"),
        ("p.txt", "x" * 20_001, "20,001 characters"),
    ],
)
def test_what_is_no_list_of_prompts_is_refused(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(CopeError, match=said):
        read_prompts(tmp_path / name)


def test_alphas_are_read_once_each_and_checked():
    assert read_alphas("0, 0.1,0.10,1") == (0.0, 0.1, 1.0)
    for text, said in (
        ("a", "numbers joined by commas"),
        (" ,", "is empty"),
        ("0.1,9", "alpha must be"),
        ("nan", "alpha"),
    ):
        with pytest.raises(CopeError, match=said):
            read_alphas(text)
