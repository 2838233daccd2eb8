"""Which CPU this is and how fast it reads memory: what a measured time must be read with."""

import os
import platform
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

TELLING = (
    "avx2 fma avx_vnni avx512f avx512_vnni avx512_bf16 avx512_fp16 amx_tile amx_int8 amx_bf16".split()
    + "asimd asimddp i8mm bf16 sve".split()
)
"""The flags that decide how products of matrices are computed, of x86 and of ARM."""
CPUINFO = Path("/proc/cpuinfo")
READ_BYTES = 1 << 28
"""What is read at once: more than the caches that a core has to itself."""
ROUNDS = 4


def describe_cpu(source: Path = CPUINFO) -> dict:
    """{"model": its name, "flags": those of TELLING that it has, "cores": how many this process may use}.

    source: the kernel's description. Where there is none (Mac, Windows), the name is Python's and flags are [].
    """
    try:
        text = source.read_text("utf-8", "replace")
    except OSError:
        text = ""
    fields = {name.strip().lower(): value for name, value in re.findall(r"^([^:\n]+):(.*)$", text, re.MULTILINE)}
    flags = (fields.get("flags") or fields.get("features") or "").split()
    name = (fields.get("model name") or "").strip() or platform.processor() or platform.machine()
    return {"model": name, "flags": [flag for flag in TELLING if flag in flags], "cores": count_cores()}


def count_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure_reading(size: int = READ_BYTES) -> float:
    """The bandwidth of reading memory with all cores, in GB/s: the best of ROUNDS over `size` bytes."""
    parts = np.array_split(np.ones(size // 8, np.int64), count_cores())
    best = float("inf")
    with ThreadPoolExecutor(len(parts)) as pool:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            list(pool.map(np.bitwise_xor.reduce, parts))
            best = min(best, time.perf_counter() - started)
    return size / best / 1e9
