"""The store: what was published comes back, damage is named, nothing saved is lost, and no id leads elsewhere."""

import errno
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cope_demo import paths
from cope_demo.errors import CopeError
from cope_demo.saved import folder
from cope_demo.saved.folder import FILES
from cope_demo.saved.store import Store
from cope_demo.texts.tasks import Sample

BASE = {"name": "tiny-llama", "identity": "abc123"}


def fill_scratch(folder: Path, mark: str = "one") -> Path:
    """A finished fit's scratch folder, as far as a publish looks at it."""
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(mark + name).randbytes(2000))
    rows = [{"prompt": "Say", "response": f"{mark} \u2028 line"}, {"prompt": "", "response": "two"}]
    (folder / "history.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    (folder / "report.json").write_text(json.dumps({"held_out": 4, "mark": mark}), "utf-8")
    (folder / "request.json").write_text("not to be published", "utf-8")
    return folder


def manifest(user: str) -> dict:
    return {
        "format": 1,
        "user": user,
        "name": "Ada Ö",
        "task": "free_writing",
        "base": BASE,
        "task_adapter": None,
        "settings": {"seed": 0},
        "report": {"held_out": 4},
        "versions": {},
        "created": "2026-01-01T00:00:00Z",
    }


def snapshot(folder: Path) -> dict[str, str]:
    """Path -> hash of every file below a folder, hidden ones too, but for the lock."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "users", tmp_path / "samples")


@pytest.fixture
def scratch(tmp_path):
    return fill_scratch(tmp_path / "scratch")


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


def failing(real, countdown: list[int], error: int):
    """`real`, but for the call at which the countdown ends."""

    def call(*args, **kwargs):
        countdown[0] -= 1
        if countdown[0] == 0:
            raise OSError(error, os.strerror(error))
        return real(*args, **kwargs)

    return call


@pytest.mark.parametrize(("target", "calls"), [("fsync", 13), ("rename", 2)])
def test_failed_publish_leaves_the_old_version(store, scratch, target, calls, monkeypatch):
    store.publish(scratch, "ada", manifest("ada"))
    before = snapshot(store.users_dir)
    fill_scratch(scratch, "two")
    real = getattr(os, target)
    for at in range(1, calls + 1):
        monkeypatch.setattr(os, target, failing(real, [at], errno.ENOSPC))
        with pytest.raises(CopeError, match="disk is full.*unchanged"):
            store.publish(scratch, "ada", manifest("ada"))
        monkeypatch.setattr(os, target, real)
        assert snapshot(store.users_dir) == before, f"{target} number {at}"
        assert store.open("ada").report["mark"] == "one"
    monkeypatch.setattr(os, target, failing(real, [1], errno.EIO))
    with pytest.raises(OSError):
        store.publish(scratch, "ada", manifest("ada"))
    monkeypatch.setattr(os, target, real)
    assert snapshot(store.users_dir) == before
    store.publish(scratch, "ada", manifest("ada"))
    assert store.open("ada").report["mark"] == "two"
    assert {path.name for path in store.users_dir.iterdir()} == {"ada", ".lock"}


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.saved.test_store import fill_scratch, manifest
from cope_demo.saved.store import Store
number, calls = {number}, 0
def dying(real):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), 9)
        return real(*args, **kwargs)
    return call
os.rename, os.fsync = dying(os.rename), dying(os.fsync)
Store(Path({users!r})).publish(Path({scratch!r}), "ada", manifest("ada"))
"""


def test_killed_publish_shows_the_old_or_the_new_version(store, scratch):
    store.publish(scratch, "ada", manifest("ada"))
    fill_scratch(scratch, "two")
    # 9 files and 3 folders are synced, then come the two renames and the sync of the parent.
    for number in (1, 10, 13, 14, 15):
        places = {"users": str(store.users_dir), "scratch": str(scratch), "root": str(paths.ROOT)}
        done = subprocess.run([sys.executable, "-c", KILLED.format(number=number, **places)])
        assert done.returncode == -9
        found = Store(store.users_dir, store.samples_dir).open("ada")
        assert found.report["mark"] == ("two" if number == 15 else "one")
    store.publish(scratch, "ada", manifest("ada"))
    assert {path.name for path in store.users_dir.iterdir()} == {"ada", ".lock"}


def test_reader_never_sees_a_publish(store, scratch):
    """A second process publishes again and again while this one opens: always a whole user."""
    store.publish(scratch, "ada", manifest("ada"))
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(paths.ROOT)!r})
from tests.saved.test_store import fill_scratch, manifest
from cope_demo.saved.store import Store
store = Store(Path({str(store.users_dir)!r}))
for number in range(25):
    store.publish(fill_scratch(Path({str(scratch)!r}), str(number)), "ada", manifest("ada"))
"""
    writer = subprocess.Popen([sys.executable, "-c", script])
    opened = 0
    while writer.poll() is None:
        assert store.open("ada").id == "ada"
        opened += 1
    assert writer.returncode == 0 and opened > 10
    assert store.open("ada").report["mark"] == "24"


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
