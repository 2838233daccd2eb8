"""The decoder by a model's own modules, for whatever forward.py does not know: requests in turns, a step at a time.

A column is two rows of the batch that read the same text: one has the column's personal adapter (the expert), one is
base (the amateur). Hooks add each row's adapters to the layers; see model/adapters.py.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from transformers import DynamicCache

from cope_demo.model.adapters import LoraBank, LoraRows
from cope_demo.model.base_model import BaseModel
from cope_demo.model.padding import pad_sequences
from cope_demo.system.wanted import stop_if_unwanted

from .advancing import advance_traced, advance_untraced, check_finite
from .leaving import ending_when_unwanted
from .request import Event, Request, list_models
from .trace import ColumnEnd

WAIT_SECONDS = 0.5
"""How often a request that waits for its turn looks whether it is still wanted."""


class GeneralDecoder:
    """Decodes with one base model of any family. Thread-safe: requests take turns."""

    def __init__(self, base: BaseModel):
        self.base = base
        self._lora = LoraRows(base.model)
        self._lock = threading.Lock()

    def run(self, requests: Sequence[Request]) -> Iterator[Event]:
        """Steps these requests in turn until every column of all has ended, and yields the events as they come."""
        while going := [request for request in requests if request.columns]:
            for request in going:
                yield from self.step(request)

    @torch.inference_mode()
    def step(self, request: Request) -> list[Event]:
        """One forward pass: the next token of every running column. Columns that end leave the batch."""
        with self._applying_adapters():
            if request.state is None:
                with ending_when_unwanted(self.base.model):
                    logits = self._prefill(request)
            else:
                logits = self._forward(request)
        check_finite(logits)
        events = advance_traced(self.base, request.columns, logits[0::2], logits[1::2])
        keep = [number for number, many in enumerate(events) if not isinstance(many[-1], ColumnEnd)]
        if len(keep) < len(request.columns):
            self._leave(request, keep)
        return [event for many in events for event in many]

    @torch.inference_mode()
    def write(self, requests: Sequence[Request]) -> list[list[int]]:
        """The answers of requests that differ in prompt and seeds alone, column by column; all of them in one batch.

        In bfloat16 it rounds otherwise than a single prompt, so where two tokens are nearly alike it may take another
        one than `run`.
        """
        if not requests:
            return []
        columns, bank = [column for request in requests for column in request.columns], requests[0].bank
        running = Request(list(columns), bank, [], traced=False)
        kinds = list_models(columns[0].method, traced=False)  # the rows of one column
        reads = [read for request in requests for read in request.reads()]
        ids, attention = pad_sequences(reads, self.base.tokenizer.pad_token_id)
        positions = (attention.cumsum(-1) - 1).clamp(min=0)
        cache, mask = DynamicCache(config=self.base.model.config), bank.mask(running.rows())
        while running.columns:
            with self._applying_adapters(), ending_when_unwanted(self.base.model):
                self._lora.apply(bank, mask)
                out = self.base.model(
                    ids.to(self.base.device),
                    attention_mask=attention.to(self.base.device),
                    position_ids=positions.to(self.base.device),
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
            going = advance_untraced(self.base, running, out.logits[:, -1].float())
            keep = [number for number, one in enumerate(going) if one]
            rows = torch.tensor(
                [number * len(kinds) + k for number in keep for k in range(len(kinds))], dtype=torch.long
            )
            if keep and len(keep) < len(going):
                cache.reorder_cache(rows.to(self.base.device))
            running.columns = [running.columns[number] for number in keep]
            mask, positions = mask[rows.to(mask.device)], positions[rows, -1:] + 1
            attention = torch.cat([attention[rows], torch.ones(len(rows), 1, dtype=torch.long)], 1)
            ids = torch.tensor([[column.ids[-1]] for column in running.columns for _ in kinds])
        return [column.ids for column in columns]

    @torch.inference_mode()
    def read(
        self, prompt_ids: list[int], response_ids: list[int], rows: list[tuple[str, ...]], bank: LoraBank
    ) -> torch.Tensor:
        """The logits (rows, len(response_ids), V) of an answer's tokens under the models of these rows.

        Raises Unwanted when whoever asked has left, and CopeError for an adapter that leads to no numbers.
        """
        ids = torch.tensor([prompt_ids + response_ids], device=self.base.device)
        with self._applying_adapters():
            self._lora.apply(bank, bank.mask(rows))
            with ending_when_unwanted(self.base.model):
                many = ids.expand(len(rows), -1)
                logits = self.base.model(many, use_cache=False, logits_to_keep=len(response_ids) + 1).logits[:, :-1]
        check_finite(logits)
        return logits

    @contextmanager
    def _applying_adapters(self) -> Iterator[None]:
        """The model for one request at a time; its layers are bare again afterwards."""
        while not self._lock.acquire(timeout=WAIT_SECONDS):
            stop_if_unwanted()
        try:
            stop_if_unwanted()
            yield
        finally:
            self._lora.apply(None, None)
            self._lock.release()

    def _prefill(self, request: Request) -> torch.Tensor:
        """The prompts and what every column begins with, once for each different set of adapters, then spread over the
        rows. Returns logits (2C, V)."""
        rows = [(names, tuple(read)) for names, read in zip(request.rows(), request.reads(), strict=True)]
        kinds = sorted(set(rows))
        cache = DynamicCache(config=self.base.model.config)
        ids, attention = pad_sequences([list(read) for _, read in kinds], self.base.tokenizer.pad_token_id)
        seen = None if attention.all() else attention.to(self.base.device)  # None: no row is padded
        placed = {} if seen is None else {"attention_mask": seen, "position_ids": (seen.cumsum(-1) - 1).clamp(min=0)}
        self._lora.apply(request.bank, request.bank.mask([names for names, _ in kinds]))
        ids = ids.to(self.base.device)
        out = self.base.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1, **placed)
        where = torch.tensor([kinds.index(row) for row in rows], device=self.base.device)
        cache.reorder_cache(where)  # and not batch_select_indices, which layers without attention lack
        request.state = cache, request.bank.mask([names for names, _ in rows]), None if seen is None else seen[where]
        return out.logits[where, -1].float()

    def _forward(self, request: Request) -> torch.Tensor:
        """The last token of every column through its two rows. Returns logits (2C, V)."""
        cache, mask, seen = request.state
        placed = {}
        if seen is not None:
            seen = torch.cat([seen, seen.new_ones(len(seen), 1)], 1)
            placed = {"attention_mask": seen, "position_ids": seen.sum(-1, keepdim=True) - 1}
            request.state = cache, mask, seen
        last = [column.ids[-1] for column in request.columns for _ in range(2)]
        ids = torch.tensor(last, device=self.base.device).unsqueeze(1)
        self._lora.apply(request.bank, mask)
        out = self.base.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1, **placed)
        return out.logits[:, -1].float()

    def _leave(self, request: Request, keep: list[int]) -> None:
        """Takes the ended columns' rows out of the batch."""
        cache, mask, seen = request.state
        request.columns = [request.columns[number] for number in keep]
        rows = torch.tensor([row for number in keep for row in (2 * number, 2 * number + 1)], device=self.base.device)
        if keep:
            cache.reorder_cache(rows)
            mask, seen = mask[rows], None if seen is None else seen[rows]
        request.state = (cache, mask, seen) if keep else None
