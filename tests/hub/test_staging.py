"""The folder of a Space: what is in it, and that everything it needs and points to is."""

import ast
import json
import re
from pathlib import Path

import pytest

from cope_demo.errors import CopeError
from cope_demo.hub.staging import STAGED, list_bases, stage_app, stage_site
from cope_demo.paths import ROOT


@pytest.fixture(scope="module")
def staged(tmp_path_factory) -> tuple[Path, list[str]]:
    """The staged folder of this copy, and the names that staging gave."""
    folder = tmp_path_factory.mktemp("staged")
    return folder, stage_app(folder)


def test_it_is_what_the_names_say(staged):
    folder, names = staged
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert found == names and len(names) > 200
    assert all((folder / name).read_bytes() == (ROOT / name).read_bytes() for name in names)


def test_nothing_that_only_developing_needs_is_in_it(staged):
    allowed = {*STAGED, "cope_demo", "users", "docs"}
    for name in staged[1]:
        parts = name.split("/")
        assert parts[0] in allowed and not any(part.startswith(".") or part == "__pycache__" for part in parts)
        assert not name.endswith((".test.js", ".pyc")) and "javascript" not in parts and "cope_decoding" not in parts
        assert not (parts[0] == "docs" and (name.endswith(".py") or parts[1] == "records"))


def test_every_module_that_is_imported_is_in_it(staged):
    folder, names = staged
    modules = {name[:-3].replace("/", ".").removesuffix(".__init__") for name in names if name.endswith(".py")}
    assert {"app", "cope_demo.ui.server", "cope_demo.fit.pipeline"} <= modules
    for name in names:
        for node in ast.walk(ast.parse((folder / name).read_text("utf-8"))) if name.endswith(".py") else ():
            if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("cope_demo"):
                assert node.module in modules, (name, node.module)


def test_every_file_of_the_package_and_the_samples_is_in_it(staged):
    """Whatever a module reads beside itself comes along: all of it but what is named as development."""
    kinds = (".py", ".js", ".css", ".html", ".json", ".safetensors", ".png", ".txt", ".jsonl", ".md")
    files = [*(ROOT / "cope_demo").rglob("*"), *(ROOT / "users").rglob("*")]
    wanted = {path.relative_to(ROOT).as_posix() for path in files if path.is_file() and path.suffix in kinds}
    missing = wanted - set(staged[1])
    development = re.compile(r"\.test\.js$|/test_helpers\.js$|^cope_demo/ui/javascript/|^cope_demo/hub/cope_decoding/")
    assert [name for name in missing if not development.search(name)] == [] and missing
    assert "docs/results.json" in staged[1]  # "Does it work?" reads it


def test_links_and_pictures_of_its_pages_exist(staged):
    folder, names = staged
    for name in names:
        for target in re.findall(r"\]\(([^)#]+)\)", (folder / name).read_text("utf-8")) if name.endswith(".md") else ():
            assert target.startswith("http") or (folder / name).parent.joinpath(target).exists(), (name, target)


@pytest.fixture
def root(tmp_path) -> Path:
    """A small copy of the project, to spoil."""
    root = tmp_path / "root"
    for name in (*STAGED, "cope_demo/config.py", "docs/method.md", "users/ines/texts.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x", "utf-8")
    (root / "users/ines/card.json").write_text('{"fictional": true}', "utf-8")
    return root


def test_a_small_copy_is_staged(root, tmp_path):
    assert len(stage_app(tmp_path / "out", root)) == len(STAGED) + 4


@pytest.mark.parametrize(
    "files",
    [
        {"users/me/card.json": '{"fictional": false}'},
        {"users/me/card.json": "{"},
        {"users/me/card.json": "[]"},
        {"users/me/manifest.json": '{"user": "me"}'},
        {"users/me/card.json": '{"fictional": true}', "users/me/manifest.json": json.dumps({"owner": "0" * 64})},
    ],
)
def test_a_person_who_is_no_sample_is_not_published(root, tmp_path, files):
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    with pytest.raises(CopeError, match="'me' is not one of the fictional"):
        stage_app(tmp_path / "out", root)
    assert not (tmp_path / "out").exists()


def test_sample_users_of_another_model_are_staged_instead(root, tmp_path):
    with pytest.raises(CopeError, match="no fitted users in"):
        stage_app(tmp_path / "none", root, tmp_path / "samples")
    user = tmp_path / "samples" / "juno"
    user.mkdir(parents=True)
    (user / "card.json").write_text('{"fictional": true}', "utf-8")
    (user / "manifest.json").write_text('{"user": "juno", "base": {"name": "large"}}', "utf-8")
    names = stage_app(tmp_path / "out", root, user.parent)
    assert [name for name in names if "users/" in name] == ["users/juno/card.json", "users/juno/manifest.json"]
    assert list_bases(tmp_path / "out" / "users") == {"large"}
    (user / "card.json").write_text('{"fictional": false}', "utf-8")
    with pytest.raises(CopeError, match="'juno' is not one of the fictional"):
        stage_app(tmp_path / "other", root, user.parent)


def test_a_link_and_a_missing_file_are_refused(root, tmp_path):
    (root / "docs" / "secret.md").symlink_to("/etc/passwd")
    with pytest.raises(CopeError, match="secret.md is a link"):
        stage_app(tmp_path / "out", root)
    (root / "LICENSE").unlink()
    with pytest.raises(CopeError, match="LICENSE is missing"):
        stage_app(tmp_path / "out", root)


def test_a_site_is_staged_as_it_is(tmp_path):
    site = tmp_path / "site"
    for name in ("index.html", "lessons/alpha.html"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(name, "utf-8")
    assert stage_site(tmp_path / "out", site) == ["index.html", "lessons/alpha.html"]
    assert (tmp_path / "out/lessons/alpha.html").read_text("utf-8") == "lessons/alpha.html"
    with pytest.raises(CopeError, match="run `make site` first"):
        stage_site(tmp_path / "other", tmp_path / "nowhere")
