"""Authors measured side by side: by processes of their own where there are cores or a GPU to spare.

What is measured of one author depends on no other author's being measured, so the order in which they end changes
nothing. Every process has the model for itself; what it takes is what one process takes, that many times.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

import torch

Outcomes = Iterator[tuple[Any, Any, float]]
"""Items, each with its result or the Exception that it ended with, and the seconds of the process that it took."""
Run = Callable[[Callable, Iterable], Outcomes]
"""Calls a function for every item."""


def run_here(function: Callable, items: Iterable) -> Outcomes:
    """Calls the function for one item after the other, in this process."""
    for item in items:
        yield item, *_time(function, item)


@contextmanager
def open_workers(count: int) -> Iterator[Run]:
    """What calls a function for every item in `count` processes, and yields what ends first; with 1, in this one.

    The function and the items are pickled; what a process loads, it keeps. Processes end with the block, or when the
    one that began them is gone, however it ended.
    """
    if count == 1:
        yield run_here
        return
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_begin_worker)

    def run(function: Callable, items: Iterable) -> Outcomes:
        waiting = {pool.submit(_time, function, item): item for item in items}
        for future in as_completed(waiting):
            yield waiting[future], *((future.exception(), 0.0) if future.exception() else future.result())

    try:
        yield run
    finally:
        pool.shutdown(cancel_futures=True)


def _time(function: Callable, item: Any) -> tuple[Any, float]:
    """What it returns for the item, or the Exception that it ended with, and its seconds."""
    started = time.monotonic()
    try:
        found = function(item)
    except Exception as error:
        found = error
    return found, time.monotonic() - started


def _begin_worker() -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()


def _end_with_parent() -> None:
    """Waits for the end of the process that began this one. What is written only appears when it is whole."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
