"""Adapters from the hub on a tiny model: pushed and opened again they write the same; others are refused whole."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from cope_demo.config import DecodeConfig
from cope_demo.errors import CopeError
from cope_demo.service import opening
from cope_demo.service.service import Service
from cope_demo.visitors.owners import Access, owner_of_secret
from tests.hub.fake_hub import TOKEN
from tests.hub.fake_models import COMMIT, Repo, run_models
from tests.scripted import SECRET
from tests.service.test_service import home  # noqa: F401

SHORT = DecodeConfig(max_new_tokens=8)
REPO = "ada/voice"


@pytest.fixture(scope="module")
def service(home, tmp_path_factory):  # noqa: F811
    users = tmp_path_factory.mktemp("opening") / "users"
    shutil.copytree(home.users_dir, users)
    return Service(home.model, users)


@pytest.fixture
def mine(service):
    """The service for one visitor, who has opened nothing yet."""
    mine = Access(service).of(SECRET)
    mine.erase()
    return mine


@pytest.fixture
def hub():
    with run_models() as hub:
        yield hub


@pytest.fixture
def plain(hub, service) -> dict[str, bytes]:
    """The files of somebody's LoRA of this model in REPO, as peft saves it."""
    folder = service.store.open("ada").adapter("cope")
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith("adapter_")}
    hub.repos[REPO] = Repo(files)
    return files


def write(service, user_id: str) -> str:
    """A comparison's trace, but for the user's id."""
    *_, trace = service.compare(user_id, "Write a post about soup.", SHORT)
    return trace.dumps().replace(user_id, "USER")


def test_pushed_and_opened_again_it_writes_the_same(service, mine, hub):
    before = write(service, "ada")
    pushed = service.push_adapters("ada", REPO, TOKEN)
    user = mine.open_adapters(f"{REPO}@{COMMIT}", TOKEN)
    assert hub.repos[REPO].private and user.name == "voice" and user.task == "free_writing"
    assert user.origin == {"repo": REPO, "revision": COMMIT, "plain": False} and str(pushed.address).endswith(COMMIT)
    assert write(service, user.id) == before
    assert user.report == service.store.open("ada").report and not user.keeps_history
    with pytest.raises(CopeError, match="texts, and none are kept"):
        next(service.compare(user.id, "Write.", SHORT, ("rag",)))
    with pytest.raises(CopeError, match="None of this person’s texts are kept"):
        service.likeness(user.id, {"cope": "A soup."})
    # It is the visitor's alone, the same one when opened again, and goes as a fit does.
    assert mine.store.owned() == [user.id] and mine.open_adapters(f"{REPO}@{COMMIT}", TOKEN).id == user.id
    asked = len(hub.asked)
    mine.open_adapters(f"{REPO}@{COMMIT}", TOKEN)
    assert len(hub.asked) == asked
    with pytest.raises(CopeError, match="no user"):
        Access(service).of("0" * 64).store.open(user.id)
    assert mine.erase(user.id) == {"fits": 0, "users": 1} and not user.folder.exists()


def test_a_plain_lora_is_both_adapters(service, mine, plain):
    user = mine.open_adapters(REPO)
    assert user.origin["plain"] and user.report == {}
    assert {(user.adapter(kind) / "adapter_model.safetensors").read_bytes() for kind in ("oppu", "cope")} == {
        plain["adapter_model.safetensors"]
    }
    *_, trace = service.compare(user.id, "Write a post about soup.", DecodeConfig(alpha=0.0, tau=1.0, max_new_tokens=8))
    oppu, cope = (column.tokens for column in trace.columns[1:])
    assert [token.logp_user for token in oppu] == [token.logp_user for token in cope]


def change_weights(files: dict, folder, change) -> None:
    path = folder / "w.safetensors"
    path.write_bytes(files["adapter_model.safetensors"])
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    files["adapter_model.safetensors"] = path.read_bytes()


def widen(tensors: dict) -> None:
    """Gives every matrix 300 ranks."""
    for key, one in tensors.items():
        size = (300, one.shape[1]) if ".lora_A." in key else (one.shape[0], 300)
        tensors[key] = torch.zeros(size, dtype=one.dtype)


def test_what_does_not_fit_the_model_is_refused_and_leaves_nothing(service, mine, hub, plain, tmp_path):
    config = json.loads(plain["adapter_config.json"])
    good = dict(plain)
    key = next(iter(load_file(service.store.open("ada").adapter("cope") / "adapter_model.safetensors")))
    for settings, change, sentence in (
        ({"use_dora": True}, None, "not a plain LoRA"),
        ({"init_lora_weights": "pissa"}, None, "not a plain LoRA"),
        ({"r": 0}, None, "its files cannot be read: ZeroDivisionError"),
        ({"r": 300}, widen, "its rank is 300, and 256 is the most"),
        ({"lora_alpha": 1e308}, None, "values that are not numbers"),
        ({}, lambda t: t.update({key: t[key][:, :-1].contiguous()}), "does not fit the model"),
        ({}, lambda t: t.update({key: t[key].to(torch.int8)}), "is in torch.int8"),
        ({}, lambda t: t.update({"base_model.model.lm_head.weight": torch.zeros(2)}), "layers are missing"),
    ):
        plain |= good | {"adapter_config.json": json.dumps(config | settings).encode()}
        hub.repos[REPO].files = plain
        if change:
            change_weights(plain, tmp_path, change)
        with pytest.raises(CopeError, match=f"{REPO} cannot be used on .*{sentence}"):
            mine.open_adapters(REPO)
    plain["adapter_model.safetensors"] = b"PK\x03\x04 no safetensors"
    with pytest.raises(CopeError, match="its files cannot be read"):
        mine.open_adapters(REPO)
    assert mine.store.owned() == []


def test_a_task_adapter_that_is_not_here(service, mine, hub):
    service.push_adapters("ada", REPO, TOKEN, private=False)
    said = json.loads(hub.repos[REPO].files["cope.json"])
    said["task_adapter"] = {"task": "news_headline", "sha256": "0" * 64}
    hub.repos[REPO].files["cope.json"] = json.dumps(said).encode()
    with pytest.raises(CopeError, match="stands on a task adapter that is not here"):
        mine.open_adapters(REPO)


def test_how_many_somebody_keeps_is_bounded(mine, plain, monkeypatch):
    monkeypatch.setattr(opening, "MAX_OPENED", 0)
    with pytest.raises(CopeError, match="You have 0 adapters from the hub open already: delete one"):
        mine.open_adapters(REPO)


def test_the_command_line_names_its_user(service, plain):
    user = service.open_adapters(REPO, user_id="voice")
    assert user.id == "voice" and service.store.owner("voice") == "" and owner_of_secret(SECRET) != ""
    service.store.delete("voice")
