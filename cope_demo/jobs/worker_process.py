"""A worker process that a web process keeps alive."""

import logging
import subprocess
import threading
import time

from cope_demo.system.logs import log_event

from .stage_process import start_child

RESTART_SECONDS = (0.5, 5.0)
"""Pause before a worker that has died is started again: the first, and the longest when it dies at once each time."""


class WorkerProcess:
    """One worker process that is started again whenever it ends."""

    def __init__(self):
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Starts it, unless it runs."""
        with self._lock:
            if self._thread is None and not self._ending.is_set():
                self._thread = threading.Thread(target=self._keep_alive, name="worker", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """Ends it for good; the fit that it runs stays in the queue. Its child process ends within moments."""
        with self._lock:
            self._ending.set()
            if self._process is not None:
                self._process.kill()
        if self._thread is not None:
            self._thread.join()

    def _keep_alive(self) -> None:
        pause = RESTART_SECONDS[0]
        while True:
            started = time.monotonic()
            with self._lock:
                if self._ending.is_set():
                    return
                self._process = start_child("cope_demo.jobs.worker", stdin=subprocess.DEVNULL)
            code = self._process.wait()
            if time.monotonic() - started > RESTART_SECONDS[1]:
                pause = RESTART_SECONDS[0]
            if not self._ending.wait(pause):
                log_event("worker restarts", logging.WARNING, code=code)
            pause = min(2 * pause, RESTART_SECONDS[1])
