"""Saved users on disk: this package takes a finished fit's files and gives them back verified. It loads no model.

This file knows where users lie: the repository's samples, read-only, and visitors' folders under ids that cannot be
guessed (ids.py). folder.py writes and checks one user's folder, fit_details.py reads what happened in the fit,
export.py packs the adapters to take away, with a model card that cites the paper (citation.py).
"""

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from cope_demo import paths
from cope_demo.errors import CopeError
from cope_demo.system.disk import DISK_FULL
from cope_demo.system.files import read_json, read_json_lines
from cope_demo.system.locks import file_lock
from cope_demo.texts.tasks import Sample

from .folder import (
    MANIFEST,
    previous_path,
    read_owner,
    read_signature,
    recover,
    temporary_path,
    verify_folder,
    write_folder,
)
from .ids import ID, NEW_ID, check_id

ADAPTERS = ("oppu", "cope")
CARD = "card.json"
LOCK = ".lock"


@dataclass(frozen=True)
class Card:
    """What the page says about a sample user. about: two sentences; prompts: three example prompts."""

    id: str
    name: str
    occupation: str
    about: str
    task: str
    prompts: tuple[str, ...]
    fictional: bool


@dataclass(frozen=True)
class SavedUser:
    """A published user whose files were verified when it was opened."""

    id: str
    folder: Path
    manifest: dict

    @property
    def task(self) -> str:
        """The name of the task in tasks.TASKS that the history belongs to."""
        return self.manifest["task"]

    @property
    def name(self) -> str:
        """The name to show; may be empty."""
        return self.manifest["name"]

    @property
    def origin(self) -> dict | None:
        """Where on the hub it was opened from: {"repo", "revision" (a commit), "plain" (a single LoRA)}; else None."""
        return self.manifest.get("origin")

    @property
    def report(self) -> dict:
        """The fit's report on held-out texts (report.json); {} where there is none, as of a LoRA from elsewhere."""
        return read_json(self.folder / "report.json")

    @property
    def keeps_history(self) -> bool:
        """Whether any of the person's samples are kept."""
        return (self.folder / "history.jsonl").stat().st_size > 0

    def history(self) -> list[Sample]:
        """The person's samples, in their order."""
        rows = read_json_lines(self.folder / "history.jsonl")
        return [Sample(prompt=row["prompt"], response=row["response"]) for row in rows]

    def adapter(self, kind: str) -> Path:
        """The PEFT folder of "oppu" or "cope"."""
        if kind not in ADAPTERS:
            raise ValueError(f"no adapter {kind!r}")
        return self.folder / kind

    def check_base(self, identity: str, name: str) -> None:
        """Raises CopeError, naming both models, unless the user was fitted on the base model of this identity."""
        base = self.manifest["base"]
        if base["identity"] != identity:
            raise CopeError(
                f"This user was fitted on the model {base['name']}, but the model in use is {name} (or other weights "
                f"of the same name). Start with --model {base['name']}, or fit the user again on {name}."
            )


