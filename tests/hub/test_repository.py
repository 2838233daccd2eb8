"""Repositories that anybody may have made: opened are two forms of adapters, and everything else is refused in one
sentence, before any of it is fetched where names and sizes tell it already.
"""

import json
import logging
import socket

import pytest

from cope_demo.errors import CopeError
from cope_demo.hub import repository
from cope_demo.hub.address import Address, read_address
from cope_demo.hub.push import push_adapters
from cope_demo.saved.store import Store
from tests.hub.fake_hub import TOKEN
from tests.hub.fake_models import COMMIT, Repo, run_models
from tests.scripted import publish

BASE = {"name": "none", "identity": "none@0"}
REPO = "ada/voice"
CONFIG = json.dumps({"base_model_name_or_path": "none", "peft_type": "LORA"}).encode()


@pytest.fixture
def hub():
    with run_models() as hub:
        yield hub


@pytest.fixture
def plain(hub) -> Repo:
    """Somebody's LoRA, as peft saves it."""
    hub.repos[REPO] = Repo({"README.md": b"# mine", "adapter_config.json": CONFIG, "adapter_model.safetensors": b"abc"})
    return hub.repos[REPO]


@pytest.fixture
def pushed(hub, tmp_path) -> Repo:
    """What this demo has pushed."""
    store = Store(tmp_path / "users")
    publish(store, tmp_path / "fit", "zoe", "Zoe")
    push_adapters(store.open("zoe"), False, REPO, TOKEN, private=False)
    hub.asked.clear()
    hub.tokens.clear()
    return hub.repos[REPO]


def open_one(folder, address: str = REPO, token: str | None = None) -> tuple:
    """What was found and its description; a refusal is one sentence and leaves nothing."""
    (folder / "opened").mkdir()
    try:
        found = repository.look_up(read_address(address), token)
        return found, repository.fetch(found, folder / "opened", BASE, token)
    except CopeError as error:
        assert list((folder / "opened").rglob("*.safetensors")) == [] and "\n" not in str(error)
        raise


def test_what_was_pushed_comes_back_as_it_was(pushed, hub, tmp_path):
    found, said = open_one(tmp_path, f"{REPO}@main")
    assert str(found.pinned) == f"{REPO}@{COMMIT}" and not found.is_plain
    for name in repository.PUSHED:
        assert (tmp_path / "opened" / name).read_bytes() == pushed.files[name]
    assert said["task"] == "free_writing" and said["report"]["train"] == 36 and said["base"]["identity"] == "none@0"
    assert hub.tokens == {""}  # the server's own token is nobody else's business
    assert not [path for _, path in hub.asked if path.endswith("README.md")]


def test_a_plain_lora_stands_for_both(plain, tmp_path):
    found, said = open_one(tmp_path, f"https://huggingface.co/{REPO}/tree/{COMMIT}")
    assert found.is_plain and said == {}
    for kind in ("oppu", "cope"):
        assert (tmp_path / "opened" / kind / "adapter_model.safetensors").read_bytes() == b"abc"


def test_a_private_one_is_opened_with_the_token_of_whom_it_was_pushed_for(pushed, hub, tmp_path):
    pushed.private = True
    assert open_one(tmp_path, token=TOKEN)[0].commit == COMMIT and hub.tokens == {TOKEN}


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda r: r.files.update({"training_args.bin": b""}), "'training_args.bin', of a kind that can run programs"),
        (lambda r: r.files.update({"../../etc/x.json": b""}), "a file whose name leads elsewhere, '../../etc/x.json'"),
        (lambda r: r.files.update({"/etc/x.json": b""}), "a file whose name leads elsewhere"),
        (lambda r: r.announced.update({"model.safetensors": 3 * 10**9}), "has 3.0 GB, and at most 1 GB"),
        (
            lambda r: r.announced.update({"adapter_model.safetensors": 3 * 10**8}),
            "adapter_model.safetensors of ada/voice has 300.0 MB, and at most 200.0 MB",
        ),
        (lambda r: r.announced.update({"adapter_config.json": 10**6}), "has 1.0 MB, and at most 0.1 MB"),
        (lambda r: r.files.pop("adapter_config.json"), "is no adapter, as it has no adapter_config.json"),
        (lambda r: r.files.update({"adapter_config.json": b"[" * 50_000}), "does not say which model"),
        (lambda r: r.files.update({"adapter_config.json": b'{"base_model_name_or_path": 5}'}), "does not say which"),
        (
            lambda r: r.files.update({"adapter_config.json": CONFIG.replace(b"none", b"bob/other")}),
            "is for 'bob/other', and here none is in use",
        ),
        (lambda r: r.announced.update({"adapter_model.safetensors": 2}), "has not the 2 bytes that the hub has"),
        (lambda r: r.announced.update({"adapter_model.safetensors": 4}), "has not the 4 bytes that the hub has"),
        (lambda r: setattr(r, "gated", True), "ada/voice is gated"),
        (lambda r: setattr(r, "private", True), "no repository ada/voice that everybody may read"),
    ],
)
def test_what_is_not_opened(plain, hub, tmp_path, caplog, capsys, change, sentence):
    caplog.set_level(logging.DEBUG)
    change(plain)
    tokens = (None,) if plain.private else (None, TOKEN)
    for number, token in enumerate(tokens):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(CopeError, match=sentence) as refused:
            open_one(tmp_path / str(number), token=token)
        shown = capsys.readouterr()
        assert TOKEN not in "".join([str(refused.value), caplog.text, shown.out, shown.err])
    if any(word in sentence for word in ("kind", "leads", "GB", "MB", "no adapter")):
        assert not [path for _, path in hub.asked if "/resolve/" in path]


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda f: f.update({"cope.json": f["cope.json"].replace(b"none@0", b"none@1")}), "fitted on 'none', and here"),
        (lambda f: f.update({"cope.json": b"{}"}), "cope.json is damaged or of another version"),
        (lambda f: f.update({"cope.json": f["cope.json"].replace(b"free_writing", b"x")}), "damaged or of another"),
        (lambda f: f.update({"cope/adapter_model.safetensors": b"??"}), "is not the one that its cope.json names"),
        (lambda f: f.pop("oppu/adapter_model.safetensors"), "no adapter, as it has no oppu/adapter_model.safetensors"),
    ],
)
def test_what_was_pushed_and_changed_since_is_not_opened(pushed, tmp_path, change, sentence):
    change(pushed.files)
    with pytest.raises(CopeError, match=sentence):
        open_one(tmp_path)


