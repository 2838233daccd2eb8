"""What a process says beside `logging` comes as lines of the log, and none of it with what was said."""

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import traceback
import warnings
from contextlib import contextmanager

import pytest

from cope_demo.paths import ROOT
from cope_demo.system.logs import propagate_logs
from cope_demo.system.output import log_all_output, log_uncaught

SECRET = 'the quick brown secret\n{"event": "forged"}'


@pytest.fixture
def take_over(monkeypatch):
    """A context in which all output is logged, which returns what reads the lines; the test's end undoes all hooks."""
    for module, name in [
        (warnings, "showwarning"),
        (traceback, "print_exception"),
        (sys, "excepthook"),
        (threading, "excepthook"),
        (sys, "unraisablehook"),
        (logging, "lastResort"),
    ]:
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    stream = io.StringIO()

    @contextmanager
    def log_to_lines():
        with log_all_output(stream):
            yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]

    return log_to_lines


def raise_secret() -> None:
    raise ValueError(SECRET)


def test_prints_have_their_place_alone(take_over):
    with take_over() as read_lines:
        print(SECRET, SECRET)
        print(SECRET, file=sys.stderr)
        sys.stderr.write("no line's end, so no line")
    lines = read_lines()
    assert len(lines) >= 2 and {line["event"] for line in lines} == {"printed"}
    assert {line["at"].split(":")[0] for line in lines} == {"system/test_output.py"}


def test_a_printed_exception_is_one_line(take_over):
    with take_over() as read_lines:
        try:
            raise_secret()
        except ValueError as error:
            traceback.print_exc()
            traceback.print_exception(error)
            traceback.print_exc(file=sys.stderr)
            traceback.print_exc(file=(other := io.StringIO()))
        lines = read_lines()
        assert {line["event"] for line in lines} == {"printed exception"} and len(lines) == 3
        assert {line["error"] for line in lines} == {"ValueError"}
        assert all(line["where"][-1].endswith("raise_secret") for line in lines)
        assert SECRET in other.getvalue() and traceback.format_exc() == "NoneType: None\n"


def test_warnings_and_own_handlers(take_over):
    with take_over() as read_lines:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = sys.modules["cope_demo.system.output"]._log_warning  # pytest records them otherwise
            warnings.warn(SECRET, stacklevel=1)
        alone = logging.getLogger("a.library.alone")
        alone.propagate = False
        alone.error(SECRET)
        alone.addHandler(logging.StreamHandler())  # as transformers has one
        alone.error(SECRET)
        propagate_logs("a.library.alone")
        warned, last, own = read_lines()
        assert warned["warning"] == "UserWarning" and warned["at"].startswith("system/test_output.py:")
        assert (last["event"], last["library"]) == ("library", "a.library.alone")
        assert own["event"] == "printed" and own["at"].startswith("system/test_output.py:")


class Unraisable:
    def __del__(self):
        raise_secret()


def test_uncaught_exceptions(take_over):
    with take_over() as read_lines:
        log_uncaught()  # again, as pytest has hooks of its own
        thread = threading.Thread(target=raise_secret)
        thread.start()
        thread.join()
        unraisable = Unraisable()
        del unraisable

        async def forget() -> None:
            asyncio.get_running_loop().call_soon(raise_secret)
            await asyncio.sleep(0)

        asyncio.run(forget())
        lines = read_lines()
        assert [line["event"] for line in lines] == ["uncaught exception", "uncaught exception", "library"]
        assert all(line["error"] == "ValueError" and line["where"][-1].endswith("raise_secret") for line in lines)
        assert "quick" not in json.dumps(lines) and "forged" not in json.dumps(lines)


def test_a_process_that_breaks_down():
    """All it leaves on its streams are lines, but for what it meant to show."""
    code = (
        "import os, sys\n"
        "from cope_demo.jobs.stage_process import start_child\n"
        "from cope_demo.system.output import log_all_output\n"
        "with log_all_output(sys.stderr) as output:\n"
        "    print('shown', file=output)\n"
        "    print('hidden')\n"
        "    os.write(1, b'hidden'), os.write(2, b'hidden')\n"
        "    start_child('nowhere').wait()\n"
        "    raise KeyError('hidden')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == "shown\n" and "hidden" not in done.stderr
    printed, child, uncaught = done.stderr.splitlines()
    assert child.endswith("No module named nowhere")  # a child process writes to the log itself
    printed, uncaught = json.loads(printed), json.loads(uncaught)
    assert printed["event"] == "printed" and printed["at"] == "<string>:6"
    assert (uncaught["event"], uncaught["error"]) == ("uncaught exception", "KeyError")


class Full(io.StringIO):
    """A stream on a full disk; tries: what somebody wanted to write."""

    def __init__(self):
        self.tries = []

    def write(self, text):
        self.tries.append(text)
        raise OSError("no space left")


def test_a_log_that_cannot_be_written(take_over):
    """Nobody complains of it in the log itself, where the complaint would be one more fault, and so on for ever."""
    with take_over():
        logging.getLogger().handlers[0].setStream(full := Full())
        print(SECRET)
        logging.getLogger("a.library").error(SECRET)
    assert len(full.tries) == 3  # a print's text and end, and the library's line
