"""4-bit layers in training on a CPU: their weights unpacked once, their adapters added in place.

bitsandbytes unpacks a layer anew at every forward and backward. peft copies a layer's output, takes its input to
float32 and back, and adds the adapter in further passes. Here a layer is one function, y = x W^T + (x A^T) B^T in
base's type, with the ranks of the task adapter and of the adapter in training side by side.
benchmarks/speed_training.py measures what that saves.
"""

from functools import partial

import torch
from peft.tuners.lora import LoraLayer

from .float32_products import multiply
from .quiet_bitsandbytes import Linear4bit, dequantize_4bit

Adapter = tuple[torch.Tensor, torch.Tensor]
"""A (r, in) and B (out, r); B carries the scaling."""


class Unpacked:
    """A 4-bit layer's forward with its NF4 values at hand in its compute type: the same results up to rounding."""

    def __init__(self, layer: Linear4bit):
        self.weight = dequantize_4bit(layer.weight.data, layer.weight.quant_state).to(layer.compute_dtype)
        self.bias = None if layer.bias is None else layer.bias.to(layer.compute_dtype)
        self.fixed: Adapter | None = None

    def __call__(self, x: torch.Tensor, trained: Adapter | None = None) -> torch.Tensor:
        """x: (..., in); returns (..., out) of its type.

        The adapter in `fixed` is always added; `trained` is one more, in float32, that gets gradients.
        """
        rows = x.to(self.weight.dtype)
        if self.fixed or trained:
            y = _Adapted.apply(rows, self.weight, self.bias, *(self.fixed or (None, None)), *(trained or (None, None)))
        else:
            y = _multiply(rows.reshape(-1, rows.shape[-1]), self.weight, self.bias).view(*x.shape[:-1], -1)
        return y.to(x.dtype)


def _multiply(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    y = multiply(x, weight)
    return y if bias is None else y.add_(bias)


class Fixed:
    """An adapter that an unpacked layer always adds, until it is removed."""

    def __init__(self, layer: Unpacked, adapter: Adapter):
        self._layer, layer.fixed = layer, adapter

    def remove(self) -> None:
        """The layer adds it no more."""
        self._layer.fixed = None


class _Adapted(torch.autograd.Function):
    """x W^T + bias + (x A^T) B^T, where A and B are those of both adapters, the trained one last."""

    @staticmethod
    def forward(ctx, x, weight, bias, fixed_down, fixed_up, down, up):
        downs = [part.to(x.dtype) for part in (fixed_down, down) if part is not None]
        ups = [part.to(x.dtype) for part in (fixed_up, up) if part is not None]
        down, up, rows = torch.cat(downs), torch.cat(ups, 1), x.reshape(-1, x.shape[-1])
        inner = rows @ down.t()
        y = _multiply(rows, weight, bias).addmm_(inner, up.t())
        ctx.ranks = ups[-1].shape[1]
        ctx.save_for_backward(rows, weight, down, up, inner)
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx, gradient):
        rows, weight, down, up, inner = ctx.saved_tensors
        shape, gradient = gradient.shape, gradient.reshape(-1, gradient.shape[-1])
        inwards = gradient @ up  # (N, R)
        to_x = to_down = to_up = None
        if ctx.needs_input_grad[0]:
            to_x = multiply(gradient, weight.t()).addmm_(inwards, down).view(*shape[:-1], -1)
        if ctx.needs_input_grad[5]:
            to_down = (inwards[:, -ctx.ranks :].t() @ rows).float()
            to_up = (gradient.t() @ inner[:, -ctx.ranks :]).float()
        return to_x, None, None, None, None, to_down, to_up


def add_in_place(model: torch.nn.Module) -> None:
    """Lets peft's layers on unpacked ones add their adapter by `Unpacked`. Others, and odd calls, stay peft's."""
    for layer in model.modules():
        if isinstance(layer, LoraLayer) and isinstance(layer.base_layer.forward, Unpacked):
            layer.forward = partial(_forward, layer, layer.forward)


def _forward(layer: LoraLayer, peft_forward, x: torch.Tensor, *args, **kwargs) -> torch.Tensor:
    names = [name for name in layer.active_adapters if name in layer.lora_A]
    plain = len(names) == 1 and isinstance(layer.lora_dropout[names[0]], torch.nn.Identity) and not layer.lora_variant
    if args or kwargs or layer.disable_adapters or layer.merged or not plain:
        return peft_forward(x, *args, **kwargs)
    down, up = layer.lora_A[names[0]].weight, layer.lora_B[names[0]].weight
    return layer.base_layer.forward(x, (down, up * layer.scaling[names[0]]))