def test_a_report_that_is_none_of_ours_is_left_out(pushed, tmp_path):
    said = json.loads(pushed.files["cope.json"])
    said["report"]["bits_per_token"]["cope"] = "<b>"
    said["settings"] = {"seed": 0, "x": ["y"], "long": "z" * 1000}
    pushed.files["cope.json"] = json.dumps(said).encode()
    opened = open_one(tmp_path)[1]
    assert opened["report"] == {} and opened["settings"] == {"seed": 0}


def test_what_is_not_there(hub, plain, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    for token, address, sentence in (
        (None, "bob/nothing", "no repository bob/nothing that everybody may read"),
        (TOKEN, "bob/nothing", "that this app may read for you"),
        (None, f"{REPO}@other", "ada/voice has no revision 'other'"),
        ("hf_" + "y" * 34, REPO, "sign out and in again"),
    ):
        with pytest.raises(CopeError, match=sentence):
            repository.look_up(read_address(address), token)
    plain.gated = True
    with pytest.raises(CopeError, match="is gated"):
        open_one(tmp_path, token=TOKEN)
    for status, sentence in ((500, "HTTP 500"), (403, "that this app may read for you"), (429, "too many requests")):
        hub.refuse = ("GET", status)
        with pytest.raises(CopeError, match=sentence):
            repository.look_up(Address(REPO), TOKEN)
    assert TOKEN not in caplog.text and "y" * 34 not in caplog.text


def test_a_hub_that_does_not_answer_or_talks_nonsense(hub, monkeypatch):
    hub.repos[REPO] = Repo()
    monkeypatch.setattr(Repo, "describe", lambda repo, name: {"id": name, "sha": "x", "siblings": [{"rfilename": "a"}]})
    with pytest.raises(CopeError, match="is no adapter|cannot be read"):
        repository.look_up(Address(REPO))
    monkeypatch.setattr(repository, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and never answers
        monkeypatch.setattr(repository, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(CopeError, match="The hub does not answer"):
            repository.look_up(Address(REPO))
    with pytest.raises(CopeError, match="The hub does not answer"):
        repository.look_up(Address(REPO))


def test_files_that_come_too_slowly(plain, monkeypatch, tmp_path):
    monkeypatch.setattr(repository, "FETCH_SECONDS", -1.0)
    with pytest.raises(CopeError, match="comes too slowly"):
        open_one(tmp_path)


@pytest.mark.parametrize("text", ["ada", "ada/", "ada/x@../y", "ada/x@a b", "a/b/c", "", None, "../x", "a/x@y@z"])
def test_what_is_no_address(text):
    with pytest.raises(CopeError, match="named owner/name or owner/name@revision"):
        read_address(text)


def test_addresses():
    assert read_address(" ada/x ") == read_address("https://huggingface.co/ada/x/") == Address("ada/x", "main")
    assert str(read_address(f"ada/x@{COMMIT}")) == f"ada/x@{COMMIT}" and read_address(f"ada/x@{COMMIT}").is_pinned
    assert read_address("ada/x@refs/pr/1").revision == "refs/pr/1" and str(Address("ada/x")) == "ada/x"
