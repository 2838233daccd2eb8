"""The store: what was published comes back, damage is named, nothing saved is lost, and no id leads elsewhere."""

import hashlib
import json
import os
import random
import time

import pytest

from cope_demo import paths
from cope_demo.errors import CopeError
from cope_demo.saved import folder
from cope_demo.saved.folder import FILES
from cope_demo.saved.store import Store
from cope_demo.texts.tasks import Sample
from tests.saved.conftest import BASE, fill_scratch, manifest, snapshot


def test_published_user_comes_back(store, scratch):
    user_id = store.new_id()
    store.publish(scratch, user_id, manifest(user_id))
    user = Store(store.users_dir, store.samples_dir).open(user_id)
    assert (user.id, user.name, user.task) == (user_id, "Ada Ö", "free_writing")
    assert user.history() == [Sample("Say", "one \u2028 line"), Sample("", "two")]
    assert user.report == {"held_out": 4, "mark": "one"}
    assert (user.adapter("cope") / "adapter_model.safetensors").is_file()
    assert set(snapshot(user.folder)) == {*FILES, "manifest.json"}
    on_disk = json.loads((user.folder / "manifest.json").read_text("utf-8"))
    oppu = (user.folder / "oppu/adapter_model.safetensors").read_bytes()
    expected = {"sha256": hashlib.sha256(oppu).hexdigest(), "size": 2000}
    assert on_disk["files"]["oppu/adapter_model.safetensors"] == expected
    assert on_disk["format"] == 1 and on_disk["base"] == BASE
    assert user.folder.stat().st_mode & 0o077 == 0, "private to its owner"


def test_default_folders():
    assert Store().users_dir == paths.users_dir()
    assert Store().samples_dir == paths.SAMPLE_USERS


def test_ids_cannot_be_guessed(store):
    ids = {store.new_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(i) == 32 and i == i.lower() and i.isalnum() for i in ids)


HOSTILE = [
    "", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", "x\n", "x\x00", "a" * 65, ".hidden", "-x", "a.b", "ä", "Ⅷ",
    "x ", "%2e%2e", "~", "C:", None, 7, ["a"], "\ud800", "a\u202eb", "manifest.json", ".lock",
]  # fmt: skip


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_ids_touch_nothing(store, scratch, bad, monkeypatch):
    touched = []
    for name in ("stat", "lstat", "open", "mkdir", "rename", "scandir", "listdir"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda path, *a, real=real, **k: (touched.append(path), real(path, *a, **k))[1])
    calls = [lambda: store.open(bad), lambda: store.delete(bad), lambda: store.publish(scratch, bad, manifest(bad))]
    for call in calls:
        with pytest.raises(CopeError) as caught:
            call()
        assert str(caught.value).startswith("This is not a user id")
    monkeypatch.undo()
    assert not touched


def test_unknown_user_lists_the_samples_but_no_visitor(store, scratch):
    visitor = store.new_id()
    store.publish(scratch, visitor, manifest(visitor))
    Store(store.samples_dir).publish(scratch, "ada", manifest("ada"))
    card = {"name": "Ada", "occupation": "baker", "about": "Fictional.", "task": "free_writing"}
    (store.samples_dir / "ada/card.json").write_text(json.dumps(card | {"prompts": ["a", "b"], "fictional": True}))
    with pytest.raises(CopeError) as caught:
        store.open("nobody")
    assert "no user 'nobody'" in str(caught.value) and "are: ada." in str(caught.value)
    assert visitor not in str(caught.value)
    assert [(c.id, c.name, c.prompts) for c in store.samples()] == [("ada", "Ada", ("a", "b"))]
    assert store.open("ada").folder == store.samples_dir / "ada"


def test_unfitted_sample_is_not_offered(store):
    folder = store.samples_dir / "bob"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text("{}")
    assert store.samples() == []
    with pytest.raises(CopeError, match="has not been fitted yet"):
        store.open("bob")


