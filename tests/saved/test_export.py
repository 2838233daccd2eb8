"""The adapters to take away: what the zip holds and does not hold, that its snippet runs, and the link to it."""

import hashlib
import json
import os
import re
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from starlette.applications import Starlette
from starlette.testclient import TestClient

from cope_demo.errors import CopeError
from cope_demo.model.task_adapters import TaskAdapter
from cope_demo.saved import export
from cope_demo.saved.citation import BIBTEX
from cope_demo.saved.store import SavedUser, Store
from cope_demo.ui.panels import takeaway, zips
from cope_demo.visitors.owners import Access
from tests.scripted import PAIRS, SECRET, Service, publish
from tests.service.test_service import home  # noqa: F401

OTHER = "0" * 64


def unzip(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        file.extractall(folder)
    return folder


def code_of(card: str) -> str:
    return re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]


def run(code: str, base: str, monkeypatch, folder: Path) -> dict:
    """What the snippet leaves behind, on another base model, for 4 tokens, in the unzipped folder."""
    monkeypatch.chdir(folder)
    names: dict = {}
    code = re.sub(r"BASE = .*", f"BASE = {base!r}", code).replace("range(40)", "range(4)")
    exec(compile(code, "snippet", "exec"), names)
    return names


def test_the_snippet_loads_a_fit_that_differs_from_base(home, tmp_path, monkeypatch, capsys):  # noqa: F811
    path, users = home
    user = Store(users).open("ada")
    export.write_zip(user, False, tmp_path / "a.zip")
    folder = unzip(tmp_path / "a.zip", tmp_path / "out")
    names = run(code_of((folder / "README.md").read_text("utf-8")), path, monkeypatch, folder)
    with torch.no_grad():
        expert, amateur = names["expert"](names["ids"]), names["amateur"](names["ids"])
        assert torch.equal(amateur, names["amateur"](names["ids"])) and not torch.equal(expert, amateur)
        for parameter in (p for n, p in names["model"].named_parameters() if "lora_B" in n):
            parameter.data.zero_()  # without the adapter's weights the expert is base
        assert torch.equal(names["expert"](names["ids"]), amateur)
    assert capsys.readouterr().out


def test_the_task_adapter_comes_along_and_is_part_of_base(home, tmp_path, monkeypatch):  # noqa: F811
    path, users = home
    ada = Store(users).open("ada")
    user = SavedUser("ada", ada.folder, ada.manifest | {"task_adapter": {"task": "free_writing", "sha256": "0"}})
    task = TaskAdapter(ada.adapter("oppu"), "free_writing", "0")
    monkeypatch.setattr(export, "find_named_adapter", lambda named: task if named else None)
    export.write_zip(user, False, tmp_path / "a.zip")
    folder = unzip(tmp_path / "a.zip", tmp_path / "out")
    assert "`task/` is the task adapter" in (folder / "README.md").read_text("utf-8")
    names = run(code_of((folder / "README.md").read_text("utf-8")), path, monkeypatch, folder)
    with torch.no_grad():
        expert, amateur = names["expert"](names["ids"]), names["amateur"](names["ids"])
        assert torch.equal(amateur, names["amateur"](names["ids"])) and not torch.equal(expert, amateur)
        for name, parameter in names["model"].named_parameters():
            if "lora_B.cope" in name:
                parameter.data.zero_()
        assert torch.equal(names["expert"](names["ids"]), amateur)  # the task adapter stays in both
        for name, parameter in names["model"].named_parameters():
            if "lora_B.task" in name:
                parameter.data.zero_()
        assert not torch.equal(names["amateur"](names["ids"]), amateur)


