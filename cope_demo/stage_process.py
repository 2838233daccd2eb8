"""The child process that runs a job's stages: it can be ended at any moment, and gives its memory back when it ends.

One child serves all stages of a job, so that the model is loaded once. It reads a stage's name a line and answers a
line of JSON. It runs at idle priority: whoever watches a comparison stream comes first.
"""

import json
import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import TextIO

from .config import ROOT
from .job_folder import Cancelled, JobFolder
from .stage_runner import run_stage

CHECK_SECONDS = 0.2
"""How often a worker looks whether the owner has cancelled, and a child whether its parent lives."""


class StageProcess:
    """The worker's end. Use it as a context manager: leaving it ends the child and everything that it has started."""

    def __init__(self, folder: JobFolder):
        self.folder = folder
        self._child = start_child("cope_demo.stage_process", folder.id, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._unread = b""

    def __enter__(self) -> "StageProcess":
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def run(self, stage: str, stop: Callable[[], bool]) -> dict:
        """Runs a stage; returns {"state": "done" | "failed" | "cancelled", "error": sentence or None}.

        When stop() becomes true the child is ended within moments, whatever it is doing.
        """
        try:
            os.write(self._child.stdin.fileno(), f"{stage}\n".encode())
        except BrokenPipeError:
            pass  # it died between two stages, which reads as an end of its answers
        while b"\n" not in self._unread:
            if stop():
                self.end()
                return {"state": "cancelled", "error": None}
            pipe = self._child.stdout.fileno()
            if select.select([pipe], [], [], CHECK_SECONDS)[0]:
                data = os.read(pipe, 65536)
                if not data:
                    return {"state": "failed", "error": self._death()}
                self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)

    def end(self) -> None:
        """Ends the child's process group at once; stages leave only whole files under their final names."""
        if self._child.returncode is None:
            for kill in (os.killpg, os.kill):  # it leads no group in its first moments
                try:
                    kill(self._child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self._child.wait()
        self._child.stdin.close()
        self._child.stdout.close()

    def _death(self) -> str:
        code = self._child.wait()
        logging.getLogger(__name__).error("fit %.8s: its process ended with %d", self.folder.id, code)
        return (
            "The fit was ended by the system, most likely because memory ran out. "
            "Start it again with fewer or shorter texts, or with a smaller model."
        )


def start_child(module: str, *arguments: str, **options) -> subprocess.Popen:
    """Starts `python -m module arguments… <our pid>` as a child of this process; see `end_with_parent`."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", module, *arguments, str(os.getpid())]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, **options)


def end_with_parent(parent: int) -> None:
    """Makes this process the leader of a group of its own, and ends it soon after its parent has died."""
    os.setpgrp()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(CHECK_SECONDS)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def yield_to_others() -> None:
    """Lets every other process go first, now and for all that this one starts."""
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        except OSError:
            pass  # forbidden in some containers; the nice value remains


def log_to(stream: TextIO) -> None:
    """Sends this package's own log lines to `stream`; libraries' lines go where they went."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logger = logging.getLogger("cope_demo")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def keep_temporary_files(folder: JobFolder) -> None:
    """Has libraries put their temporary files, which hold the person's texts, where they go with the job's others."""
    place = folder.path / "tmp"
    place.mkdir(mode=0o700, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(place)


def serve(folder: JobFolder, commands: TextIO, answers: TextIO) -> None:
    """The child's loop: a stage's name in, its outcome out, until the worker closes the pipe."""
    with folder.hold():
        for line in commands:
            try:
                error = run_stage(folder, line.strip())
                answer = {"state": "failed" if error else "done", "error": error}
            except Cancelled:
                answer = {"state": "cancelled", "error": None}
            print(json.dumps(answer), file=answers, flush=True)


def main(job_id: str, parent: str) -> None:
    end_with_parent(int(parent))
    yield_to_others()
    # Pipes and log get numbers of their own, and what libraries print goes nowhere: it may quote the person's texts.
    commands, answers, errors = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(2), "w")
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(quiet, number)
    log_to(errors)
    folder = JobFolder(job_id)
    keep_temporary_files(folder)
    serve(folder, commands, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
