"""Loops in Python that numba compiles for this CPU, on all cores; what was compiled is kept in the cache folder."""

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numba
import torch

from cope_demo.paths import cache_dir

_KIND = torch.backends.cpu.get_cpu_capability()
_CODE = zlib.crc32(Path(__file__).with_name("vector_loops.py").read_bytes())
"""numba itself looks for changes only in the files of the functions that it keeps, which include code of this one."""
numba.config.CACHE_DIR = str(cache_dir() / "numba" / f"{_KIND}-{_CODE:08x}")
_LOCK = threading.RLock()


@contextmanager
def running_loops() -> Iterator[None]:
    """Compiled loops run in here only: in one thread at a time, as one of numba's ways to share them among cores needs
    it, and on as many cores as torch uses, which numba must be told in every thread."""
    with _LOCK:
        threads = torch.get_num_threads()
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        if torch.get_num_threads() != threads:  # numba has started its own, and told OpenMP how many for both
            torch.set_num_threads(threads)
        yield


def compile_parallel(function):
    """The function with its `prange` loops shared among cores. See running_loops."""
    return numba.njit(parallel=True, fastmath=True, cache=True, nogil=True)(function)


def compile_serial(function):
    """The function on one core: where the work is less than what it takes to wake another.

    What is divided by zero is infinite, as in shared loops.
    """
    return numba.njit(error_model="numpy", fastmath=True, cache=True, nogil=True)(function)
