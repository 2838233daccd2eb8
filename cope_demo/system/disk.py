"""How much room a fit needs on the disk of the data folder, and how much there is."""

import errno
import shutil

from cope_demo.config import read_whole_number
from cope_demo.errors import CopeError
from cope_demo.paths import data_dir

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

FIT_MB = 100
"""For the embedded model: both adapters in the scratch folder, both again when they are published, while the older
version still stands (5 MB each), and room for everybody's queue, progress and logs."""


def read_needed_mb() -> int:
    """Megabytes that must be free before a fit begins: FIT_MB, or what COPE_FIT_MB says for a larger model."""
    return read_whole_number("COPE_FIT_MB", FIT_MB, 1, 1_000_000)


def measure_free_mb() -> int:
    """Megabytes free where the data folder is, or will be."""
    folder = data_dir().resolve()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // 1_000_000


def check_space() -> None:
    """Raises CopeError with both numbers when the disk has no room for a fit."""
    free, needed = measure_free_mb(), read_needed_mb()
    if free < needed:
        raise CopeError(
            f"A fit needs {needed} MB of disk space and {free} MB are free, so none can start. "
            "Free some space, or delete an older fit, and try again."
        )
