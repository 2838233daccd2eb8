"""A long pass through the model ends in its middle when nobody waits for it any more (system/wanted.py)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cope_demo.system.wanted import is_watched, stop_if_unwanted

PIECE = 256
"""Positions for which the head makes logits at once: a vocabulary's row each, so a long text's take seconds."""


@contextmanager
def ending_when_unwanted(model) -> Iterator[None]:
    """Before every module of the model it is asked whether the pass is wanted; Unwanted ends it. Not thread-safe."""
    if not is_watched():
        yield
        return
    head = model.get_output_embeddings()
    hooks = [module.register_forward_pre_hook(stop_if_unwanted) for module in model.modules()]
    make_logits, own = head.forward, head.__dict__.get("forward")
    head.forward = lambda hidden: _make_in_pieces(make_logits, hidden)
    try:
        yield
    finally:
        del head.forward  # the class's is there again
        if own is not None:
            head.forward = own
        for hook in hooks:
            hook.remove()


def _make_in_pieces(make_logits, hidden: torch.Tensor) -> torch.Tensor:
    """The head's logits (B, T, V) of hidden states (B, T, D), made a PIECE of T at a time."""
    if hidden.shape[-2] <= PIECE:
        return make_logits(hidden)
    logits = None
    for start in range(0, hidden.shape[-2], PIECE):
        stop_if_unwanted()
        piece = make_logits(hidden[..., start : start + PIECE, :].contiguous())
        if logits is None:
            logits = piece.new_empty(*hidden.shape[:-1], piece.shape[-1])
        logits[..., start : start + PIECE, :] = piece
    return logits
