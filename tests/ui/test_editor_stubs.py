"""The page starts without Gradio's stubs for editors."""

import subprocess
import sys

import pytest

from cope_demo import paths
from cope_demo.ui.editor_stubs import MODULE, WRITER

NO_STUBS = "import ast; ast.get_source_segment = None"
"""A stub is made of the source of a component's class, which is asked for by this."""


def run(*lines: str) -> subprocess.CompletedProcess:
    code = "\n".join(lines)
    return subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT, capture_output=True, text=True, timeout=120)


def test_gradio_writes_stubs_when_it_is_imported():
    """While it does, there is something to skip."""
    done = run(NO_STUBS, "import gradio")
    assert "NoneType" in done.stderr and WRITER in done.stderr


@pytest.mark.parametrize(
    "lines", [["import cope_demo.ui.server"], ["import cope_demo.ui", "import gradio", "import gradio.external"]]
)
def test_the_page_is_imported_without(lines):
    done = run(NO_STUBS, *lines)
    assert done.returncode == 0, done.stderr


def test_what_was_imported_before_is_left_alone():
    done = run(
        f"import sys, gradio; module = sys.modules[{MODULE!r}]; before = module.{WRITER}, list(sys.meta_path)",
        "import cope_demo.ui",
        f"assert before == (module.{WRITER}, sys.meta_path)",
    )
    assert done.returncode == 0, done.stderr
