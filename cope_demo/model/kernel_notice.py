"""Keeps one line of bitsandbytes out of the log, from the first import of this file on."""

import logging


class _KernelNotice(logging.Filter):
    """bitsandbytes announces a missing optional CPU kernel at every start; visitors need not see it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "gemm_4bit_forward" not in record.getMessage()


logging.getLogger("bitsandbytes").addFilter(_KernelNotice())
for _name in ("bitsandbytes.backends.cpu.ops", "bitsandbytes.backends.utils", "bitsandbytes.backends.default.ops"):
    logging.getLogger(_name).addFilter(_KernelNotice())