def test_broken_card_is_named(store, scratch):
    Store(store.samples_dir).publish(scratch, "ada", manifest("ada"))
    (store.samples_dir / "ada/card.json").write_text('{"name": 1')
    with pytest.raises(CopeError, match="card of the sample user 'ada' is damaged"):
        store.samples()


def test_refit_keeps_a_samples_card(store, scratch):
    samples = Store(store.samples_dir)
    samples.publish(scratch, "ada", manifest("ada"))
    (store.samples_dir / "ada/card.json").write_text("card")
    samples.publish(fill_scratch(scratch, "two"), "ada", manifest("ada"))
    assert (store.samples_dir / "ada/card.json").read_text() == "card"
    assert samples.open("ada").report["mark"] == "two"


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_every_damage_is_named(store, scratch, name):
    user_id = store.new_id()
    path = store.publish(scratch, user_id, manifest(user_id)).folder / name
    good = path.read_bytes()
    rng = random.Random(name)
    flips = [(rng.randrange(len(good)), 1 << rng.randrange(8)) for _ in range(20)]
    damaged = [good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :] for at, bit in flips]
    damaged += [good[:-1], good[: len(good) // 2], b"", good + b" x", None]
    for data in damaged:
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)
        if name == "manifest.json" and data is None:
            continue  # then there is no such user, see below
        started = time.monotonic()
        with pytest.raises(CopeError) as caught:
            store.open(user_id)
        assert name in str(caught.value) and "Fit this user again" in str(caught.value)
        assert time.monotonic() - started < 1
    path.write_bytes(good)
    assert store.open(user_id).id == user_id


def test_folder_without_manifest_is_no_user(store, scratch):
    user_id = store.new_id()
    folder = store.publish(scratch, user_id, manifest(user_id)).folder
    (folder / "manifest.json").unlink()
    with pytest.raises(CopeError, match="There is no user"):
        store.open(user_id)


def test_link_to_elsewhere_is_refused(store, scratch, tmp_path):
    user_id = store.new_id()
    path = store.publish(scratch, user_id, manifest(user_id)).folder / "pairs.jsonl"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CopeError, match="pairs.jsonl"):
        store.open(user_id)


def test_another_users_folder_is_refused(store, scratch):
    store.publish(scratch, "one", manifest("one"))
    os.rename(store.users_dir / "one", store.users_dir / "two")
    with pytest.raises(CopeError, match="manifest.json of user 'two'.*another user"):
        store.open("two")


def test_second_open_reads_no_file_again(store, scratch, monkeypatch):
    user_id = store.new_id()
    store.publish(scratch, user_id, manifest(user_id))
    store.open(user_id)
    monkeypatch.setattr("cope_demo.saved.store.verify_folder", lambda folder: pytest.fail("verified again"))
    assert store.open(user_id).task == "free_writing"


def test_other_base_model_names_both(store, scratch):
    user = store.publish(scratch, "ada", manifest("ada"))
    user.check_base("abc123", "tiny-llama")
    with pytest.raises(CopeError) as caught:
        user.check_base("other", "tiny-qwen")
    assert "tiny-llama" in str(caught.value) and "tiny-qwen" in str(caught.value)


def test_delete(store, scratch):
    user_id = store.new_id()
    store.publish(scratch, user_id, manifest(user_id))
    store.delete(user_id)
    assert snapshot(store.users_dir) == {}
    for call in (store.open, store.delete):
        with pytest.raises(CopeError, match="There is no user"):
            call(user_id)


def test_samples_cannot_be_deleted(store, scratch):
    Store(store.samples_dir).publish(scratch, "ada", manifest("ada"))
    with pytest.raises(CopeError, match="cannot be deleted"):
        store.delete("ada")
    assert store.open("ada").id == "ada"


def test_manifest_of_another_user_is_a_fault(store, scratch):
    with pytest.raises(ValueError):
        store.publish(scratch, "ada", manifest("bob"))
    assert folder.FORMAT == 1 and not (store.users_dir / "ada").exists()
