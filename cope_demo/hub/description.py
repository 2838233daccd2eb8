"""cope.json: what stands in a repository of adapters beside them, for programs. No text, no name, no id of anybody's.

It names the base model and, where there is one, the task adapter that base wore, how the fit was made and what it
reached, and each file with its size and SHA-256, as a saved user's manifest does.
"""

import json
import math
import re

from cope_demo.errors import CopeError
from cope_demo.saved.export import find_hub_name
from cope_demo.saved.store import SavedUser
from cope_demo.texts.tasks import TASKS

NAME = "cope.json"
FORMAT = 1
MAX_BYTES = 100_000
"""Of cope.json, and of an adapter's configuration."""
_DIGEST = re.compile("[0-9a-f]{64}")
_MODELS = ("base", "oppu", "cope")


def describe_adapters(user: SavedUser, files: dict[str, dict]) -> str:
    """cope.json of a fitted user. files: path in the repository -> {"sha256", "size"}."""
    manifest, base = user.manifest, user.manifest["base"]
    kept = {name: manifest.get(name) for name in ("task_adapter", "settings", "versions", "created")}
    description = {
        "format": FORMAT,
        "task": user.task,
        "base": {"name": base["name"], "identity": base["identity"], "hub": find_hub_name(base)},
        **kept,
        "report": user.report,
        "files": files,
    }
    return json.dumps(description, indent=1, ensure_ascii=False) + "\n"


def read_description(data: bytes, files: tuple[str, ...]) -> dict:
    """A description that anybody may have written, with what this project reads of it and no more.

    files: those that it must name. {"task", "base": {"name", "identity"}, "task_adapter", "settings", "versions",
    "created", "report", "files"}; a report that is not one of ours is {}. Raises CopeError when the rest will not do.
    """
    try:
        given = json.loads(data)
        if given["format"] != FORMAT or given["task"] not in TASKS:
            raise ValueError("of another version")
        adapter = given["task_adapter"] and {name: str(given["task_adapter"][name]) for name in ("task", "sha256")}
        if adapter and adapter["task"] not in TASKS:
            raise ValueError("no such task adapter")
        return {
            "task": given["task"],
            "base": {name: str(given["base"][name])[:200] for name in ("name", "identity")},
            "task_adapter": adapter,
            **{name: _keep_plain(given.get(name)) for name in ("settings", "versions")},
            "created": str(given.get("created", ""))[:40],
            "report": given["report"] if _is_report(given.get("report")) else {},
            "files": {name: _read_entry(given["files"][name]) for name in files},
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CopeError(
            f"Its {NAME} is damaged or of another version of this app: have the adapters pushed again."
        ) from None


def _keep_plain(values) -> dict:
    """A few short plain values by name; {} for anything else."""
    good = isinstance(values, dict) and len(values) <= 50
    kept = values.items() if good else ()
    return {k[:60]: v for k, v in kept if isinstance(v, (int, float)) or isinstance(v, str) and len(v) <= 100}


def _read_entry(entry: dict) -> dict:
    if not _DIGEST.fullmatch(entry["sha256"]) or type(entry["size"]) is not int:
        raise ValueError("no hash or size")
    return {"sha256": entry["sha256"], "size": entry["size"]}


def _is_report(report) -> bool:
    """Whether it has the numbers of a fit's report, all of them finite."""
    try:
        numbers = [report[name][model] for name in ("bits_per_token", "pairs_right", "margin") for model in _MODELS]
        counts = [report[name] for name in ("train", "held_out", "pairs")]
        plain = set(report) <= {"train", "held_out", "bits_per_token", "pairs", "pairs_right", "margin", "seconds"}
        return (
            plain
            and all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
            and all(type(count) is int and count >= 0 for count in counts)
            and all(bits > 0 for bits in report["bits_per_token"].values())
            and all(0 <= share <= 1 for share in report["pairs_right"].values())
        )
    except (KeyError, TypeError, AttributeError):
        return False
