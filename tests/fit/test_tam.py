"""Task adapters on a tiny model: they learn, go on after a cut as if nothing had happened, and refuse bad data."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from cope_demo.cli.commands import main
from cope_demo.config import TamConfig
from cope_demo.errors import CopeError
from cope_demo.fit import tam
from cope_demo.texts.lamp import OTHERS
from cope_demo.texts.tasks import find_task
from tests import tiny

SMALL = TamConfig(lora_rank=4, examples=40, validation=6, batch=4, learning_rate=5e-3, max_response_tokens=24)


def others(count: int = 12) -> list[dict]:
    """Made-up authors, each with three headlines: two in the history, one as a query."""
    task = find_task("news_headline")
    rows = []
    for n in range(count):
        profile = [
            {"id": f"{n}-{k}", "text": f"{tiny.LINES[(n + k) % 8]}.", "title": f"Number {n} {k}"} for k in range(2)
        ]
        query = {"id": f"{n}-q", "input": task.prefix + tiny.LINES[n % 8], "gold": f"Number {n} 9"}
        rows.append({"user_id": f"u{n}", "profile": profile, "query": [query]})
    return rows


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / OTHERS).write_text(json.dumps(others()))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.make(tmp_path_factory.mktemp("model"))


class Whole(NamedTuple):
    """A run without a cut: its folder, what it returned, and its reports."""

    folder: Path
    result: dict
    steps: list


@pytest.fixture(scope="module")
def whole(data, model, tmp_path_factory):
    """One run for all tests that only look at it."""
    folder, steps = tmp_path_factory.mktemp("whole") / "out", []
    result = tam.train_tam("news_headline", data, folder, model=model, config=SMALL, report=lambda *a: steps.append(a))
    return Whole(folder, result, steps)


class Cut(Exception):
    """Ends a run from inside."""


def test_it_learns_the_task_and_says_by_how_much(data, model, whole):
    folder, result, steps = whole
    assert result["nats_per_token"]["after"] < result["nats_per_token"]["before"] - 0.3
    assert result["texts"] == {"train": 30, "validation": 6}
    assert [step for step, *_ in steps] == list(range(1, 9)) and steps[-1][1] == 8
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["README.md", "adapter_config.json", "adapter_model.safetensors", "tam.json"]
    again = tam.train_tam("news_headline", data, folder, model=model, config=SMALL, report=pytest.fail)
    assert again == result


@pytest.mark.parametrize("step", [1, 4, 7])
def test_a_run_that_was_cut_off_ends_with_the_same_bytes(data, model, whole, tmp_path, monkeypatch, step):
    monkeypatch.setattr(tam, "SAVE_STEPS", 3)

    def cut(done, *rest):
        if done == step:
            raise Cut

    parted = tmp_path / "parted"
    with pytest.raises(Cut):
        tam.train_tam("news_headline", data, parted, model=model, config=SMALL, report=cut)
    assert not (parted / "tam.json").exists()
    told = []
    tam.train_tam("news_headline", data, parted, model=model, config=SMALL, report=lambda done, *_: told.append(done))
    assert told[0] == step and told[-1] == 8
    weights = "adapter_model.safetensors"
    assert (whole.folder / weights).read_bytes() == (parted / weights).read_bytes()


def test_a_run_that_is_cut_off_at_its_end_ends_all_the_same(data, model, whole, tmp_path, monkeypatch):
    parted, copy = tmp_path / "parted", shutil.copyfile

    def cut(source, target):
        copy(source, target)
        raise Cut

    monkeypatch.setattr(tam.shutil, "copyfile", cut)
    with pytest.raises(Cut):
        tam.train_tam("news_headline", data, parted, model=model, config=SMALL)
    monkeypatch.setattr(tam.shutil, "copyfile", copy)
    again = tam.train_tam("news_headline", data, parted, model=model, config=SMALL, report=pytest.fail)
    assert again["adapter_sha256"] == whole.result["adapter_sha256"]
    assert {path.name for path in parted.iterdir()} == {path.name for path in whole.folder.iterdir()}


def test_no_author_is_in_both_parts(data):
    parts = tam.split_texts(data, "news_headline", SMALL)
    of = [{sample.response.split()[1] for sample in part} for part in parts]
    assert [len(part) for part in parts] == [30, 6] and len(of[0]) == 10 and not of[0] & of[1]


def test_other_settings_in_the_same_folder_are_refused(data, model, whole):
    with pytest.raises(CopeError, match="other data or settings"):
        tam.train_tam("news_headline", data, whole.folder, model=model, config=replace(SMALL, examples=20))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(None, "There is no user_others.json"), ("{", "cannot be read as JSON"), ("{}", "must be a JSON list")],
)
def test_bad_data_gets_a_sentence_and_exit_code_2(tmp_path, capsys, text, sentence):
    if text is not None:
        (tmp_path / OTHERS).write_text(text)
    assert main(["tam", "--task", "news_headline", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert sentence in error and "Traceback" not in error
