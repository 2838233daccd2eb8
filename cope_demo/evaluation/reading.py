"""The logits of given texts under several adapters at once: many texts in one padded batch, a row a text and model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from cope_demo.fit.examples import Example
from cope_demo.model.adapters import NO_ADAPTER, TAM, LoraBank, LoraRows
from cope_demo.model.base_model import BaseModel
from cope_demo.model.padding import pad_sequences

BATCH_TOKENS = 2048
"""Padded tokens that are read at once; at the answers each costs V numbers."""


@dataclass(frozen=True)
class Model:
    """A model that reads: base, or base with an adapter of the bank, its LoRA multiplied with `scale`."""

    adapter: str = ""
    scale: float = 1.0


class Reader:
    """Reads given texts with one base model, which is bare again between calls. Not thread-safe."""

    def __init__(self, base: BaseModel):
        self.base, self._lora = base, LoraRows(base.model)

    @torch.inference_mode()
    def read(
        self, examples: Sequence[Example], models: Sequence[Model], bank: LoraBank
    ) -> Iterator[tuple[int, Model, torch.Tensor]]:
        """Yields (number of the example, model, logits (T, V) of its T response tokens) for every pair of both.

        The logits are in the model's compute type, and come batch by batch.
        """
        rows = [(number, model) for number in range(len(examples)) for model in models]
        size = max(len(e.prompt_ids) + len(e.response_ids) for e in examples)
        many = max(1, BATCH_TOKENS // size)
        for first in range(0, len(rows), many):
            yield from self._read_rows(examples, rows[first : first + many], bank)

    def _read_rows(
        self, examples: Sequence[Example], rows: Sequence[tuple[int, Model]], bank: LoraBank
    ) -> Iterator[tuple[int, Model, torch.Tensor]]:
        own, bank = [examples[number] for number, _ in rows], bank.take({model.adapter for _, model in rows})
        ids, mask = pad_sequences(
            [e.prompt_ids + e.response_ids for e in own], self.base.tokenizer.pad_token_id, "right"
        )
        first = min(len(e.prompt_ids) for e in own) - 1  # the step before the first response token
        try:
            self._lora.apply(bank, _make_mask([model for _, model in rows], bank))
            logits = self.base.model(
                ids.to(self.base.device),
                attention_mask=mask.to(self.base.device),
                use_cache=False,
                logits_to_keep=ids.shape[1] - first,
            ).logits
        finally:
            self._lora.apply(None, None)
        for (number, model), example, row in zip(rows, own, logits, strict=True):
            start = len(example.prompt_ids) - 1 - first
            yield number, model, row[start : start + len(example.response_ids)]


def _make_mask(models: Sequence[Model], bank: LoraBank) -> torch.Tensor:
    """The bank's mask (rows, R), a model's own adapter at its scale."""
    mask = bank.mask([(model.adapter,) if model.adapter else NO_ADAPTER for model in models])
    for row, model in enumerate(models):
        if model.adapter and model.adapter != TAM:
            mask[row, bank.columns[model.adapter]] *= model.scale
    return mask
