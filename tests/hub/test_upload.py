"""A folder's way to the hub, by the real huggingface_hub against a hub of this machine's own."""

import logging
import socket

import pytest

from cope_demo.errors import CopeError
from cope_demo.hub import upload
from tests.hub.fake_hub import TOKEN, run_fake_hub

REPO = "ada/cope"


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with run_fake_hub() as hub:
        yield hub


@pytest.fixture
def folder(tmp_path):
    """A small Space."""
    for name in ("README.md", "users/ines/texts.txt"):
        path = tmp_path / "space" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n", "utf-8")
    return tmp_path / "space"


def test_the_folder_becomes_the_space_s_content(hub, folder):
    hub.files = {"old.py": b"", "README.md": b"old"}
    assert upload.upload_space(folder, REPO, "cpu-basic", hub.address) == f"{hub.address}/spaces/{REPO}"
    assert hub.files == {name: (folder / name).read_bytes() for name in ("README.md", "users/ines/texts.txt")}
    (made,) = hub.created
    assert (made["organization"], made["name"], made["type"]) == ("ada", "cope", "space")
    assert (made["sdk"], made["hardware"]) == ("gradio", "cpu-basic")


def test_a_static_space_asks_for_no_hardware(hub, folder):
    upload.upload_space(folder, REPO, "static", hub.address)
    assert hub.created[0]["sdk"] == "static" and "hardware" not in hub.created[0]


@pytest.mark.parametrize(
    "path, status, sentence",
    [
        ("/api/repos/create", 402, "cannot create a Space on cpu-basic"),
        ("/api/repos/create", 403, "may not write to ada/cope"),
        ("/api/repos/create", 400, r"refused ada/cope \(HTTP 400\)"),
        ("/api/spaces/ada/cope/preupload", 404, "knows no ada/cope"),
        ("/api/spaces/ada/cope/commit", 403, "may not write to ada/cope"),
        ("/api/repos/create", 429, "too many requests"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence_and_changes_nothing(hub, folder, caplog, capsys, path, status, sentence):
    caplog.set_level(logging.DEBUG)
    before = {} if "create" in path else {"README.md": b"old"}
    hub.refuse, hub.files = (path, status), dict(before)
    with pytest.raises(CopeError, match=sentence) as raised:
        upload.upload_space(folder, REPO, "cpu-basic", hub.address)
    assert hub.files == before and "\n" not in str(raised.value)
    shown = capsys.readouterr()
    assert TOKEN not in "".join([str(raised.value), caplog.text, shown.out, shown.err])


def test_a_token_that_is_missing_or_unknown(hub, folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "y" * 34)
    with pytest.raises(CopeError, match="does not know this token"):
        upload.upload_space(folder, REPO, "cpu-basic", hub.address)
    monkeypatch.setattr(upload, "get_token", lambda: None)
    with pytest.raises(CopeError, match="no token for the hub"):
        upload.upload_space(folder, REPO, "cpu-basic", hub.address)
    assert hub.created == []


def test_a_hub_that_is_not_there_or_says_nothing(hub, folder, monkeypatch):
    monkeypatch.setattr(upload, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(CopeError, match="does not answer"):
            upload.upload_space(folder, REPO, "cpu-basic", address)
    with pytest.raises(CopeError, match="does not answer"):
        upload.upload_space(folder, REPO, "cpu-basic", address)


@pytest.mark.parametrize(
    "repo", ["ada", "ada/cope/more", "ada/c ope", "", "../x", "ada/", "a" * 200 + "/b", "ada/x.git"]
)
def test_a_name_that_is_none(repo):
    with pytest.raises(CopeError, match="--repo must be owner/name"):
        upload.check_repo(repo)
    upload.check_repo(REPO)
