"""Products of float32 matrices on a CPU, by whichever of the two libraries that come with torch is faster there.

torch asks MKL, which on some CPUs reaches half of what oneDNN does (benchmarks/arithmetic.py). Both compute in
float32; they add in another order. Which one it is, is measured once on a machine and remembered (calibration.py).
"""

import time
from functools import lru_cache, partial

import torch

from .calibration import remember

WORTH = 1.1
"""So much faster must oneDNN be, as torch's own way is the better known one."""
SIZE = 128, 576, 16384
"""Rows, inputs and outputs that are measured: as of a head, where both are so far apart that no chance decides."""
ROUNDS = 4


def multiply(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """x W^T: x (N, in), weight (out, in), frozen, both of one type on one device."""
    plain = x.device.type != "cpu" or x.dtype != torch.float32 or weight.dtype != torch.float32
    watched = torch.is_grad_enabled() and x.requires_grad  # oneDNN's product, asked this way, has no gradient
    return x @ weight.t() if plain or watched or not _is_onednn_faster() else ask_onednn(x, weight)


def speed_up_linears(model: torch.nn.Module) -> None:
    """Lets a frozen model's layers on a CPU that are torch's own, as its head, go by `multiply`."""
    for layer in model.modules():
        if type(layer) is torch.nn.Linear and layer.weight.device.type == "cpu":
            layer.forward = partial(_run_linear, layer)


def _run_linear(layer: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
    y = multiply(x.reshape(-1, x.shape[-1]), layer.weight).view(*x.shape[:-1], len(layer.weight))
    return y if layer.bias is None else y + layer.bias


def ask_onednn(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The same by oneDNN, without a gradient."""
    # What torch's compiler makes of a linear layer; there is no other way to float32 products of oneDNN.
    return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")


def name_library() -> str:
    """Which library makes float32 products on this machine's CPU."""
    return "oneDNN" if _is_onednn_faster() else "torch's default"


@lru_cache(maxsize=1)
def _is_onednn_faster() -> bool:
    """Whether products of this machine go by oneDNN. Never where torch has none, or not this way to it."""
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return bool(remember("float32 products by oneDNN", lambda: int(_measure())))


@torch.inference_mode()
def _measure() -> bool:
    rows, inputs, outputs = SIZE
    # The default type is another one while transformers loads a model.
    x, weight = (torch.ones(size, inputs, dtype=torch.float32) for size in (rows, outputs))
    ways = (lambda: x @ weight.t()), (lambda: ask_onednn(x, weight))
    times = [float("inf")] * len(ways)
    try:
        for _ in range(ROUNDS):
            for number, way in enumerate(ways):
                started = time.perf_counter()
                way()
                times[number] = min(times[number], time.perf_counter() - started)
    except RuntimeError:  # a oneDNN that was built without it
        return False
    return times[0] > WORTH * times[1]
