"""Embeddings and head in bfloat16, as the files have them, of a model that computes in float32.

The values are the same in half the memory, which in a small model is most of what is not in 4 bit. For a model that
only decodes, on a CPU: one that is trained has them in its compute type.
"""

import torch

from .compiling import running_loops
from .products import HeadProduct, make_head


def list_embedding_weights(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The weights of a model's embeddings and head, one tensor or two, or none where they do more than look up and
    multiply."""
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    plain = type(embedding) is torch.nn.Embedding and isinstance(make_head(head), HeadProduct)
    return [embedding.weight, head.weight] if plain else []


def compute_embeddings_in_float32(model: torch.nn.Module) -> None:
    """Looks up and multiplies in float32 what lies in memory in bfloat16."""
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    multiply = make_head(head)

    def look_up(ids: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.embedding(ids, embedding.weight).float()

    def make_logits(hidden: torch.Tensor) -> torch.Tensor:
        with running_loops():  # it may be a loop, as others run elsewhere
            return multiply(hidden.flatten(0, -2)).unflatten(0, hidden.shape[:-1])

    embedding.forward, head.forward = look_up, make_logits


def widen_embeddings(model: torch.nn.Module, dtype: torch.dtype) -> None:
    """Takes embeddings and head to `dtype`, in which they then compute by themselves."""
    for module in (model.get_input_embeddings(), model.get_output_embeddings()):
        module.weight.data = module.weight.data.to(dtype)
        module.__dict__.pop("forward", None)
