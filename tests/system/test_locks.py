"""Locks between processes, with a process forked while one is held."""

import os
import signal
import time

from cope_demo.system.locks import file_lock


def test_a_process_that_was_forked_meanwhile_keeps_no_lock(tmp_path):
    with file_lock(tmp_path / "lock"):
        child = os.fork()
        if not child:
            time.sleep(30)
            os._exit(0)
    try:
        with file_lock(tmp_path / "lock", timeout=0.2):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
