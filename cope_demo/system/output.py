"""What a process says beside `logging`: prints, warnings and uncaught exceptions, each a line of the log.

Whatever is said may quote a person's text, as Gradio's faults do, or hold a line break that begins a forged line. So
the log has the kind of fault and the place in the code, and nothing of what was said.
"""

import io
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from .logs import describe_error, log_event, log_to, name_place

_THROUGH = {__file__, logging.__file__, traceback.__file__, warnings.__file__}
"""Files that pass on what others say."""
_print_exception = traceback.print_exception


@contextmanager
def log_all_output(stream: TextIO) -> Iterator[TextIO]:
    """Sends all log lines to `stream`, as log_to does, and turns into such lines whatever else this process says.

    Returns the standard output as it was, for what is meant to be read there. At the end the standard streams are as
    before; exceptions and warnings are logged for as long as the process lives. Exceptions that leave the block are
    not logged here, but by whoever catches them, or as uncaught ones.

    stream: where it is standard error itself, also what native code says goes nowhere until an exception leaves the
    block; a process that ends without one says nothing at its end either.
    """
    before, copies = (sys.stdout, sys.stderr), None
    if stream is sys.__stderr__:
        copies = _drop_native_output()
    shown, stream = copies or (sys.stdout, stream)
    log_to(stream)
    log_uncaught()
    sys.stdout = sys.stderr = _Printed()
    try:
        yield shown
    except Exception:
        for number, copy in zip((1, 2), copies or (), strict=False):
            os.dup2(copy.fileno(), number)
        raise
    finally:
        sys.stdout, sys.stderr = before


def _drop_native_output() -> tuple[TextIO, TextIO]:
    """Copies of standard output and error; what native code writes to the two themselves, such as a panic that quotes
    its text, goes nowhere from here on."""
    sys.stdout.flush()
    copies = tuple(os.fdopen(os.dup(number), "w", buffering=1, encoding="utf-8") for number in (1, 2))
    quiet = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(quiet, number)
    os.close(quiet)
    return copies


def log_uncaught() -> None:
    """From now on warnings and exceptions that nobody catches, in any thread, are lines of the log."""
    warnings.showwarning = _log_warning
    traceback.print_exception = _log_printed_exception  # print_exc, by which libraries show what they caught, calls it
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_exception("uncaught exception", args.exc_value)
    sys.unraisablehook = lambda args: _log_exception("uncaught exception", args.exc_value)


def _log_uncaught(kind, error: BaseException, trace) -> None:
    if not isinstance(error, KeyboardInterrupt):
        _log_exception("uncaught exception", error)


def _log_printed_exception(error, /, value=None, tb=None, limit=None, file=None, chain=True) -> None:
    """traceback.print_exception, which is given an exception, or its type and the exception."""
    shown = value if isinstance(value, BaseException) else error
    if file in (None, sys.stdout, sys.stderr):
        _log_exception("printed exception", shown)
    elif isinstance(shown, BaseException):
        _print_exception(type(shown), shown, shown.__traceback__, limit, file, chain)


def _log_exception(event: str, error) -> None:
    log_event(event, logging.ERROR, **(describe_error(error) if isinstance(error, BaseException) else {}))


def _log_warning(message, category, filename, lineno, file=None, line=None) -> None:
    log_event("warning", logging.WARNING, warning=category.__name__, at=name_place(filename, lineno))


class _Printed(io.TextIOBase):
    """A text stream that drops what is written to it; a line's end is an event of the log, with its writer's place."""

    encoding, errors = "utf-8", "backslashreplace"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if "\n" in text:
            log_event("printed", at=_find_writer(sys._getframe(1)))
        return len(text)


def _find_writer(frame: FrameType) -> str:
    while frame.f_back and frame.f_code.co_filename in _THROUGH:
        frame = frame.f_back
    return name_place(frame.f_code.co_filename, frame.f_lineno)
