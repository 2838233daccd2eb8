"""What may not be in a folder that becomes public: secrets, paths of this machine, files of an unexpected kind."""

import os
import re
from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.paths import ROOT

SUFFIXES = frozenset(
    "py js css html json jsonl md txt svg png jpg gif ico safetensors cff csv woff2 map xml webmanifest".split()
)
BARE = ("LICENSE", "NOTICE")
"""File names that may have no suffix."""
MAX_FILE, MAX_TOTAL = 50_000_000, 500_000_000
"""Bytes: of one file, and of all; a Space with more starts slowly, and our largest file has 5 million."""
_SECRETS = re.compile(rb"hf_[A-Za-z0-9]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----")
_SECRET_NAMES = re.compile(r"TOKEN|SECRET|PASSWORD|API_KEY")


def check_folder(folder: Path, names: list[str]) -> int:
    """The bytes of these files. Raises CopeError that names the first one that may not be published, and why."""
    forbidden = _list_forbidden()
    total = 0
    for name in names:
        path = folder / name
        if path.suffix[1:].lower() not in SUFFIXES and path.name not in BARE:
            raise CopeError(f"{name} is of a kind that is not published: remove it from the folder first.")
        content = path.read_bytes()
        total += len(content)
        if len(content) > MAX_FILE:
            raise CopeError(f"{name} has {len(content)} bytes, and {MAX_FILE} are allowed: remove or shrink it first.")
        if _SECRETS.search(content) or any(secret in content for secret in forbidden["secret"]):
            raise CopeError(f"{name} holds what looks like a secret, such as a token: remove it first, and replace it.")
        if any(place in content for place in forbidden["place"]):
            raise CopeError(f"{name} names a folder of this machine: write the path without it first.")
    if total > MAX_TOTAL:
        raise CopeError(f"The folder has {total} bytes, and {MAX_TOTAL} are allowed: take something out first.")
    return total


def _list_forbidden() -> dict[str, list[bytes]]:
    """Values that no published file may hold: secrets in the environment, and where this copy of the project lies."""
    secrets = [value for name, value in os.environ.items() if _SECRET_NAMES.search(name) and len(value) >= 16]
    places = [f"{ROOT}/"] if len(ROOT.parts) > 2 else []
    return {"secret": [value.encode() for value in secrets], "place": [place.encode() for place in places]}
