"""A saved user's folder on disk: what it holds, how it is written whole or not at all, and how it is checked.

The manifest lists every file with its size and SHA-256 and carries a checksum of itself, so a damaged file is named
instead of used. Only safetensors and JSON are ever read.
"""

import hashlib
import json
import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

from cope_demo.errors import CopeError

FORMAT = 1
FILES = (
    "history.jsonl",
    "pairs.jsonl",
    "report.json",
    "events.jsonl",
    "oppu/adapter_config.json",
    "oppu/adapter_model.safetensors",
    "cope/adapter_config.json",
    "cope/adapter_model.safetensors",
)
"""What a saved folder holds beside manifest.json."""
MANIFEST = "manifest.json"
MAX_MANIFEST = 1_000_000
"""Bytes of a manifest; a real one has a few thousand."""
MAX_FILE = 2_000_000_000
"""Bytes of any other file: an adapter of a large model."""
CHECKSUM = "manifest_sha256"


def write_folder(source: Path, final: Path, manifest: dict) -> None:
    """Makes `final` from FILES of `source` and the manifest (everything but "files"), whole or not at all.

    An older version stays as it is until the new one is whole on disk, and when anything fails (OSError). Other files
    of it, such as a sample user's card, are kept. The caller holds the lock of the parent folder.
    """
    part = temporary_path(final)
    try:
        part.mkdir(mode=0o700)
        files = {name: _copy_file(source / name, part / name) for name in FILES}
        for path in _list_other_files(final):
            _copy_file(path, part / path.name)
        _write_file(part / MANIFEST, _encode_manifest({**manifest, "format": FORMAT, "files": files}))
        for folder in {(part / name).parent for name in FILES}:
            _sync_folder(folder)
        _swap(part, final)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def verify_folder(folder: Path) -> dict:
    """Checks every file against the manifest and returns it. Raises CopeError naming the damaged file."""
    manifest = _read_manifest(folder)
    for name, entry in manifest["files"].items():
        try:
            size, digest = _hash_file(folder / name, entry["size"])
        except OSError as error:
            raise _damaged_error(folder, name, "it is missing or cannot be read") from error
        if size > MAX_FILE:
            raise _damaged_error(folder, name, f"it has {size} bytes, more than any of ours")
        if size != entry["size"]:
            raise _damaged_error(folder, name, f"it has {size} bytes instead of {entry['size']}")
        if digest != entry["sha256"]:
            raise _damaged_error(folder, name, "its checksum is wrong")
    return manifest


def read_owner(folder: Path) -> str | None:
    """The manifest's "owner", unverified: "" where it names none or is damaged, None where there is no manifest."""
    try:
        owner = json.loads(_read_capped(folder / MANIFEST)).get("owner", "")
        return owner if isinstance(owner, str) else ""
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""


def read_signature(folder: Path) -> tuple:
    """What changes when any file of the folder does, without reading them."""
    found = []
    for name in (MANIFEST, *FILES):
        try:
            info = os.lstat(folder / name)
            found.append((info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns))
        except OSError:
            found.append(None)
    return tuple(found)


def temporary_path(folder: Path) -> Path:
    """An unused hidden name beside `folder`, which nobody opens and which `recover` removes."""
    return folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")


def previous_path(folder: Path) -> Path:
    """The hidden name of the older version during a swap."""
    return folder.with_name(f".{folder.name}.old")


def recover(place: Path) -> None:
    """Repairs what a killed publish or delete left in `place`. The caller holds its lock, so nothing here is in use."""
    for old in place.glob(".*.old"):
        final = place / old.name[1 : -len(".old")]
        if final.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.rename(old, final)
    for part in place.glob(".*.part"):
        shutil.rmtree(part, ignore_errors=True)


def _swap(part: Path, final: Path) -> None:
    """Puts `part` in the place of `final`, or leaves both as they were.

    A crash between the two renames leaves the old version under its hidden name, where `recover` finds it.
    """
    old = previous_path(final)
    if final.exists():
        os.rename(final, old)
    try:
        os.rename(part, final)
        _sync_folder(final.parent)
    except BaseException:
        if final.exists():
            os.rename(final, part)
        if old.exists():
            os.rename(old, final)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _read_manifest(folder: Path) -> dict:
    try:
        data = _read_capped(folder / MANIFEST)
        manifest = json.loads(data.decode("utf-8"))
        manifest.pop(CHECKSUM)
        intact = data == _encode_manifest(manifest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged_error(folder, MANIFEST, "it cannot be read") from error
    if not intact:
        raise _damaged_error(folder, MANIFEST, "its checksum is wrong")
    if manifest["user"] != folder.name or manifest["format"] != FORMAT or set(manifest["files"]) != set(FILES):
        raise _damaged_error(folder, MANIFEST, "it belongs to another user or another version of this app")
    return manifest


def _read_capped(path: Path) -> bytes:
    """A manifest's bytes. Raises OSError when it is no regular file or too large to be one."""
    with _open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_MANIFEST:
            raise OSError("not a manifest")
        return file.read()


def _encode_manifest(manifest: dict) -> bytes:
    """The bytes of manifest.json: the manifest with its own checksum."""
    text = json.dumps({**manifest, CHECKSUM: _compute_checksum(manifest)}, indent=1, ensure_ascii=False)
    return (text + "\n").encode("utf-8")


def _compute_checksum(manifest: dict) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _damaged_error(folder: Path, name: str, why: str) -> CopeError:
    return CopeError(
        f"The file {name} of user '{folder.name}' is damaged: {why}. "
        "Fit this user again, or put the folder back from a copy (a sample user's from the repository)."
    )


def _hash_file(path: Path, expected: int) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a regular file; a link is refused with OSError, as it may lead anywhere.

    A file of another size than expected, or too large, is not read at all, and its SHA-256 is "".
    """
    with _open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size != expected or size > MAX_FILE:
            return size, ""
        digest, size = hashlib.sha256(), 0
        while size <= MAX_FILE and (block := file.read(1 << 20)):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _open_regular(path: Path) -> BinaryIO:
    """Opens a file to read. Raises OSError unless it is a regular file: what was opened is looked at, not its name."""
    file = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("not a regular file")
    return file


def _copy_file(source: Path, target: Path) -> dict:
    """Copies a file through to the disk; returns its manifest entry."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    data = source.read_bytes()
    _write_file(target, data)
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def _write_file(path: Path, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Makes a folder's entries last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _list_other_files(folder: Path) -> list[Path]:
    """The files of an existing folder that a publish does not write itself."""
    if not folder.is_dir():
        return []
    files = (path for path in folder.iterdir() if stat.S_ISREG(os.lstat(path).st_mode))
    return [path for path in files if path.name not in (*FILES, MANIFEST)]
