"""Products of a batch with the model's weights, in the way that is fastest for so many rows on this machine.

A product is several layers that read the same input, side by side (q, k and v; gate and up). What it is made of decides
how it can be multiplied: NF4 on a CPU by packed_products.py or, for many rows, unpacked and by torch in float32; a head
in bfloat16 likewise; everything else, and all on CUDA, by the layers' own forward. On a CPU rows and sums are float32.
"""

from collections.abc import Sequence

import numpy as np
import torch

from . import packed_products as packed
from .float32_products import multiply
from .quiet_bitsandbytes import Linear4bit

CHUNK = 1 << 23
"""Weights that are unpacked at once: what fits into a CPU's larger caches, or nearly."""


class LayersProduct:
    """Any layers, by their own forward."""

    def __init__(self, layers: Sequence[torch.nn.Module]):
        self.layers = list(layers)
        self.dtype = self.layers[0].weight.dtype if self.layers[0].weight.is_floating_point() else None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, in); returns (N, out) of x's type."""
        given = x if self.dtype is None else x.to(self.dtype)
        made = [layer(given) for layer in self.layers]
        return (made[0] if len(made) == 1 else torch.cat(made, -1)).to(x.dtype)


class _CpuProduct:
    """Weights on a CPU, multiplied in place for at most `few` rows, and unpacked chunk by chunk for more."""

    few = 24
    """Rows up to which it is multiplied in place; calibration.py measures it."""

    def __init__(self, weights: np.ndarray, width: int, bias: torch.Tensor | None):
        self.weights, self.width, self.bias = weights, width, bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, in) float32; returns (N, out) float32."""
        y = self.multiply_in_place(x) if len(x) <= self.few else self.multiply_unpacked(x)
        return y if self.bias is None else y.add_(self.bias)

    def multiply_unpacked(self, x: torch.Tensor) -> torch.Tensor:
        """The product by torch, its weights unpacked to float32 a chunk at a time."""
        outs = len(self.weights)
        step = max(1, CHUNK // self.width)
        if step >= outs:
            return multiply(x, self.unpack(0, outs))
        y = torch.empty(len(x), outs, dtype=torch.float32)
        for start in range(0, outs, step):
            stop = min(start + step, outs)
            torch.mm(x, self.unpack(start, stop).t(), out=y[:, start:stop])
        return y


class Nf4Product(_CpuProduct):
    """4-bit layers that read the same input."""

    def __init__(self, layers: Sequence[Linear4bit]):
        codes, scales = zip(*(_read_nf4(layer) for layer in layers), strict=True)
        self.scales = np.concatenate(scales)
        biases = [
            torch.zeros(layer.out_features, dtype=torch.float32) if layer.bias is None else layer.bias.float()
            for layer in layers
        ]
        bias = torch.cat(biases) if any(layer.bias is not None for layer in layers) else None
        super().__init__(packed.pack_nf4(np.concatenate(codes)), layers[0].in_features, bias)

    def multiply_in_place(self, x: torch.Tensor) -> torch.Tensor:
        """The product without a bias, each weight read once."""
        return packed.multiply_nf4(x, self.weights, self.scales)

    def unpack(self, start: int, stop: int) -> torch.Tensor:
        """Weights (stop - start, in) in float32, the NF4 values themselves."""
        out = _get_scratch(stop - start, self.width)
        packed.unpack_nf4(self.weights[start:stop], self.scales[start:stop], out)
        return torch.from_numpy(out)


class HeadProduct(_CpuProduct):
    """A head in bfloat16 (or a float32 copy of one), as the files have it."""

    def __init__(self, head: torch.nn.Linear):
        bias = None if head.bias is None else head.bias.float()
        super().__init__(head.weight.to(torch.bfloat16).view(torch.uint16).numpy(), head.in_features, bias)

    def multiply_in_place(self, x: torch.Tensor) -> torch.Tensor:
        """The product without a bias, each weight read once."""
        return packed.multiply_bfloat16(x, self.weights)

    def unpack(self, start: int, stop: int) -> torch.Tensor:
        """Weights (stop - start, in) in float32."""
        out = _get_scratch(stop - start, self.width)
        packed.unpack_bfloat16(self.weights[start:stop], out)
        return torch.from_numpy(out)


def make_product(layers: Sequence[torch.nn.Module]) -> LayersProduct | Nf4Product:
    """The fastest product of these layers."""
    return Nf4Product(layers) if all(_is_plain_nf4(layer) for layer in layers) else LayersProduct(layers)


def make_head(head: torch.nn.Module) -> LayersProduct | HeadProduct:
    """The fastest product of a model's head."""
    plain = type(head) is torch.nn.Linear and head.weight.device.type == "cpu"
    weight = head.weight
    exact = plain and (
        weight.dtype == torch.bfloat16 or torch.equal(weight, weight.to(torch.bfloat16).to(weight.dtype))
    )
    return HeadProduct(head) if exact and packed.fits(head.in_features, head.out_features) else LayersProduct([head])


def _is_plain_nf4(layer: torch.nn.Module) -> bool:
    if not isinstance(layer, Linear4bit) or layer.weight.device.type != "cpu":
        return False
    state = layer.weight.quant_state
    plain = state.quant_type == "nf4" and state.blocksize == packed.BLOCK and not state.nested
    repacked = getattr(state, "packing_format_for_cpu", False)  # by bitsandbytes, for its own kernel
    return plain and not repacked and packed.fits(layer.in_features, layer.out_features)


def _read_nf4(layer: Linear4bit) -> tuple[np.ndarray, np.ndarray]:
    """The layer's codes of 0 to 15, uint8 (out, in), and scales, float32 (out, in / 64)."""
    pairs = layer.weight.data.reshape(-1).numpy()
    codes = np.stack([pairs >> 4, pairs & 15], 1).reshape(layer.out_features, layer.in_features)
    scales = layer.weight.quant_state.absmax.float().numpy().reshape(layer.out_features, -1)
    return codes, scales


_scratch = np.empty(0, np.float32)


def release_scratch() -> None:
    """Gives the memory back that unpacked weights took."""
    global _scratch
    _scratch = np.empty(0, np.float32)


def _get_scratch(rows: int, width: int) -> np.ndarray:
    """Memory for unpacked weights, float32 (rows, width); the next call takes it again."""
    global _scratch
    if _scratch.size < rows * width:
        _scratch = np.empty(rows * width, np.float32)
    return _scratch[: rows * width].reshape(rows, width)
