"""Where uploaded files lie until they are read, and the temporary files of libraries: a folder of this process, outside
what Gradio may not serve.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradio.route_utils import GradioMultiPartParser

from cope_demo.system.locks import file_lock

PREFIX = "cope-uploads-"
ALIVE = ".alive"
"""The file in it that its process keeps locked."""
START_SECONDS = 60.0


@contextmanager
def uploads_folder() -> Iterator[Path]:
    """Makes Gradio and the libraries keep their files in a folder that goes at the end; what killed processes have left
    goes at once.
    """
    before, tempdir = os.environ.get("TMPDIR"), tempfile.tempdir
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with file_lock(folder / ALIVE):
        _remove_dead(folder)
        os.environ["GRADIO_TEMP_DIR"] = os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = tempdir
            os.environ.pop("TMPDIR")
            os.environ.update({"TMPDIR": before} if before else {})
            shutil.rmtree(folder, ignore_errors=True)


def remove_broken_uploads() -> None:
    """From now on an upload that does not arrive whole leaves no file. Gradio keeps those of a client that has left."""
    GradioMultiPartParser.parse = _parse_whole


_parse = GradioMultiPartParser.parse


async def _parse_whole(parser: GradioMultiPartParser):
    try:
        return await _parse(parser)
    except BaseException:  # such as ClientDisconnect, or the request's own end
        for file in parser._files_to_close_on_error:
            file.close()
            Path(file.name).unlink(missing_ok=True)
        raise


def _remove_dead(mine: Path) -> None:
    for other in mine.parent.glob(f"{PREFIX}*"):
        if other == mine or other.stat().st_mtime > time.time() - START_SECONDS:
            continue  # it may be about to take its lock
        try:
            with file_lock(other / ALIVE, timeout=0):
                shutil.rmtree(other, ignore_errors=True)
        except OSError:
            continue  # alive (TimeoutError is one), or another account's
