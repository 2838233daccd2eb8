"""Where trained task adapters lie, and which one belongs to `base` of a task.

`python -m cope_demo tam` makes one; the embedded model's stand in shipped_adapters/ beside this file. One that somebody
trained into COPE_DATA/task_adapters/<task> comes first. A saved user names the adapter it was fitted on by its hash.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from cope_demo.errors import CopeError
from cope_demo.paths import data_dir
from cope_demo.system.files import sha256_file

SHIPPED = Path(__file__).parent / "shipped_adapters"
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class TaskAdapter:
    """A trained task adapter: its PEFT folder, its task, and the SHA-256 of its weights."""

    folder: Path
    task: str
    sha256: str

    def to_json(self) -> dict:
        """As a user's manifest names it."""
        return {"task": self.task, "sha256": self.sha256}


def find_task_adapter(task: str, identity: str) -> TaskAdapter | None:
    """The adapter of this task for the base model of that identity; None where none was trained.

    Raises CopeError when its files are damaged.
    """
    for one in _list_adapters(task):
        if _read_description(one.folder)["base"]["identity"] == identity:
            return one
    return None


def find_named_adapter(named: dict | None) -> TaskAdapter | None:
    """The adapter that a manifest names, None where it names none. Raises CopeError when it is not here (any more)."""
    if named is None:
        return None
    for one in _list_adapters(named["task"]):
        if one.sha256 == named["sha256"]:
            return one
    raise CopeError(
        f"This user was fitted on a task adapter of {named['task']} that is not here: put it back into "
        f"task_adapters/{named['task']} of the data folder, or fit this user again."
    )


def _list_adapters(task: str) -> list[TaskAdapter]:
    found = []
    for place in (data_dir() / "task_adapters", SHIPPED):
        folder = place / task
        if (folder / "tam.json").exists():
            description = _read_description(folder)
            digest = sha256_file(folder / WEIGHTS) if (folder / WEIGHTS).exists() else ""
            if digest != description["adapter_sha256"]:
                raise _damaged_error(folder)
            found.append(TaskAdapter(folder, task, digest))
    return found


def _read_description(folder: Path) -> dict:
    try:
        data = json.loads((folder / "tam.json").read_text("utf-8"))
        return {"base": dict(data["base"]), "adapter_sha256": str(data["adapter_sha256"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged_error(folder) from error


def _damaged_error(folder: Path) -> CopeError:
    return CopeError(f"The task adapter in {folder.parent.name}/{folder.name} is damaged: train it again.")
