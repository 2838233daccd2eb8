"""A fit's way to somebody's own account: what goes there, what does not, and what is left when it cannot."""

import json
import logging
import socket

import pytest
import yaml

from cope_demo.errors import CopeError
from cope_demo.hub import repository
from cope_demo.hub.push import push_adapters
from cope_demo.saved.store import SavedUser, Store
from tests.hub.fake_hub import TOKEN
from tests.hub.fake_models import COMMIT, Repo, run_models
from tests.scripted import PAIRS, publish

REPO = "ada/cope-adapters"


@pytest.fixture
def hub():
    with run_models() as hub:
        yield hub


@pytest.fixture
def user(tmp_path) -> SavedUser:
    """A visitor's saved user, with a history that nobody else may see."""
    store = Store(tmp_path / "users")
    publish(store, tmp_path / "fit", "5ec7e71d", "Zebulon Q")
    return store.open("5ec7e71d")


def test_what_is_pushed_is_private_whole_and_holds_no_text(hub, user):
    pushed = push_adapters(user, False, REPO, TOKEN)
    assert str(pushed.address) == f"{REPO}@{COMMIT}" and pushed.url == f"{hub.address}/{REPO}" and pushed.made
    repo = hub.repos[REPO]
    weights = {f"{kind}/adapter_{part}" for kind in ("oppu", "cope") for part in ("config.json", "model.safetensors")}
    assert repo.private and set(repo.files) == {"README.md", "cope.json", *weights}
    front = yaml.safe_load(repo.files["README.md"].decode().split("---")[1])
    assert front["base_model"] == "none" and front["library_name"] == "peft" and front["license"] == "other"
    said = json.loads(repo.files["cope.json"])
    assert said["base"] == {"name": "none", "identity": "none@0", "hub": "none"} and set(said["files"]) == weights
    for kind in ("oppu", "cope"):
        assert repo.files[f"{kind}/adapter_model.safetensors"] == (user.adapter(kind) / repository.WEIGHTS).read_bytes()
        assert json.loads(repo.files[f"{kind}/adapter_config.json"])["base_model_name_or_path"] == "none"
    everything = b"".join(repo.files.values())
    private = [part for pair in PAIRS for part in (pair["chosen"], pair["rejected"])]
    assert not [part for part in (*private, "Zebulon", "5ec7e71d", str(user.folder)) if part.encode() in everything]


def test_the_card_of_what_was_pushed_loads_it_from_there(hub):
    push_adapters(Store().open("ines"), True, REPO, TOKEN, private=False)
    card = hub.repos[REPO].files["README.md"].decode()
    assert f'PeftModel.from_pretrained(base, "{REPO}", subfolder="cope")' in card and "owner/name@revision" in card
    assert not hub.repos[REPO].private and "Unzip" not in card


def test_a_newer_fit_takes_an_older_one_s_place_and_nothing_else_s(hub, user):
    push_adapters(user, False, REPO, TOKEN)
    hub.repos[REPO].files["task/adapter_config.json"] = b"{}"
    assert not push_adapters(user, False, REPO, TOKEN, private=False).made
    assert hub.repos[REPO].private and "task/adapter_config.json" not in hub.repos[REPO].files
    hub.repos["ada/thesis"] = Repo({"thesis.md": b"my own"})
    with pytest.raises(CopeError, match="a repository ada/thesis already, with other files in it"):
        push_adapters(user, False, "ada/thesis", TOKEN)
    assert hub.repos["ada/thesis"].files == {"thesis.md": b"my own"}


def test_a_private_push_goes_into_no_repository_that_everybody_sees(hub, user):
    push_adapters(Store().open("ines"), True, REPO, TOKEN, private=False)
    before = dict(hub.repos[REPO].files)
    with pytest.raises(CopeError, match=f"Everybody can see the repository {REPO}.*choose another name"):
        push_adapters(user, False, REPO, TOKEN)
    assert hub.repos[REPO].files == before
    assert not push_adapters(user, False, REPO, TOKEN, private=False).made and hub.repos[REPO].files != before


@pytest.mark.parametrize(
    "refuse, status, sentence",
    [
        ("POST /api/repos/create", 403, "You have not allowed this app to write to ada/cope-adapters"),
        ("POST /api/repos/create", 401, "sign out and in again"),
        ("POST .*/preupload/", 403, "You have not allowed"),
        ("POST /api/repos/create", 429, "too many requests"),
        ("POST .*/commit/", 400, r"refused ada/cope-adapters \(HTTP 400\)"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence_and_leaves_nothing(hub, user, caplog, capsys, refuse, status, sentence):
    caplog.set_level(logging.DEBUG)
    hub.refuse = (refuse, status)
    with pytest.raises(CopeError, match=sentence) as raised:
        push_adapters(user, False, REPO, TOKEN)
    shown = capsys.readouterr()
    assert hub.repos == {} and "\n" not in str(raised.value)
    assert TOKEN not in "".join([str(raised.value), caplog.text, shown.out, shown.err])


def test_what_cannot_be_taken_back_is_said(hub, user):
    hub.refuse = ("(POST .*/commit/|DELETE )", 403)
    with pytest.raises(CopeError, match="The empty repository could not be taken away again: delete it"):
        push_adapters(user, False, REPO, TOKEN)


def test_bad_names_no_sign_in_and_adapters_from_the_hub(hub, user):
    for repo in ("ada", "ada/", "../x", "ada/c ope", ""):
        with pytest.raises(CopeError, match="A repository is named owner/name"):
            push_adapters(user, False, repo, TOKEN)
    with pytest.raises(CopeError, match="sign in"):
        push_adapters(user, False, REPO, "")
    opened = SavedUser("x", user.folder, user.manifest | {"origin": {"repo": "bob/voice"}})
    with pytest.raises(CopeError, match="on the hub already, as bob/voice"):
        push_adapters(opened, False, REPO, TOKEN)
    assert hub.asked == []


def test_a_hub_that_says_nothing(user, monkeypatch):
    monkeypatch.setattr(repository, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and never answers
        monkeypatch.setattr(repository, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(CopeError, match="does not answer"):
            push_adapters(user, False, REPO, TOKEN)
