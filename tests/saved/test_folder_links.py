"""Links in the place of a saved user's files: what is checked is what was opened, and deleting follows no link."""

import os
import shutil

import pytest

from cope_demo.errors import CopeError
from cope_demo.saved import folder
from cope_demo.saved.folder import FILES, verify_folder
from cope_demo.saved.store import Store
from tests.scripted import publish


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store(tmp_path / "users", tmp_path / "samples")
    publish(store, tmp_path / "fit", "mine", "Nan")
    publish(store, tmp_path / "other", "other", "Else")
    return store


def test_a_file_that_becomes_a_link_while_it_is_checked_is_refused(store, tmp_path, monkeypatch):
    """The link comes after whatever looks at the name, as late as it can: in the moment of opening."""
    place, copy = store.users_dir / "mine" / FILES[0], tmp_path / "copy"
    shutil.copy(place, copy)
    real, swapped = os.open, []

    def swap_and_open(path, flags, *rest, **more):
        if os.fspath(path) == str(place) and not swapped:
            place.unlink()
            place.symlink_to(copy)  # the same bytes: only that it is a link can tell
            swapped.append(path)
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(folder.os, "open", swap_and_open)
    with pytest.raises(CopeError, match=f"The file {FILES[0]} of user 'mine' is damaged"):
        verify_folder(store.users_dir / "mine")
    assert swapped


def test_a_file_that_grows_while_it_is_checked_is_refused(store, monkeypatch):
    place = store.users_dir / "mine" / FILES[0]
    real = folder.os.fstat

    def grow(handle):
        info = real(handle)
        if info.st_ino == place.stat().st_ino:
            with open(place, "ab") as file:
                file.write(b"more")
        return info

    monkeypatch.setattr(folder.os, "fstat", grow)
    with pytest.raises(CopeError, match="is damaged"):
        verify_folder(store.users_dir / "mine")


def test_a_folder_that_is_a_link_to_another_user_s_is_refused(store):
    shutil.rmtree(store.users_dir / "mine")
    (store.users_dir / "mine").symlink_to(store.users_dir / "other")
    with pytest.raises(CopeError, match="belongs to another user"):
        store.open("mine")


def test_deleting_follows_no_link(store, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("words")
    shutil.rmtree(store.users_dir / "mine" / "oppu")
    (store.users_dir / "mine" / "oppu").symlink_to(precious)
    (store.users_dir / "mine" / "cope" / "more").symlink_to(precious / "file")
    store.delete("mine")
    assert (precious / "file").read_text() == "words" and not (store.users_dir / "mine").exists()
    assert store.open("other")
