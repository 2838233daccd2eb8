"""Log-probabilities of given tokens from a model's last hidden states, without keeping any logits.

A vocabulary of 49,152 makes 20 MB of logits for 100 tokens, and several copies of them on the way to a loss and back.
Of them a fit needs one number a token. Its gradient by the hidden state h is W[y] - softmax(W h) W for the target y,
but for a factor that the loss gives; so it is computed at once, a piece of the tokens at a time.
"""

import torch

from .float32_products import multiply

PIECE = 256
"""Tokens whose logits are in memory at once."""


def compute_target_logps(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """log softmax(W h)[y] in nats for every token: float32 (N,), with its gradient by `hidden`.

    hidden: (N, H). weight: (V, H), frozen. targets: int64 (N,). Products are in their type, all else in float32.
    """
    return _TargetLogps.apply(hidden, weight, targets)


class _TargetLogps(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, targets):
        found, slopes = [], []
        for rows, ids in zip(hidden.split(PIECE), targets.split(PIECE), strict=True):
            logits = multiply(rows, weight).float()
            most = logits.amax(-1, keepdim=True)
            own = logits.gather(-1, ids[:, None]) - most
            shares = logits.sub_(most).exp_()  # but for their sum
            total = shares.sum(-1, keepdim=True)
            found.append((own - total.log())[:, 0])
            if ctx.needs_input_grad[0]:
                expected = multiply(shares.to(weight.dtype), weight.t()).float() / total
                slopes.append((weight[ids].float() - expected).to(hidden.dtype))
        if slopes:
            ctx.save_for_backward(torch.cat(slopes))
        return torch.cat(found)

    @staticmethod
    def backward(ctx, gradient):
        (slopes,) = ctx.saved_tensors
        return (gradient[:, None] * slopes.float()).to(slopes.dtype), None, None
