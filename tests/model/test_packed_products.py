"""Products with packed weights: the same as in float64, whatever the number of rows and outputs."""

import numpy as np
import pytest
import torch

from cope_demo.model.packed_products import PANEL, fits, multiply_bfloat16, multiply_nf4, pack_nf4
from cope_demo.model.vector_loops import BLOCK, LEVELS


def make_rows(count, width):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(count))


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("outs", [2, 7, PANEL, 2 * PANEL + 5])
@pytest.mark.parametrize("rows", range(1, 14))
def test_nf4_equals_float64(rows, outs, blocks):
    random, width = np.random.default_rng(rows), blocks * BLOCK
    codes = random.integers(0, 16, (outs, width), np.uint8)
    scales = random.uniform(0.01, 1, (outs, blocks)).astype(np.float32)
    x = make_rows(rows, width)
    exact = x.double().numpy() @ (LEVELS[codes].astype(np.float64) * np.repeat(scales, BLOCK, 1)).T
    y = multiply_nf4(x, pack_nf4(codes), scales)
    assert y.shape == (rows, outs) and y.dtype == torch.float32
    assert np.abs(y.numpy() - exact).max() < 1e-5


@pytest.mark.parametrize("outs", [2, 7, PANEL, 2 * PANEL + 5])
@pytest.mark.parametrize("rows", range(1, 14))
def test_bfloat16_equals_float64(rows, outs):
    weights = make_rows(outs, 2 * BLOCK).bfloat16()
    x = make_rows(rows, 2 * BLOCK)
    y = multiply_bfloat16(x, weights.view(torch.uint16).numpy())
    assert y.shape == (rows, outs) and y.dtype == torch.float32
    assert (y - x.double() @ weights.double().t()).abs().max() < 3e-5


def test_a_slice_of_rows_is_read_in_its_own_order():
    """Rows that do not lie side by side in memory, as columns of a wider product."""
    weights, wide = make_rows(6, BLOCK).bfloat16(), make_rows(4, 3 * BLOCK)
    x = wide[:, BLOCK : 2 * BLOCK]
    assert not x.is_contiguous()
    assert torch.allclose(multiply_bfloat16(x, weights.view(torch.uint16).numpy()), x @ weights.float().t(), atol=3e-5)


def test_it_knows_which_shapes_it_takes():
    assert fits(BLOCK, 2) and fits(3 * BLOCK, 7)
    assert not fits(BLOCK + 32, 8) and not fits(BLOCK // 2, 8) and not fits(BLOCK, 1)


@pytest.mark.parametrize("rows", [5, 12, 13, 31])
def test_a_row_is_the_same_number_for_number_whoever_is_beside_it(rows):
    random = np.random.default_rng(0)
    outs = 2 * PANEL + 5
    codes = pack_nf4(random.integers(0, 16, (outs, 4 * BLOCK), np.uint8))
    scales, x = random.uniform(0.01, 1, (outs, 4)).astype(np.float32), make_rows(rows, 4 * BLOCK)
    alone = torch.cat([multiply_nf4(one[None], codes, scales) for one in x])
    assert torch.equal(multiply_nf4(x, codes, scales), alone)
