"""The sample users: complete, fictional, fitted on the embedded model, and small."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from cope_demo.cli.commands import build_parser
from cope_demo.errors import CopeError
from cope_demo.model.embedded import EMBEDDED, EMBEDDED_SHA256
from cope_demo.paths import ROOT, SAMPLE_USERS
from cope_demo.saved.export import EMBEDDED_ORIGIN
from cope_demo.saved.store import Store
from cope_demo.texts.history import read_history
from cope_demo.texts.tasks import TASKS

NAMES = ("ines", "juno", "priya", "tomasz", "walter")


def test_there_are_five_for_three_tasks():
    cards = Store().samples()
    assert [card.id for card in cards] == list(NAMES)
    assert sorted(card.task for card in cards) == ["free_writing"] * 3 + ["news_headline", "review_writing"]
    for card in cards:
        assert card.fictional and "fictional" in card.about and len(card.prompts) == 3
        assert all(TASKS[card.task].prompt(prompt) for prompt in card.prompts)


@pytest.mark.parametrize("name", NAMES)
def test_history_adapters_and_report_are_whole(name):
    user = Store().open(name)
    assert user.manifest["base"] == {"name": EMBEDDED, "identity": f"{EMBEDDED}@{EMBEDDED_SHA256[:16]}"}
    samples = user.history()
    assert len(samples) == 40 and len({sample.response for sample in samples}) == 40
    for kind in ("oppu", "cope"):
        assert (user.adapter(kind) / "adapter_model.safetensors").stat().st_size < 6_000_000
    bits = user.report["bits_per_token"]
    assert bits["oppu"] < bits["base"] and bits["cope"] < bits["base"]
    card = ModelCard.load(user.folder / "README.md")
    assert (card.data.base_model, card.data.library_name, card.data.license) == (EMBEDDED_ORIGIN, "peft", "apache-2.0")
    assert "fictional" in card.text and f"on the {len(samples)} texts" in " ".join(card.text.split())


@pytest.mark.parametrize("name", NAMES)
def test_the_adapters_were_fitted_on_the_texts_beside_them(name):
    source = next((SAMPLE_USERS / name).glob("texts.*"))
    task = json.loads((SAMPLE_USERS / name / "card.json").read_text("utf-8"))["task"]
    read = read_history(source, task=task)
    assert read.found == 40 and not read.notes
    assert [s.response for s in read.samples] == [s.response for s in Store().open(name).history()]
    lengths = [
        len((s.prompt + " " + s.response if task == "news_headline" else s.response).split()) for s in read.samples
    ]
    assert all(12 <= length <= 130 for length in lengths)


def test_they_can_be_fitted_on_another_model_and_offered_from_there(tmp_path, monkeypatch):
    """`make samples MODEL=...`: what it would run, and the folder that the app is then told."""
    made = tmp_path / "samples"
    command = ["make", "-n", "--no-print-directory", "sample-ines", "MODEL=ada/large", "PREPARED=", "BIN=bin"]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # not as of `make test`
    lines = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=True).stdout
    fit, copy = lines.replace("\\\n", " ").splitlines()
    options = build_parser().parse_args(shlex.split(fit)[shlex.split(fit).index("cope_demo") + 1 :])
    assert (options.command, options.user, options.model) == ("fit", "ines", "ada/large")
    assert str(options.users_dir) == "var/samples/large" and options.card == Path("users/ines/card.json")
    assert shlex.split(copy) == ["cp", "users/ines/card.json", "users/ines/texts.*", "var/samples/large/ines"]
    shutil.copytree(SAMPLE_USERS / "ines", made / "ines")
    monkeypatch.setenv("COPE_SAMPLES", str(made))
    assert [card.id for card in Store().samples()] == ["ines"] and Store().open("ines").folder == made / "ines"
    with pytest.raises(CopeError, match="There is no user 'walter'"):
        Store().open("walter")
