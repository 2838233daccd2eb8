"""Work in a thread that ends with it.

OpenMP, by which torch and numba use several cores, keeps the helpers of every thread that has used it. As soon as
there are more of them than cores, all of them sleep between two tasks instead of waiting awake, and a decoding step,
which has hundreds of short ones, takes half as long again (50 ms instead of 31). So whatever else computes does it in
a thread that passes, and its helpers go with it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def run_in_passing_thread(work: Callable[[], T]) -> T:
    """What `work` returns or raises; it sees the caller's context."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(copy_context().run, work).result()
