"""Where uploaded files lie until they are read: a folder of this process, outside what Gradio may not serve."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cope_demo.system.locks import file_lock

PREFIX = "cope-uploads-"
ALIVE = ".alive"
"""The file in it that its process keeps locked."""
START_SECONDS = 60.0


@contextmanager
def uploads_folder() -> Iterator[Path]:
    """Makes Gradio keep its uploads in a folder that goes at the end; what killed processes have left goes at once."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with file_lock(folder / ALIVE):
        _remove_dead(folder)
        os.environ["GRADIO_TEMP_DIR"] = str(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_dead(mine: Path) -> None:
    for other in mine.parent.glob(f"{PREFIX}*"):
        if other == mine or other.stat().st_mtime > time.time() - START_SECONDS:
            continue  # it may be about to take its lock
        try:
            with file_lock(other / ALIVE, timeout=0):
                shutil.rmtree(other, ignore_errors=True)
        except OSError:
            continue  # alive (TimeoutError is one), or another account's
