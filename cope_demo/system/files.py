"""What the other packages need of the machine: files, locks, logs, disk and memory. It knows no model and no user.

This file hashes, reads and writes files, so that a written file appears only when it is whole. locks.py has locks
between processes, logs.py the log lines, disk.py the free space that a fit needs, memory.py whether memory ran out,
zero_gpu.py the GPUs that a platform lends.
"""

import hashlib
import importlib.metadata
import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def find_packaged_file(package: str, name: str) -> Path | None:
    """The path of a file that an installed distribution brought, found without importing it; None if not there."""
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == name:
            path = Path(file.locate())
            return path if path.is_file() else None
    return None


def read_json(path: Path) -> Any:
    """What a JSON file holds. Raises OSError or ValueError."""
    return json.loads(path.read_text("utf-8"))


def read_json_lines(path: Path) -> list[Any]:
    """The values of a file with one JSON value a line; empty lines count for nothing. Raises OSError or ValueError."""
    # Not splitlines(): it would also split at line separators inside a text.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def format_json_lines(values) -> str:
    """Values as text, one JSON value a line; letters of all languages stay as they are."""
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def make_folder(folder: Path, fill: Callable[[Path], object]) -> None:
    """Makes a folder by `fill`, unless it exists; it gets its name only when it is whole.

    Where another process makes it meanwhile, the first one's stays.
    """
    if folder.is_dir():
        return
    part = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.part")
    try:
        fill(part)
        os.replace(part, folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_whole(path: Path, text: str, mode: int = 0o666) -> None:
    """Writes a file that appears, or replaces an older one, only when it is whole.

    mode: the permissions of a new file, less the process's umask; 0o600 for what only its owner may read.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
