"""The child process that runs a job's stages: it can be ended at any moment, and gives its memory back when it ends.

One child serves all stages of a job, so that the model is loaded once. It reads a stage's name a line and answers a
line of JSON. It runs at idle priority: comparisons come first.
"""

import contextlib
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
from pathlib import Path
from typing import TextIO

from cope_demo.paths import ROOT
from cope_demo.system import memory
from cope_demo.system.logs import find_log, log_event, log_to
from cope_demo.system.output import log_uncaught

from .job_folder import Cancelled, JobFolder
from .stage_runner import run_stage

AUTOGROUP = Path("/proc/self/autogroup")
"""The priority of the session that a process is in, where Linux has one."""
CHECK_SECONDS = 0.2
"""How often a worker looks whether the owner has cancelled, and a child whether its parent still runs."""


class StageProcess:
    """The worker's side: a child that starts when it is needed. Use it as a context manager: leaving it ends the child
    and everything that it has started."""

    def __init__(self, folder: JobFolder):
        self.folder = folder
        self._child: subprocess.Popen | None = None

    def __enter__(self) -> "StageProcess":
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def run(self, stage: str, stop: Callable[[], bool]) -> dict:
        """Runs a stage; returns {"state": "done", "failed", "cancelled" or "memory", "error": sentence or None}.

        When stop() becomes true the child is ended within moments, whatever it is doing. Where memory ran out the child
        has ended, so that the next stage begins with all there is.
        """
        if self._child is None:
            self._start()
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
                    return self._interpret_death(stage)
                self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        outcome = json.loads(line)
        if outcome["state"] == "memory":
            self.end()
        return outcome

    def end(self) -> int | None:
        """Ends the child's process group at once, also what is left of it when the child itself has died; stages leave
        only whole files under their final names. Returns the child's exit code, None where there was no child."""
        child, self._child = self._child, None
        if child is None:
            return None
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        code = child.wait()
        child.stdin.close()
        child.stdout.close()
        return code

    def _start(self) -> None:
        self._unread, self._kills = b"", memory.count_kernel_kills()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._child = start_child("cope_demo.jobs.stage_process", self.folder.id, **pipes)

    def _interpret_death(self, stage: str) -> dict:
        """The outcome of a stage whose child has ended without an answer."""
        try:
            code = self._child.wait(CHECK_SECONDS)  # its own end, before we kill what it has left
        except subprocess.TimeoutExpired:
            code = None
        self.end()
        out_of_memory = code == -signal.SIGKILL and memory.count_kernel_kills() > self._kills
        log_event(
            "process died", logging.ERROR, job=self.folder.id, stage=stage, code=code, out_of_memory=out_of_memory
        )
        if out_of_memory:
            return {"state": "memory", "error": None}
        return {
            "state": "failed",
            "error": "The fit was ended by the system, most likely because memory ran out. "
            "Start it again with fewer or shorter texts, or with a smaller model.",
        }


def start_child(module: str, *arguments: str, **options) -> subprocess.Popen:
    """Starts `python -m module arguments… <our pid>` in a process group of its own; see `end_with_parent`. Its log is
    ours."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", module, *arguments, str(os.getpid())]
    return subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path}, start_new_session=True, **{"stderr": find_log(), **options}
    )


def end_with_parent(parent: int) -> None:
    """Ends this process and its group, which it leads (start_child), soon after its parent has died."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(CHECK_SECONDS)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def yield_to_others() -> None:
    """Gives this process, and all that it starts in its session, the lowest priority.

    Where Linux groups tasks by session, as desktops do, priorities count within a session, whose own is in AUTOGROUP;
    a process that leads a session (start_child) would else take half of the machine, whatever its own priority is.
    """
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):  # forbidden in some containers; the nice value remains
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with contextlib.suppress(OSError):  # there is none, or it may not be written
        AUTOGROUP.write_text("19")


def keep_temporary_files(folder: JobFolder) -> None:
    """Has libraries write their temporary files, which hold the person's texts, into the job's folder."""
    place = folder.path / "tmp"
    place.mkdir(mode=0o700, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(place)


def serve(folder: JobFolder, commands: TextIO, answers: TextIO) -> None:
    """The child's loop: a stage's name in, its outcome out, until the worker closes the pipe."""
    with folder.hold():
        for line in commands:
            try:
                answer = run_stage(folder, line.strip())
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
    log_uncaught()
    folder = JobFolder(job_id)
    keep_temporary_files(folder)
    serve(folder, commands, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
