"""What may not become public is found in a folder before it does."""

import pytest

from cope_demo.errors import CopeError
from cope_demo.hub import privacy
from cope_demo.paths import ROOT


def check(folder, name: str, content: bytes) -> int:
    (folder / name).write_bytes(content)
    return privacy.check_folder(folder, [name])


def test_a_harmless_file_is_counted(tmp_path):
    assert check(tmp_path, "a.md", b"hf_token is a name, /work is a folder") == 37
    assert check(tmp_path, "LICENSE", b"free") == 4


@pytest.mark.parametrize(
    "name, content, told",
    [
        ("a.md", b"hf_" + b"a1" * 17, "looks like a secret"),
        ("a.py", b"-----BEGIN RSA PRIVATE KEY-----", "looks like a secret"),
        ("a.json", b'"opensesame-opensesame"', "looks like a secret"),
        ("a.md", f"see {ROOT}/var/users".encode(), "a folder of this machine"),
        ("a.pkl", b"", "of a kind that is not published"),
        ("a.sqlite", b"", "of a kind that is not published"),
        ("Makefile", b"", "of a kind that is not published"),
    ],
)
def test_what_may_not_be_published_is_named(tmp_path, monkeypatch, name, content, told):
    monkeypatch.setenv("COPE_SECRET", "opensesame-opensesame")
    with pytest.raises(CopeError, match=f"^{name} .*{told}") as raised:
        check(tmp_path, name, content)
    assert "opensesame" not in str(raised.value)


def test_sizes_have_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(privacy, "MAX_FILE", 10)
    with pytest.raises(CopeError, match="a.md has 11 bytes, and 10 are allowed"):
        check(tmp_path, "a.md", b"x" * 11)
    monkeypatch.setattr(privacy, "MAX_TOTAL", 15)
    (tmp_path / "b.md").write_bytes(b"x" * 9)
    assert check(tmp_path, "a.md", b"x" * 9) == 9
    with pytest.raises(CopeError, match="has 18 bytes, and 15"):
        privacy.check_folder(tmp_path, ["a.md", "b.md"])
