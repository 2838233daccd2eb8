"""What this project takes of bitsandbytes, imported without a line in the log and without torch.compile.

bitsandbytes hands some of its plain functions to torch.compile, which takes a second to import and would look for a C
compiler at their first call, on a CPU where there is none. They stay the plain functions.
"""

import logging
from contextlib import contextmanager

import torch


class _KernelNotice(logging.Filter):
    """bitsandbytes announces a missing optional CPU kernel at every start; visitors need not see it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "gemm_4bit_forward" not in record.getMessage()


def _keep(function=None, **options):
    """Stands for torch.compile, called or used as a decorator with options."""
    return (lambda given: given) if function is None else function


@contextmanager
def _uncompiled():
    kept, torch.compile = torch.compile, _keep
    try:
        yield
    finally:
        torch.compile = kept


logging.getLogger("bitsandbytes").addFilter(_KernelNotice())
for _name in ("bitsandbytes.backends.cpu.ops", "bitsandbytes.backends.utils", "bitsandbytes.backends.default.ops"):
    logging.getLogger(_name).addFilter(_KernelNotice())
with _uncompiled():
    from bitsandbytes.functional import dequantize_4bit, get_4bit_type
    from bitsandbytes.nn import Linear4bit

__all__ = ["Linear4bit", "dequantize_4bit", "get_4bit_type"]
