"""What goes to the Hugging Face hub and comes back: this package makes a Space's folder, checks it and uploads it.

This file chooses the files: what the app needs to run and what its README points to, and nothing that only developing
needs. card.py writes the front matter, resolution.py looks whether the requirements can be installed together,
privacy.py looks for what is nobody's business, upload.py talks to the hub. push.py makes a repository of somebody's
fitted adapters, which description.py describes for programs; repository.py opens such a one, or anybody's plain LoRA,
by its address.py. cope_decoding/ is a repository of its own: CoPe as a `custom_generate` of transformers.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from cope_demo.errors import CopeError, quote
from cope_demo.paths import ROOT
from cope_demo.saved.folder import MANIFEST, read_owner
from cope_demo.saved.store import CARD
from cope_demo.system.files import read_json

HARDWARE = ("zero-a10g", "cpu-basic", "static")
"""Where a Space can run: on a GPU that is lent for a call, on two CPUs, or nowhere, as pages without a server."""
_PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff", "LICENSE", "NOTICE")
STAGED = ("app.py", "requirements.txt", *_PAGES)
"""The files at the top of a Space."""
USERS = "users"
"""The folder of the sample users."""
FOLDERS = ("cope_demo", USERS, "docs")
LEFT_OUT = ("cope_demo/hub/cope_decoding", "cope_demo/ui/javascript", "docs/records")
"""Folders below them that only developing needs, or that go to a repository of their own."""
DEVELOPMENT = ("*.test.js", "test_helpers.js", "*.pyc", "docs/*.py")
"""The same of files, as patterns."""
INDEX = "index.html"
"""What a static site must begin with."""


def stage_app(target: Path, root: Path = ROOT, samples: Path | None = None) -> list[str]:
    """Copies what a Gradio Space needs from `root` to the empty folder `target`; returns the paths in it, sorted.

    samples: the folder of the sample users, where they were fitted on another model. Raises CopeError when it or a file
    of STAGED is missing, for a user who is not one of the fictional samples, and for a link.
    """
    if samples is not None and not any(samples.glob(f"*/{MANIFEST}")):
        raise CopeError(f"There are no fitted users in {samples}: `make samples MODEL=...` fits them, and says where.")
    sources = {folder: root / folder for folder in FOLDERS} | ({USERS: samples} if samples else {})
    names = {}
    for name in STAGED:
        if not (root / name).is_file():
            raise CopeError(f"{name} is missing from {root}: publish from a whole copy of the repository.")
        names[name] = root / name
    for folder, source in sources.items():
        names |= {f"{folder}/{path.relative_to(source).as_posix()}": path for path in _list_files(source)}
    names = {name: names[name] for name in sorted(names) if not _is_left_out(PurePosixPath(name))}
    _check_users(sources[USERS])
    for name, path in names.items():
        _copy(path, target / name)
    return list(names)


def list_bases(users: Path) -> set[str]:
    """The names of the models that the fitted users in a folder belong to."""
    return {read_json(path)["base"]["name"] for path in users.glob(f"*/{MANIFEST}")}


def stage_site(target: Path, site: Path) -> list[str]:
    """The same of pages that need no server: everything in the folder `site`, which `make site` makes.

    Raises CopeError where there is no such folder, or no index.html in it.
    """
    if not (site / INDEX).is_file():
        raise CopeError(f"There is no {INDEX} in {site}: run `make site` first, or name its folder with --site.")
    names = sorted(path.relative_to(site).as_posix() for path in _list_files(site))
    for name in names:
        _copy(site / name, target / name)
    return names


def _list_files(folder: Path) -> Iterator[Path]:
    """The files below a folder, without hidden ones, such as locks, and caches. Raises CopeError at a link."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_symlink():
            raise CopeError(f"{path} is a link, and only files are published: put the file itself there.")
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _list_files(path)
        else:
            yield path


def _is_left_out(path: PurePosixPath) -> bool:
    inside = any(path.is_relative_to(folder) for folder in LEFT_OUT)
    return inside or any(path.match(pattern) for pattern in DEVELOPMENT)


def _check_users(folder: Path) -> None:
    """Raises CopeError unless everybody in `folder` is a sample user, who is fictional and nobody's own."""
    for user in sorted(path for path in folder.iterdir() if path.is_dir()):
        try:
            fictional = json.loads((user / CARD).read_text("utf-8")).get("fictional") is True
        except (OSError, ValueError, AttributeError):
            fictional = False
        if not fictional or (user / MANIFEST).exists() and read_owner(user) != "":
            raise CopeError(
                f"users/{quote(user.name)} is not one of the fictional sample users, and a Space is public: move that "
                "folder out of users/ first."
            )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
