"""Where things lie: what the repository ships, and what is written at run time.

COPE_DATA (default `var/`) holds visitors' folders, the job database and caches; COPE_CACHE moves the caches.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_USERS = ROOT / "users"
"""The sample users that the repository ships; read-only at run time."""


def data_dir() -> Path:
    """The folder for everything that is written at run time: COPE_DATA, or `var/` in the repository."""
    return Path(os.environ.get("COPE_DATA") or ROOT / "var")


def samples_dir() -> Path:
    """The folder of the sample users that are offered: COPE_SAMPLES, or the ones that the repository ships.

    Adapters belong to one model; under another one the same people are fitted anew (`make samples MODEL=...`).
    """
    return Path(os.environ.get("COPE_SAMPLES") or SAMPLE_USERS)


def users_dir() -> Path:
    """Where visitors' (and the command line's) fitted users live."""
    return data_dir() / "users"


def cache_dir() -> Path:
    """Where rebuildable things live, such as the converted embedded model: COPE_CACHE, or `cache/` in the data."""
    return Path(os.environ.get("COPE_CACHE") or data_dir() / "cache")
