"""publish-space as a whole: what is staged, checked and uploaded, and where it stops."""

import pytest

from cope_demo.errors import CopeError
from cope_demo.hub import space
from cope_demo.hub.resolution import NO_UV, Unchecked
from tests.hub.fake_hub import TOKEN, run_fake_hub

VERSIONS = {"3.12": dict.fromkeys(space.TOLD, "1.0")}


@pytest.fixture
def resolved(monkeypatch):
    """Requirements that go together, without asking an index."""
    monkeypatch.setattr(space, "resolve_requirements", lambda requirements, gradio: VERSIONS)


def test_a_dry_run_leaves_the_folder_and_asks_no_hub(resolved, monkeypatch, own_data):
    monkeypatch.setattr(space, "upload_space", None)
    told = []
    folder = space.publish_space("ada/cope", "cpu-basic", dry_run=True, tell=told.append)
    assert folder == own_data / "hub" / "space"
    assert "suggested_hardware: cpu-basic" in (folder / "README.md").read_text("utf-8")
    assert (folder / "app.py").is_file() and (folder / "users/ines/cope/adapter_model.safetensors").is_file()
    assert "files" in told[0] and told[1].startswith("Python 3.12 would get torch 1.0, transformers 1.0")


def test_pages_that_need_no_server_are_uploaded(monkeypatch, tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("<h1>Lessons</h1>", "utf-8")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    told = []
    with run_fake_hub() as hub:
        choices = {"site": tmp_path / "pages", "endpoint": hub.address, "tell": told.append}
        space.publish_space("ada/cope", "static", **choices)
        assert set(hub.files) == {"README.md", "index.html"} and b"sdk: static" in hub.files["README.md"]
    assert told[-1] == f"Published: {hub.address}/spaces/ada/cope" and TOKEN not in "".join(told)


def test_a_gpu_is_asked_for_only_where_a_function_takes_it(resolved, tmp_path, monkeypatch):
    def stage(target):
        (target / "app.py").write_text(code, "utf-8")
        return ["app.py"]

    monkeypatch.setattr(space, "stage_app", stage)
    code = "@spaces.GPU(duration=20)\ndef compare(): ..."
    space.publish_space("ada/cope", "zero-a10g", dry_run=True)
    code = "def compare(): ..."
    with pytest.raises(CopeError, match="choose --hardware cpu-basic"):
        space.publish_space("ada/cope", "zero-a10g", dry_run=True)


def test_what_was_not_checked_is_said_and_not_uploaded(monkeypatch):
    def refuse(requirements, gradio):
        raise Unchecked(NO_UV)

    monkeypatch.setattr(space, "resolve_requirements", refuse)
    monkeypatch.setattr(space, "upload_space", None)
    told = []
    space.publish_space("ada/cope", "cpu-basic", dry_run=True, tell=told.append)
    assert told[-1] == NO_UV
    with pytest.raises(CopeError, match="pip install uv"):
        space.publish_space("ada/cope", "cpu-basic")


def test_a_bad_name_or_hardware_is_refused_before_any_work(monkeypatch):
    monkeypatch.setattr(space, "stage_app", None)
    with pytest.raises(CopeError, match="--repo must be owner/name"):
        space.publish_space("cope", "cpu-basic")
    with pytest.raises(CopeError, match="one of zero-a10g, cpu-basic, static"):
        space.publish_space("ada/cope", "a100")
