"""The logs: one line of JSON an event, and nothing of what a person wrote."""

import io
import json
import logging
import subprocess
import sys

import pytest

from cope_demo.system.logs import log_event, log_to, propagate_logs
from cope_demo.ui.web.guard import explain_error

SECRET = "the quick brown secret"


@pytest.fixture
def read_lines():
    """Every line that is logged from now on, read back."""
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:]
    log_to(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before


def test_an_event_is_a_line(read_lines):
    log_event("stage done", job="0123456789abcdef", stage="oppu", seconds=1.5)
    (line,) = read_lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "info", "event": "stage done", "job": "01234567", "stage": "oppu", "seconds": 1.5}


FORK = """
import os, threading, time
from cope_demo.system.logs import log_event, log_to

reading, writing = os.pipe()
stream = open(writing, "w", buffering=1)
log_to(stream)
threading.Thread(target=lambda: stream.write("x" * 1_000_000), daemon=True).start()
time.sleep(0.5)  # it waits for a reader, and holds the stream's lock
child = os.fork()
if not child:
    log_event("forked")
    os._exit(0)
threading.Thread(target=lambda: [os.read(reading, 65536) for _ in iter(int, 1)], daemon=True).start()
for _ in range(200):
    done, code = os.waitpid(child, os.WNOHANG)
    if done:
        os._exit(code)
    time.sleep(0.1)
os.kill(child, 9)
os._exit(1)
"""


def test_a_forked_process_logs_though_another_thread_held_the_stream():
    """As the workers of a lent GPU, which are forked from a server that answers others."""
    assert subprocess.run([sys.executable, "-c", FORK], timeout=60).returncode == 0


def test_neither_errors_nor_libraries_are_quoted(read_lines):
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        told = explain_error(error)
        library = logging.getLogger("a.library")
        library.addHandler(logging.StreamHandler())
        propagate_logs("a.library")
        library.error("while answering %s", SECRET, exc_info=True)
        logging.getLogger("another.library").warning(SECRET)
    fault, noise, hint = read_lines()
    assert fault["event"] == "fault" and fault["reference"] in told and fault["error"] == "ValueError"
    assert fault["where"][-1].endswith("test_neither_errors_nor_libraries_are_quoted")
    assert (noise["event"], noise["library"], noise["error"]) == ("library", "a.library", "ValueError")
    assert hint["at"].startswith("test_logs.py:") and "error" not in hint
    assert SECRET not in json.dumps(read_lines()) and SECRET not in told
