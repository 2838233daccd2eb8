"""A folder is there whole or not at all, whoever else makes it."""

import pytest

from cope_demo.system.files import make_folder


def write(part, text="mine"):
    part.mkdir()
    (part / "text").write_text(text)


def test_a_folder_is_made_once(tmp_path):
    folder = tmp_path / "made"
    make_folder(folder, write)
    make_folder(folder, pytest.fail)
    assert (folder / "text").read_text() == "mine" and list(tmp_path.iterdir()) == [folder]


def test_what_fails_leaves_nothing(tmp_path):
    def fill(part):
        write(part)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        make_folder(tmp_path / "made", fill)
    assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_stays(tmp_path):
    folder = tmp_path / "made"

    def fill(part):
        write(part)
        write(folder, "theirs")  # meanwhile

    make_folder(folder, fill)
    assert (folder / "text").read_text() == "theirs" and list(tmp_path.iterdir()) == [folder]


def test_two_of_one_process_number_do_not_share_a_part(tmp_path):
    """As two containers on one disk are, in which every first process is number 1."""
    folder = tmp_path / "made"

    def fill(part):
        write(part)
        make_folder(folder, lambda other: write(other, "theirs"))
        assert (part / "text").read_text() == "mine"

    make_folder(folder, fill)
    assert (folder / "text").read_text() == "theirs" and list(tmp_path.iterdir()) == [folder]


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(OSError):
        make_folder(tmp_path / "missing" / "made", write)
