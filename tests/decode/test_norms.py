"""The addition and the norm in one pass: the same as torch's, and no row depends on those beside it."""

import pytest
import torch

from cope_demo.decode.norms import add_and_normalize

EPSILON = 1e-5


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_it_equals_torchs_norm_of_the_sum(rows, dtype):
    random = torch.Generator().manual_seed(rows)
    shapes = [(rows, 72), (rows, 72), (72,)]
    before, more, weight = (torch.randn(*shape, generator=random).to(dtype) for shape in shapes)
    kept = before.clone()
    out = add_and_normalize(kept, more, weight, EPSILON)
    assert torch.equal(kept, before + more) and out.dtype == dtype
    exact = torch.nn.functional.rms_norm(before + more, (72,), weight, EPSILON)
    assert torch.allclose(out, exact, atol=1e-6, rtol=1e-5)


def test_a_row_is_the_same_number_for_number_whoever_is_beside_it():
    rows, more, weight = torch.randn(5, 72), torch.randn(5, 72), torch.randn(72)
    alone = [add_and_normalize(rows[n : n + 1].clone(), more[n : n + 1], weight, EPSILON) for n in range(5)]
    assert torch.equal(add_and_normalize(rows, more, weight, EPSILON), torch.cat(alone))
