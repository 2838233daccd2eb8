"""Products with a model's weights: both ways give what float32 gives; what is stored otherwise goes by its layers."""

import numpy as np
import pytest
import torch

from cope_demo.model import base_model, products  # base_model before bitsandbytes, whose announcement it keeps away
from cope_demo.model.products import HeadProduct, LayersProduct, Nf4Product, make_head, make_product

# isort: split
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Linear4bit, Params4bit

assert base_model
WIDTH = 128


def make_layer(outs, bias=False, width=WIDTH, kind="nf4", nested=False, block=64):
    torch.manual_seed(outs)
    layer = Linear4bit(width, outs, bias, torch.float32, quant_type=kind)
    weight = torch.randn(outs, width)
    settings = dict(requires_grad=False, quant_type=kind, compress_statistics=nested, blocksize=block)
    layer.weight = Params4bit(weight, **settings).to("cpu")
    return layer


def multiply_exactly(layers, x):
    parts = []
    for layer in layers:
        y = x @ dequantize_4bit(layer.weight.data, layer.weight.quant_state).float().t()
        parts.append(y if layer.bias is None else y + layer.bias)
    return torch.cat(parts, -1).detach()


@pytest.fixture(params=["in place", "unpacked", "unpacked in chunks"])
def way(request, monkeypatch):
    """Every way in which a product on a CPU is computed."""
    monkeypatch.setattr(products._CpuProduct, "few", 1000 if request.param == "in place" else 0)
    if request.param == "unpacked in chunks":
        monkeypatch.setattr(products, "CHUNK", 5 * WIDTH)  # five outputs at once, of a number that is no multiple


@pytest.mark.parametrize("biased", [(), (1,), (0, 1, 2)], ids=["no bias", "one of three", "all"])
@pytest.mark.parametrize("rows", [1, 6, 13])
def test_nf4_layers_side_by_side_equal_float32(way, rows, biased):
    layers = [make_layer(outs, number in biased) for number, outs in enumerate((7, 4, 3))]
    product, x = make_product(layers), torch.randn(rows, WIDTH)
    assert type(product) is Nf4Product
    y = product(x)
    assert y.shape == (rows, 14) and torch.allclose(y, multiply_exactly(layers, x), atol=2e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 13])
def test_a_head_of_bfloat16_values_equals_float32(way, rows, bias, dtype):
    head = torch.nn.Linear(WIDTH, 23, bias).requires_grad_(False).bfloat16().to(dtype)
    product, x = make_head(head), torch.randn(rows, WIDTH)
    assert type(product) is HeadProduct
    assert torch.allclose(
        product(x), torch.nn.functional.linear(x, *map(to_float, (head.weight, head.bias))), atol=2e-5
    )


def to_float(tensor):
    return None if tensor is None else tensor.float()


def test_many_rows_are_unpacked_and_few_are_not(monkeypatch):
    product, taken = make_product([make_layer(6)]), []
    for way in ("multiply_in_place", "multiply_unpacked"):
        monkeypatch.setattr(product, way, lambda x, way=way: taken.append(way) or torch.zeros(len(x), 6))
    product(torch.ones(product.few, WIDTH))
    product(torch.ones(product.few + 1, WIDTH))
    assert taken == ["multiply_in_place", "multiply_unpacked"]


def test_products_that_are_unpacked_one_after_the_other_share_their_memory():
    """A later product does not change what an earlier one has given."""
    one, two, x = make_product([make_layer(6)]), make_product([make_layer(8)]), torch.randn(30, WIDTH)
    first = one(x)
    kept = first.clone()
    two(x)
    assert torch.equal(first, kept)


def mark_repacked(layer):
    layer.weight.quant_state.packing_format_for_cpu = True
    return layer


OTHERS = {
    "fp4": lambda: [make_layer(6, kind="fp4")],
    "other blocks": lambda: [make_layer(6, block=128)],
    "scales in 8 bits": lambda: [make_layer(6, nested=True)],
    "a width of half blocks": lambda: [make_layer(6, width=96)],
    "one output": lambda: [make_layer(1)],
    "not quantized": lambda: [torch.nn.Linear(WIDTH, 6)],
    "one of two is not quantized": lambda: [make_layer(6), torch.nn.Linear(WIDTH, 6)],
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_layers_go_by_their_own_forward(kind):
    layers = OTHERS[kind]()
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
    product, x = make_product(layers), torch.randn(5, layers[0].in_features)
    assert type(product) is LayersProduct
    with torch.inference_mode():
        assert torch.equal(product(x), torch.cat([layer(x) for layer in layers], -1))


def test_layers_that_bitsandbytes_has_repacked_are_not_read():
    assert type(make_product([mark_repacked(make_layer(6))])) is LayersProduct


def test_a_layer_in_bfloat16_gets_its_own_type_and_gives_that_of_the_rows():
    layer, x = torch.nn.Linear(WIDTH, 6).bfloat16(), torch.randn(5, WIDTH)
    y = make_product([layer])(x)
    assert y.dtype == torch.float32 and torch.equal(y, layer(x.bfloat16()).float())


class Scaled(torch.nn.Linear):
    """A head that does more than multiply."""

    def forward(self, x):
        return 2 * super().forward(x)


def test_other_heads_go_by_their_own_forward():
    x = torch.randn(3, WIDTH)
    exact = torch.nn.Linear(WIDTH, 6)  # values that bfloat16 does not hold
    scaled = Scaled(WIDTH, 6).bfloat16().float()
    for head in (exact, scaled, torch.nn.Linear(WIDTH + 1, 6).bfloat16()):
        assert type(make_head(head)) is LayersProduct
    assert torch.equal(make_head(scaled)(x), scaled(x)) and torch.equal(make_head(exact)(x), exact(x))


def test_codes_are_read_as_bitsandbytes_packs_them():
    layer = make_layer(9)
    product = make_product([layer])
    weights = product.unpack(2, 7)
    exact = dequantize_4bit(layer.weight.data, layer.weight.quant_state)[2:7]
    assert torch.equal(weights, exact) and np.shares_memory(weights.numpy(), product.unpack(0, 1).numpy())
