"""Logs: one line of JSON for each event, with names and numbers only.

A line never holds a message of an exception or of a library: that may quote a visitor's text. Of a fit it has the first
letters of the job's id, which open nothing. (What does not go through `logging` at all is caught in output.py.)
"""

import json
import logging
import os
import traceback
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TextIO

OURS = "cope_demo"


def log_event(event: str, level: int = logging.INFO, **fields) -> None:
    """Logs an event of ours. fields: plain values, such as job, stage, seconds; never a person's words."""
    if "job" in fields:
        fields["job"] = fields["job"][:8]
    logging.getLogger(OURS).log(level, event, extra={"fields": fields})


def log_fault(reference: str, error: BaseException, **fields) -> None:
    """Logs a fault of ours under the reference that the person was shown: the error's type, and where it was raised."""
    log_event("fault", logging.ERROR, reference=reference, **describe_error(error), **fields)


def log_to(stream: TextIO) -> None:
    """Sends all of this process's log lines to `stream`: ours from INFO on, libraries' warnings."""
    handler = _Handler(stream)
    handler.setFormatter(_Lines())
    logging.getLogger().handlers[:] = [handler]
    logging.lastResort = handler  # for loggers that neither have a handler nor pass on what they are given
    logging.getLogger(OURS).setLevel(logging.INFO)


def find_log() -> TextIO | None:
    """The stream of this process's log lines, for a child process; None where it is no file or pipe."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Handler):
            try:
                handler.stream.fileno()
            except (OSError, ValueError):
                return None
            return handler.stream
    return None


def _renew_stream() -> None:
    """In a forked process: lines go by a stream of its own, as a thread that is not there may hold the other's lock."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Handler):
            with suppress(OSError, ValueError):  # a stream that is no file
                own = open(os.dup(handler.stream.fileno()), "w", encoding="utf-8", buffering=1)
                _inherited.append(handler.stream)  # so that it is never closed, for which it would be locked
                handler.stream = own


_inherited: list[TextIO] = []
os.register_at_fork(after_in_child=_renew_stream)


def propagate_logs(*names: str) -> None:
    """Removes the own handlers of these libraries' loggers, so that their lines are written as ours are."""
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def describe_error(error: BaseException) -> dict:
    """An error as a line has it: {"error": its type, "where": the places it came through, the outermost first}."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "where": [f"{name_place(f.filename, f.lineno)} {f.name}" for f in frames]}


def name_place(filename: str, line: int) -> str:
    """A line of code as a log names it: the file with its folder, as the path above may name whose machine it is."""
    return f"{'/'.join(Path(filename).parts[-2:])}:{line}"


class _Handler(logging.StreamHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: a log that cannot be written to cannot be told so, and standard error leads back here."""


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname.lower()}
        if record.name == OURS:
            line |= {"event": record.msg, **record.fields}
        else:
            line |= {"event": "library", "library": record.name, "at": f"{record.filename}:{record.lineno}"}
            if record.exc_info and record.exc_info[1]:
                line |= describe_error(record.exc_info[1])
        return json.dumps(line, default=lambda value: type(value).__name__)
