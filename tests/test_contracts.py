"""The layout's contracts (pyproject.toml): the tree keeps them, and each breaks at an import that it forbids."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cope_demo.paths import ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the package and of its contracts, to break."""
    root = tmp_path_factory.mktemp("tree")
    modules = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.json", "*.js", "*.css")
    shutil.copytree(ROOT / "cope_demo", root / "cope_demo", ignore=modules)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def lint(root: Path) -> subprocess.CompletedProcess:
    command = [LINT_IMPORTS, "--no-cache", "--config", "pyproject.toml"]
    wide = {**os.environ, "COLUMNS": "200"}  # a contract's name and its verdict on one line
    done = subprocess.run(command, cwd=root, env=wide, capture_output=True, text=True, timeout=120)
    done.stdout = click.unstyle(done.stdout)  # some versions of its printer color what no terminal reads
    return done


def test_the_tree_keeps_all_contracts(tree):
    done = lint(tree)
    assert done.returncode == 0 and "0 broken" in done.stdout, done.stdout


@pytest.mark.parametrize(
    "module, line, contract",
    [
        ("texts/tasks.py", "from cope_demo.fit import events", "Each package imports only from those under it"),
        ("texts/tasks.py", "from cope_demo.model import padding", "Each package imports only from those under it"),
        ("new/__init__.py", "", "Each package imports only from those under it"),
        ("service/service.py", "import gradio", "Only the user interface knows Gradio"),
        ("ui/page.py", "import dbos", "Only the jobs know DBOS"),
        ("jobs/inline_jobs.py", "import spaces", "Only system/zero_gpu knows spaces"),
        ("ui/page.py", "import torch", "The page does not import torch"),
        ("decode/trace.py", "import torch", "knows no torch"),
        ("decode/methods.py", "from cope_demo import reward", "knows no torch"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(tree, module, line, contract):
    path = tree / "cope_demo" / module
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        done = lint(tree)
    finally:
        shutil.rmtree(path.parent) if before is None else path.write_text(before)
    broken = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert done.returncode == 1 and len(broken) == 1 and contract in broken[0], done.stdout
