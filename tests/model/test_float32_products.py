"""Float32 products by either library: the same numbers, gradients where they are wanted; the faster one is taken."""

import copy

import pytest
import torch

from cope_demo.model import float32_products
from cope_demo.model.float32_products import multiply, speed_up_linears


@pytest.fixture(autouse=True)
def unknown(monkeypatch, tmp_path):
    """Nothing is remembered yet."""
    monkeypatch.setenv("COPE_CACHE", str(tmp_path))
    float32_products._is_onednn_faster.cache_clear()
    yield
    float32_products._is_onednn_faster.cache_clear()


@pytest.fixture(params=[True, False], ids=["oneDNN", "torch's own"])
def way(request, monkeypatch):
    """Which of both is the faster one here."""
    if request.param and not torch.backends.mkldnn.is_available():
        pytest.skip("This torch has no oneDNN.")
    monkeypatch.setattr(float32_products, "_measure", lambda: request.param)
    asked = []
    ask = float32_products.ask_onednn
    monkeypatch.setattr(float32_products, "ask_onednn", lambda *given: asked.append(1) or ask(*given))
    yield asked
    assert bool(asked) == request.param


@pytest.mark.parametrize("shape", [(1, 8, 8), (7, 96, 33), (260, 64, 512)])
def test_both_ways_give_the_same_numbers(way, shape):
    rows, inputs, outputs = shape
    draw = torch.Generator().manual_seed(1)
    x, weight = torch.randn(rows, inputs, generator=draw), torch.randn(outputs, inputs, generator=draw)
    exact = (x.double() @ weight.double().t()).float()
    assert torch.allclose(multiply(x, weight), exact, atol=1e-4, rtol=1e-5)
    back = multiply(exact, weight.t())  # as a gradient goes back through the product
    assert torch.allclose(back, exact @ weight, atol=1e-2, rtol=1e-4)
    watched = x.clone().requires_grad_()
    multiply(watched, weight).sum().backward()
    assert torch.allclose(watched.grad, weight.sum(0).expand_as(x), atol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_is_what_torch_makes_of_it(way, bias):
    layer, x = torch.nn.Linear(24, 48, bias).requires_grad_(False), torch.randn(2, 5, 24)
    other = copy.deepcopy(layer)
    speed_up_linears(torch.nn.Sequential(other))
    for one in (x, x[:0]):
        assert torch.allclose(other(one), layer(one), atol=1e-5)
    watched, plain = x.clone().requires_grad_(), x.clone().requires_grad_()
    other(watched).square().sum().backward()
    layer(plain).square().sum().backward()
    assert torch.allclose(watched.grad, plain.grad, atol=1e-4)


def test_other_types_go_torch_s_own_way(monkeypatch):
    monkeypatch.setattr(float32_products, "ask_onednn", lambda *given: pytest.fail("asked"))
    x, weight = torch.ones(3, 8, dtype=torch.bfloat16), torch.ones(5, 8, dtype=torch.bfloat16)
    assert multiply(x, weight).dtype == torch.bfloat16


@pytest.mark.parametrize("onednn, faster", [(1.0, False), (0.95, False), (0.5, True)])
def test_onednn_must_be_faster_by_enough(monkeypatch, onednn, faster):
    """torch's own product takes a second of this clock, which is read before and after each."""
    clock = [0.0]

    def tick() -> float:
        clock[0] += 0.5  # so that what takes no time of its own takes half a second
        return clock[0]

    def ask(x: torch.Tensor, weight: torch.Tensor) -> None:
        clock[0] += onednn - 0.5

    monkeypatch.setattr(float32_products, "ask_onednn", ask)
    monkeypatch.setattr(float32_products.time, "perf_counter", tick)
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda x, weight: clock.__setitem__(0, clock[0] + 0.5))
    assert float32_products._measure() == faster


def test_float32_is_measured_whatever_torch_s_default_type_is(monkeypatch):
    asked = set()
    monkeypatch.setattr(float32_products, "ask_onednn", lambda x, weight: asked.update((x.dtype, weight.dtype)))
    torch.set_default_dtype(torch.bfloat16)  # as transformers does while it loads a model
    try:
        float32_products._measure()
    finally:
        torch.set_default_dtype(torch.float32)
    assert asked == {torch.float32}


def test_a_onednn_without_such_products_is_not_asked(monkeypatch):
    def refuse(x: torch.Tensor, weight: torch.Tensor) -> None:
        raise RuntimeError("not built")

    monkeypatch.setattr(float32_products, "ask_onednn", refuse)
    assert float32_products.name_library() == "torch's default"
    assert torch.equal(multiply(torch.ones(2, 4), torch.ones(3, 4)), torch.full((2, 3), 4.0))


def test_what_was_measured_is_remembered(monkeypatch):
    found = []
    monkeypatch.setattr(float32_products, "_measure", lambda: found.append(1) or True)
    for _ in range(2):
        assert float32_products._is_onednn_faster()
        float32_products._is_onednn_faster.cache_clear()
    assert len(found) == 1
