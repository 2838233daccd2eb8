"""How products are computed fastest on this machine, measured once: up to how many rows they are multiplied in place.

A measurement takes about a second and is remembered in the cache folder. COPE_COMPUTE overrides it, with
`in-place` or `unpacked` beside the type that arithmetic.py reads there.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import torch

from cope_demo.paths import cache_dir
from cope_demo.system.cpu import describe_cpu
from cope_demo.system.files import write_whole
from cope_demo.system.locks import file_lock

from .arithmetic import read_choices
from .compiling import running_loops

WAYS = "tiles by form, either library"
"""Changes whenever the ways that are measured do."""
BOTH = ("multiply_in_place", "multiply_unpacked")
ROWS = (12, 24, 48, 96, 192, 384)
"""Rows of a batch at which both ways are tried."""
ALWAYS = 1 << 30
"""What is faster in place at the last of ROWS is so for any more: unpacking counts for hardly anything there."""
WORTH = 1.2
"""So much faster must unpacked weights be, as torch's product and they take some 200 MB more."""
SURE = 2
"""Ways that are further apart than WORTH by this factor are not timed again."""
MANY = 96
"""From so many rows on a product computes for longer than it reads, so one of them says what all do."""


def measure_few(products: Sequence) -> int:
    """The number of rows up to which these products of one shape are multiplied in place.

    products: several, so that what is measured is memory and not a cache.
    """
    asked = read_choices()
    if "in-place" in asked or "unpacked" in asked:
        return ALWAYS if "in-place" in asked else 0
    kind = type(products[0]).__name__, *products[0].weights.shape
    return remember("|".join(map(str, (WAYS, *kind))), lambda: _measure_few(products))


def remember(what: str, measure: Callable[[], int]) -> int:
    """What was measured on this machine, with this torch and as many threads; where it never was, it is now.

    Processes that come at once share one measurement. Where nothing can be written each makes its own.
    """
    cpu = describe_cpu()["model"], torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
    name, file = "|".join(map(str, (*cpu, torch.__version__, what))), cache_dir() / "calibration.json"
    known = _read_known(file)
    if isinstance(known.get(name), int):
        return known[name]
    with ExitStack() as held:
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            lock = hashlib.sha256(what.encode()).hexdigest()[:8]  # one of its own, as one measurement may need another
            held.enter_context(file_lock(file.with_name(f"{file.stem}-{lock}.lock")))
        measured = _read_known(file).get(name)
        if not isinstance(measured, int):
            measured = measure()
            with suppress(OSError), file_lock(file.with_suffix(".lock")):
                write_whole(file, json.dumps(_read_known(file) | {name: measured}))
    return measured


def _measure_few(products: Sequence) -> int:
    with running_loops():
        for way in BOTH:  # the first call of each compiles, or reads what was compiled
            getattr(products[0], way)(torch.ones(ROWS[0], products[0].width, dtype=torch.float32))
        few = next((rows for rows in reversed(ROWS) if _is_fast_in_place(products, rows)), ROWS[0] // 2)
    return ALWAYS if few == ROWS[-1] else few


def _read_known(file: Path) -> dict:
    try:
        known = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _is_fast_in_place(products: Sequence, rows: int) -> bool:
    x = torch.ones(rows, products[0].width, dtype=torch.float32)
    own = products if rows < MANY else products[:1]
    best = dict.fromkeys(BOTH, float("inf"))
    for _ in range(2):
        for way in BOTH:
            started = time.perf_counter()
            for product in own:
                getattr(product, way)(x)
            best[way] = min(best[way], time.perf_counter() - started)
        ratio = best["multiply_in_place"] / (WORTH * best["multiply_unpacked"])
        if not 1 / SURE < ratio < SURE:
            break
    return ratio <= 1
