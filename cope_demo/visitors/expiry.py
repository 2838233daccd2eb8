"""Removes everything of a visitor after COPE_KEEP_DAYS: saved users, fits, and uploads that no page has read."""

import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cope_demo.config import read_keep_days
from cope_demo.jobs.job_folder import JobFolder
from cope_demo.system.logs import log_event

SWEEP_SECONDS = 600.0
UNREAD_SECONDS = 600.0
"""An upload that no page has read by then is removed."""
INCOMPLETE_SECONDS = 3600.0


def sweep(service, uploads: Path | None = None, now: float | None = None) -> None:
    """Removes what has expired by `now` (seconds since 1970; default: the present). Sample users never do.

    uploads: the folder of uploaded files.
    """
    now = time.time() if now is None else now
    moment = now - 86400 * read_keep_days()
    jobs = [folder.id for folder in JobFolder.list_ended_before(moment)]
    if jobs:
        service.jobs.forget(jobs)
    JobFolder.remove_incomplete(now - INCOMPLETE_SECONDS)
    for user_id in service.store.list_saved_before(moment):
        service.store.delete(user_id)
        service.forget(user_id)
    service.forget_deleted()  # by visitors, or by sweeps, of other web processes
    for path in uploads.iterdir() if uploads else ():
        if not path.name.startswith(".") and path.stat().st_mtime < now - UNREAD_SECONDS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def keep_sweeping(service, uploads: Path, *more: Callable[[], None]) -> None:
    """Sweeps now and from time to time, in the background, as long as this process lives.

    more: what else removes something that has expired.
    """

    def run() -> None:
        while True:
            try:
                sweep(service, uploads)
                for one in more:
                    one()
            except Exception as error:  # such as another process's sweep of the same; the next one sees to it
                log_event("sweep ended early", logging.WARNING, error=type(error).__name__)
            time.sleep(SWEEP_SECONDS)

    threading.Thread(target=run, name="expiry", daemon=True).start()
