"""Loops in Python that numba compiles for this CPU, on all cores; what was compiled is kept in the cache folder."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numba
import torch

from cope_demo.paths import cache_dir

numba.config.CACHE_DIR = str(cache_dir() / "numba" / torch.backends.cpu.get_cpu_capability())
_LOCK = threading.Lock()


@contextmanager
def running_loops() -> Iterator[None]:
    """Compiled loops run in here only: in one thread at a time, as one of numba's ways to share them among cores needs
    it, and on as many cores as torch uses, which numba must be told in every thread."""
    with _LOCK:
        numba.set_num_threads(min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS))
        yield


def compile_parallel(function):
    """The function with its `prange` loops shared among cores. See running_loops."""
    return numba.njit(parallel=True, fastmath=True, cache=True, nogil=True)(function)
