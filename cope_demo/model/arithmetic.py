"""Which floating-point type a model is trained in on this machine: bfloat16 where the hardware has it, else float32.

A CPU without native bfloat16 (most have AVX2 at most) emulates it, many times slower than float32 (docs/speed.md). The
4-bit values of a model and the format of adapters' files are the same either way. On a CPU the decoder's rows and sums
are float32 in any case (products.py).
"""

import os
import platform

import torch

from cope_demo.errors import CopeError

VARIABLE = "COPE_COMPUTE"
CHOICES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
WAYS = ("in-place", "unpacked")
"""How the decoder multiplies on a CPU, for any number of rows; where neither is asked for, calibration.py measures."""
LESSER = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI")
"""Values of ONEDNN_MAX_CPU_ISA without products in bfloat16."""


def native_bfloat16() -> bool:
    """Whether this CPU multiplies matrices in bfloat16 itself, and torch lets it.

    On x86 that takes AVX512-BF16 (a CPU with AMX-BF16 has it, too), on ARM the bf16 extension. What holds torch or
    oneDNN down to less (ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA) counts; a torch without oneDNN, as on a Mac, emulates.
    """
    if not torch.backends.mkldnn.is_available() or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    # On x86 oneDNN also says yes to plain AVX512, where it emulates.
    held = (os.environ.get("ONEDNN_MAX_CPU_ISA") or "").upper() in LESSER
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.cpu._is_avx512_bf16_supported() and not held


def read_choices() -> frozenset[str]:
    """What COPE_COMPUTE chooses. Raises CopeError for anything but CHOICES and WAYS, joined by commas."""
    text = os.environ.get(VARIABLE) or ""
    asked = frozenset(part.strip() for part in text.split(",") if part.strip())
    known = (*CHOICES, *WAYS)
    if not asked <= set(known) or len(asked & set(CHOICES)) > 1 or len(asked & set(WAYS)) > 1:
        raise CopeError(
            f"{VARIABLE} must be 'bfloat16' or 'float32', and after a comma 'in-place' or 'unpacked' for the decoder's "
            f"products, but is {text!r}; without it CoPe chooses."
        )
    return asked


def compute_dtype(device: torch.device) -> torch.dtype:
    """The type that a model on `device` is trained in: bfloat16 on CUDA and where it is native, else float32.

    COPE_COMPUTE overrides it. Raises CopeError as `read_choices`.
    """
    for name in read_choices() & set(CHOICES):
        return CHOICES[name]
    return torch.bfloat16 if device.type == "cuda" or native_bfloat16() else torch.float32
