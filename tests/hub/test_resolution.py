"""Whether the requirements go together, asked of uv; where it or an index is missing, nothing is claimed."""

import stat
import sys

import pytest

from cope_demo.errors import CopeError
from cope_demo.hub import resolution
from cope_demo.hub.resolution import PYTHONS, Unchecked, find_uv, resolve_requirements
from cope_demo.paths import ROOT

GRADIO = "6.31.0"


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """Puts a program in uv's place that says what it is told to."""

    def put(out: str = "", err: str = "", status: int = 0) -> None:
        path = tmp_path / "uv"
        code = f"import sys\nprint({out!r})\nprint({err!r}, file=sys.stderr)\nsys.exit({status})\n"
        path.write_text(f"#!{sys.executable}\n{code}", "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(resolution, "find_uv", lambda: str(path))

    return put


def test_versions_are_read(uv):
    uv("gradio[oauth,mcp]==6.31.0\ntorch==2.13.0\nbackports.x==1.0\n")
    found = resolve_requirements(ROOT / "requirements.txt", GRADIO)
    assert found == dict.fromkeys(PYTHONS, {"gradio": "6.31.0", "torch": "2.13.0", "backports.x": "1.0"})


def test_a_conflict_is_told_and_an_absent_index_is_none(uv):
    uv(err="  \u00d7 No solution found:\n   because a needs b", status=1)
    with pytest.raises(CopeError, match="cannot be installed on Python 3.10.*because a needs b") as raised:
        resolve_requirements(ROOT / "requirements.txt", GRADIO)
    assert not isinstance(raised.value, Unchecked) and "\n" not in str(raised.value)
    uv(err="error: Failed to fetch: x\n  dns error", status=2)
    with pytest.raises(Unchecked, match="no package index answered"):
        resolve_requirements(ROOT / "requirements.txt", GRADIO)


def test_without_uv_nothing_is_claimed(monkeypatch):
    monkeypatch.setattr(resolution, "find_uv", lambda: None)
    with pytest.raises(Unchecked, match="pip install uv"):
        resolve_requirements(ROOT / "requirements.txt", GRADIO)


def test_a_space_s_requirements_go_together_today():
    if find_uv() is None:
        pytest.skip(resolution.NO_UV)
    try:
        found = resolve_requirements(ROOT / "requirements.txt", GRADIO)
    except Unchecked as error:
        pytest.skip(str(error))
    for versions in found.values():
        assert versions["gradio"] == GRADIO and "spaces" in versions
        assert [int(part) for part in versions["torch"].split(".")[:2]] <= [2, 13]
        assert int(versions["transformers"].split(".")[0]) >= 5


def test_what_does_not_go_together_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(resolution, "PYTHONS", ("3.12",))
    if find_uv() is None:
        pytest.skip(resolution.NO_UV)
    (tmp_path / "requirements.txt").write_text("gradio<6\n", "utf-8")
    try:
        with pytest.raises(CopeError, match="cannot be installed on Python 3.12"):
            resolve_requirements(tmp_path / "requirements.txt", GRADIO)
    except Unchecked as error:
        pytest.skip(str(error))