class Store:
    """The saved users: visitors' in `users_dir` (default: the data folder's), samples in `samples_dir`."""

    def __init__(self, users_dir: Path | None = None, samples_dir: Path | None = None):
        self.users_dir = Path(users_dir or paths.users_dir())
        self.samples_dir = Path(samples_dir or paths.samples_dir())
        self._verified: dict[Path, tuple[tuple, dict]] = {}  # folder -> (signature of its files, manifest)

    def new_id(self) -> str:
        """A new user's id: 128 random bits as lower-case hex."""
        return secrets.token_hex(16)

    def samples(self) -> list[Card]:
        """The sample users that are fitted, by folder name. Raises CopeError at a card that cannot be read."""
        found = sorted(self.samples_dir.glob(f"*/{CARD}"))
        return [_read_card(path) for path in found if (path.parent / MANIFEST).exists()]

    def open(self, user_id: str) -> SavedUser:
        """The saved user, every file verified (again only after it changed).

        Raises CopeError for a bad or unknown id, and for a damaged folder, naming the file and the remedy.
        """
        mine, sample = self.users_dir / check_id(user_id), self.samples_dir / user_id
        if (mine / MANIFEST).exists() or previous_path(mine).exists():
            return SavedUser(user_id, mine, self._verify_own(mine))
        if (sample / MANIFEST).exists():
            return SavedUser(user_id, sample, self._verify(sample))
        raise self.unknown_error(user_id)

    def is_sample(self, user_id: str) -> bool:
        """Whether it is a fitted sample user's id. Raises CopeError for a bad id."""
        return (self.samples_dir / check_id(user_id) / MANIFEST).exists()

    def owner(self, user_id: str) -> str | None:
        """Whose the user is, as owners.py writes it: "" if only the command line's, None for a sample or unknown one.

        The file is not verified here: that would take long for a user that exists, and so reveal that it does.
        Raises CopeError for a bad id.
        """
        folder = self.users_dir / check_id(user_id)
        for place in (folder, previous_path(folder), folder):  # again, as a publish may have swapped them meanwhile
            owner = read_owner(place)
            if owner is not None:
                return owner
        return None

    def list_owned(self, owners: tuple[str, ...]) -> list[str]:
        """The ids of these owners' users."""
        return [user_id for user_id in self._ids() if self.owner(user_id) in owners]

    def list_saved_before(self, moment: float) -> list[str]:
        """The ids of visitors' users that were saved before `moment` (seconds since 1970), also of damaged ones.

        What the command line has saved under a name of its own is nobody's to expire.
        """
        visitors = (user_id for user_id in self._ids() if self.owner(user_id) or NEW_ID.fullmatch(user_id))
        return [user_id for user_id in visitors if self.read_save_time(user_id) < moment]

    def read_save_time(self, user_id: str) -> float:
        """When a visitor's user was saved, in seconds since 1970. Raises CopeError for a bad or unknown id."""
        folder = self.users_dir / check_id(user_id)
        for path in (folder / MANIFEST, folder):
            if path.exists():
                return path.stat().st_mtime
        raise self.unknown_error(user_id)

    def _ids(self) -> list[str]:
        """The names of all folders in users_dir, after what a crash has left is repaired."""
        if not self.users_dir.exists():
            return []
        with file_lock(self.users_dir / LOCK):
            recover(self.users_dir)
            return sorted(path.name for path in self.users_dir.iterdir() if path.is_dir() and ID.fullmatch(path.name))

    def publish(self, scratch: Path, user_id: str, manifest: dict) -> SavedUser:
        """Copies folder.FILES from `scratch` to the user's folder and returns it verified.

        manifest: everything but "files". A version that was saved before stays as it is, byte for byte, until the new
        one is whole on disk, and when anything fails. Raises CopeError for a bad id or a full disk, OSError for other
        trouble with the disk.
        """
        final = self.users_dir / check_id(user_id)
        if manifest["user"] != user_id:
            raise ValueError("the manifest is another user's")
        try:
            self.users_dir.mkdir(parents=True, exist_ok=True)
            with file_lock(self.users_dir / LOCK):
                recover(self.users_dir)
                write_folder(Path(scratch), final, manifest)
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            raise CopeError(
                "The disk is full, so the result could not be saved. What was saved before is unchanged. "
                "Free some space and start the fit again."
            ) from error
        return self.open(user_id)

    def delete(self, user_id: str) -> None:
        """Removes a visitor's folder. Raises CopeError for a bad or unknown id and for a sample user."""
        folder = self.users_dir / check_id(user_id)
        if not folder.exists() and not previous_path(folder).exists():
            if (self.samples_dir / user_id / MANIFEST).exists():
                raise CopeError("Sample users are part of the app and cannot be deleted.")
            raise self.unknown_error(user_id)
        with file_lock(self.users_dir / LOCK):
            recover(self.users_dir)
            if folder.exists():
                gone = temporary_path(folder)
                os.rename(folder, gone)  # first, so that nobody opens a folder that is half gone
                shutil.rmtree(gone)
        self._verified.pop(folder, None)

    def forget_deleted(self) -> None:
        """Drops what memory holds of users whose folder is not there any more, as another process has deleted them."""
        for folder in [folder for folder in list(self._verified) if not folder.exists()]:
            self._verified.pop(folder, None)

    def _verify_own(self, folder: Path) -> dict:
        try:
            return self._verify(folder)
        except CopeError:
            # A publish may have swapped the folder meanwhile, or been killed: look again while none can run.
            with file_lock(self.users_dir / LOCK):
                recover(self.users_dir)
                if not folder.exists():  # deleted meanwhile
                    raise self.unknown_error(folder.name) from None
                return self._verify(folder)

    def _verify(self, folder: Path) -> dict:
        mark = read_signature(folder)
        known = self._verified.get(folder)
        if known is None or known[0] != mark:
            known = self._verified[folder] = (mark, verify_folder(folder))
        return known[1]

    def unknown_error(self, user_id: str) -> CopeError:
        """The error for a user that does not exist."""
        if (self.samples_dir / user_id / CARD).exists():
            return CopeError(f"The sample user '{user_id}' has not been fitted yet; fit it first.")
        # Visitors' ids are secrets, so only the samples are named.
        names = ", ".join(card.id for card in self.samples()) or "none yet"
        return CopeError(f"There is no user '{user_id}'. The sample users are: {names}. Or fit your own history first.")


def _read_card(path: Path) -> Card:
    user_id = path.parent.name
    try:
        data = read_json(path)
        texts = {key: str(data[key]) for key in ("name", "occupation", "about", "task")}
        prompts = tuple(str(prompt) for prompt in data["prompts"])
        return Card(user_id, **texts, prompts=prompts, fictional=bool(data["fictional"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CopeError(f"The card of the sample user '{user_id}' is damaged: put its {CARD} back.") from error