def test_a_visitor_s_zip_says_nothing_of_the_visitor(home, tmp_path):  # noqa: F811
    user = Store(home[1]).open("ada")
    named = SavedUser("5ec7e71d", user.folder, user.manifest | {"user": "5ec7e71d", "name": "Zebulon Q"})
    export.write_zip(named, False, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        names, everything = set(file.namelist()), b"".join(file.read(name) for name in file.namelist())
    adapters = {f"{kind}/adapter_{part}" for kind in ("oppu", "cope") for part in ("config.json", "model.safetensors")}
    assert names == {"README.md", *adapters}
    texts = [part for sample in user.history() for part in (sample.response, sample.prompt)]
    pairs = [json.loads(row)["rejected"] for row in (user.folder / "pairs.jsonl").read_text("utf-8").splitlines()]
    for told in [*texts, *filter(None, pairs), "Zebulon", "5ec7e71d", str(user.folder)]:
        assert told.encode() not in everything


def test_the_card_of_a_sample_user():
    card = export.make_model_card(Store().open("walter"), True)
    front = yaml.safe_load(card.split("---")[1])
    assert front["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct" and front["library_name"] == "peft"
    assert front["license"] == "apache-2.0" and {"lora", "dpo"} <= set(front["tags"])
    report = Store().open("walter").report
    assert f"| CoPe | {report['bits_per_token']['cope']:.3f} |" in card and "a fictional person" in card
    for part in ("Q4_1", "oppu_epochs | 3", "Intended use and limits", "Apache-2.0", BIBTEX.strip(), "peft 0.21"):
        assert part in card
    compile(code_of(card), "snippet", "exec")


def test_a_user_without_its_task_adapter_is_refused(home, tmp_path):  # noqa: F811
    user = Store(home[1]).open("ada")
    lost = SavedUser("ada", user.folder, user.manifest | {"task_adapter": {"task": "free_writing", "sha256": "x"}})
    with pytest.raises(CopeError, match="is not here"):
        export.write_zip(lost, False, tmp_path / "a.zip")


# -- the link ----------------------------------------


@pytest.fixture
def service(tmp_path, monkeypatch) -> Service:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "links"))
    service = Service(tmp_path)
    publish(service.store, tmp_path / "fit", "mine", "Nan")
    return service


@pytest.fixture
def browser():
    return TestClient(Starlette(routes=[takeaway.ROUTE]))


def files(tmp_path) -> list[Path]:
    return list((tmp_path / "links" / zips.FOLDER).glob("*"))


def test_a_link_works_once_and_leaves_nothing(service, browser, tmp_path):
    given = takeaway.offer(Access(service).of(SECRET), "mine")
    assert re.fullmatch(r"adapters/[0-9a-f]{64}", given["path"]) and given["filename"] == "cope-adapters.zip"
    (file,) = files(tmp_path)
    assert file.stat().st_mode & 0o077 == 0 and file.stat().st_size == given["bytes"]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert browser.head(f"/{given['path']}").status_code == 405  # a look ahead does not use it up
    answer = browser.get(f"/{given['path']}")
    assert answer.status_code == 200 and hashlib.sha256(answer.content).hexdigest() == digest
    assert answer.headers["content-disposition"] == 'attachment; filename="cope-adapters.zip"'
    assert "no-store" in answer.headers["cache-control"] and files(tmp_path) == []
    assert browser.get(f"/{given['path']}").status_code == 404
    assert not any(pair["chosen"].encode() in answer.content for pair in PAIRS)


def test_a_link_that_is_not_used_goes_away(service, browser, tmp_path, monkeypatch):
    given = takeaway.offer(Access(service).of(SECRET), "mine")
    assert len(files(tmp_path)) == 1
    later = takeaway.ZIPS._clock() + zips.SECONDS
    monkeypatch.setattr(takeaway.ZIPS, "_clock", lambda: later)
    takeaway.ZIPS.sweep()
    assert files(tmp_path) == [] and browser.get(f"/{given['path']}").status_code == 404


def test_a_link_goes_with_its_user(service, browser, tmp_path):
    mine = Access(service, takeaway.forget).of(SECRET)
    given, sample = takeaway.offer(mine, "mine"), takeaway.offer(mine, "ada")
    assert mine.erase() == {"fits": 0, "users": 1}
    assert browser.get(f"/{given['path']}").status_code == 404 and len(files(tmp_path)) == 1
    assert browser.get(f"/{sample['path']}").status_code == 200


def test_nobody_gets_a_stranger_s(service, browser, tmp_path):
    for secret in (OTHER, None):
        with pytest.raises(CopeError, match="no user 'mine'"):
            takeaway.offer(Access(service).of(secret), "mine")
        said = json.loads(takeaway.offer_link(Access(service).of(secret), "mine"))
        assert said["state"] == "problem" and "no user" in said["message"]
    assert files(tmp_path) == []
    for path in ("x", "0" * 64, "..%2f..%2fetc%2fpasswd", os.path.basename(str(tmp_path))):
        assert browser.get(f"/adapters/{path}").status_code == 404
    assert json.loads(takeaway.offer_link(Access(service).of(OTHER), "ada"))["state"] == "link"  # a sample is for all
