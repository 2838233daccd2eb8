"""Loops in Python that numba compiles for this CPU, on all cores; what was compiled is kept in the cache folder."""

import threading

import numba
import torch

from cope_demo.paths import cache_dir

numba.config.CACHE_DIR = str(cache_dir() / "numba" / torch.backends.cpu.get_cpu_capability())
RUNNING = threading.Lock()
"""Held by the one thread that runs compiled loops: one of numba's ways to share them among cores needs that."""


def compile_parallel(function):
    """The function with its `prange` loops on the cores that torch uses. See RUNNING."""
    numba.set_num_threads(min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS))
    return numba.njit(parallel=True, fastmath=True, cache=True, nogil=True)(function)
