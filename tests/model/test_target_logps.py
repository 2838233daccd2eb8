"""Log-probabilities without logits: the numbers and the gradient of the plain way, whatever the loss."""

import torch

from cope_demo.model.target_logps import PIECE, compute_target_logps


def test_the_plain_way_over_several_pieces():
    generator = torch.Generator().manual_seed(0)
    count = 2 * PIECE + 3
    weight = torch.randn(50, 16, generator=generator)
    targets = torch.randint(0, 50, (count,), generator=generator)
    hidden = torch.randn(count, 16, generator=generator, requires_grad=True)
    found = []
    for logps in (
        compute_target_logps(hidden, weight, targets),
        (hidden @ weight.t()).log_softmax(-1)[range(count), targets],
    ):
        torch.nn.functional.softplus(logps * torch.linspace(-1, 1, count)).sum().backward()
        found.append((logps.detach(), hidden.grad.clone()))
        hidden.grad = None
    (ours, gradient), (plain, gradient_2) = found
    assert torch.allclose(ours, plain, atol=1e-5) and torch.allclose(gradient, gradient_2, atol=1e-5)


def test_logits_beyond_the_range_of_exp_stay_finite():
    hidden, weight = torch.tensor([[1.0]]), torch.tensor([[1000.0], [0.0], [-1000.0]])
    logps = [float(compute_target_logps(hidden, weight, torch.tensor([token]))) for token in range(3)]
    assert logps == [0.0, -1000.0, -2000.0]
