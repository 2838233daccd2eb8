"""The base model that a process keeps for the workers that are forked from it (system/zero_gpu.py).

It is loaded before the app is launched. A worker finds the same model on its GPU, and never loads one itself.
"""

from dataclasses import replace

from .base_model import BaseModel, load_base, prepare_training

_kept: BaseModel | None = None


def keep_base(model: str | None = None) -> BaseModel:
    """Loads the model (see load_base) and keeps it. Call it in the main thread. Raises CopeError as load_base."""
    global _kept
    _kept = load_base(model)
    # What is computed once and needs no weights is computed before a fork, whose locks no worker could ever open.
    _ = _kept.context, _kept.vocabulary, _kept.end_ids, _kept.text_ids("a")
    return _kept


def find_base() -> BaseModel | None:
    """The kept model, where its weights are now; None in a process that keeps none."""
    if _kept is None:
        return None
    return replace(_kept, device=next(_kept.model.parameters()).device)


def find_trainable_base(task: str | None = None) -> BaseModel | None:
    """The same, ready to be trained for a task, and from then on of no other use."""
    base = find_base()
    return base and prepare_training(base, task)


def count_kept_bytes() -> int:
    """What the kept model's weights take, without the scales of the 4-bit values; 0 where none is kept."""
    return sum(tensor.numel() * tensor.element_size() for tensor in _kept.model.parameters()) if _kept else 0
