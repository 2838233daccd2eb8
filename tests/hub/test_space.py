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


def test_a_lent_gpu_with_a_model_of_the_hub(resolved, monkeypatch, tmp_path):
    """The app that is staged has a function that asks for the GPU, as the platform wants it."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    told, model = [], "ada/large"
    choices = {"model": model, "dry_run": True, "tell": told.append}
    folder = space.publish_space("ada/cope", "zero-a10g", **choices)
    matter = (folder / "README.md").read_text("utf-8").split("---\n")[1]
    assert "suggested_hardware: zero-a10g" in matter and "preload_from_hub:\n- ada/large\n" in matter
    assert "spaces.GPU(" in (folder / "cope_demo/system/zero_gpu.py").read_text("utf-8")
    assert "spaces" not in (folder / "requirements.txt").read_text("utf-8")
    assert told[1] == space.NO_SAMPLES.format(model=model)
    user = tmp_path / "samples" / "ines"
    user.mkdir(parents=True)
    (user / "card.json").write_text('{"fictional": true}', "utf-8")
    (user / "manifest.json").write_text('{"user": "ines", "base": {"name": "ada/large"}}', "utf-8")
    told.clear()
    with run_fake_hub() as hub:
        choices |= {"samples": user.parent, "endpoint": hub.address, "dry_run": False}
        space.publish_space("ada/cope", "zero-a10g", **choices)
        assert hub.variables == {"COPE_MODEL": model} and hub.created[0]["hardware"] == "zero-a10g"
        assert {name for name in hub.files if name.startswith("users/")} == {
            "users/ines/card.json",
            "users/ines/manifest.json",
        }
    assert len(told) == 3 and "ada/large" not in "".join(told)
    with pytest.raises(CopeError, match="--model must be owner/name"):
        space.publish_space("ada/cope", "zero-a10g", model="large")


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
