"""Whether a Space's requirements can be installed together with what the platform adds, on each of its Pythons."""

import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cope_demo.errors import CopeError

PYTHONS = ("3.10", "3.12")
"""What Spaces with a lent GPU offer."""
ADDED = "gradio[oauth,mcp]=={gradio}\nspaces\ntorch<=2.13.0\n"
"""What the platform installs beside requirements.txt, or holds it to."""
SECONDS = 300
NO_UV = "The requirements were not checked, as uv is not here: install it with `pip install uv`."
NO_INDEX = "The requirements were not checked, as no package index answered: look at the network and try again."


class Unchecked(CopeError):
    """The requirements could not be checked here; nothing is known to be wrong with them."""


def find_uv() -> str | None:
    """The path of uv beside this Python, else on the PATH; None where there is none."""
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def resolve_requirements(requirements: Path, gradio: str) -> dict[str, dict[str, str]]:
    """Python version -> {package: version} that the platform would install today.

    requirements: the file; gradio: the version that the Space names. Needs uv and a package index; takes seconds.
    Raises Unchecked without these, CopeError when there is no solution.
    """
    uv = find_uv()
    if uv is None:
        raise Unchecked(NO_UV)
    with tempfile.TemporaryDirectory() as folder:
        added = Path(folder, "added.txt")
        added.write_text(ADDED.format(gradio=gradio), "utf-8")
        with ThreadPoolExecutor(len(PYTHONS)) as pool:  # what takes long is the index
            found = pool.map(lambda python: _compile(uv, python, requirements, added), PYTHONS)
            return dict(zip(PYTHONS, found, strict=True))


def _compile(uv: str, python: str, *files: Path) -> dict[str, str]:
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--color", "never"]
    command += ["--python-version", python, "--python-platform", "linux", *map(str, files)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise Unchecked(NO_INDEX) from error
    if done.returncode == 0:
        return dict(re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", done.stdout, re.MULTILINE))
    if re.search(r"error sending request|Failed to fetch|dns error|Connect|timed out", done.stderr):
        raise Unchecked(NO_INDEX)
    why = " ".join(re.sub(r"[^\x20-\x7e]+", " ", done.stderr).split())
    raise CopeError(
        f"requirements.txt cannot be installed on Python {python} together with what a Space adds "
        f"(gradio and spaces): {why[:300]}"
    )
