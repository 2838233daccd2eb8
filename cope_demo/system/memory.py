"""Whether memory has run out: in this process, by the error; in a child, by what the kernel counts."""

import errno
from pathlib import Path

COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))
"""Files with a line `oom_kill N`: of this container, and of the whole machine."""
MESSAGES = ("can't allocate memory", "not enough memory", "out of memory")
"""What torch's allocators say, in plain RuntimeErrors too."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error means that memory has run out, on the CPU or the GPU."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, RuntimeError):
        return any(sign in str(error) for sign in MESSAGES)
    return isinstance(error, MemoryError)


def count_kernel_kills() -> int:
    """How many processes the kernel has killed for want of memory; 0 where it does not count them."""
    return sum(map(_read_counter, COUNTERS))


def _read_counter(path: Path) -> int:
    try:
        words = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return 0
    return next((int(line[1]) for line in words if line[0] == "oom_kill"), 0)
