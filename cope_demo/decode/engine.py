"""The side-by-side decoder: several columns in one batch, one forward pass a token, as a stream of Trace tokens.

A column is two rows of the batch that read the same text: one has the column's personal adapter (the expert), one is
base (the amateur). Whichever drives, both give their log-probabilities of the column's own text, so the heatmap
costs no second pass. The engine owns the batch; a request is a set of rows that joins, is stepped, and leaves when it
wants. Today each request is a pass of its own, taken in turns under one lock; sharing a pass needs no other interface.

It knows token ids and numbers, not screens.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from transformers import DynamicCache

from cope_demo.config import DecodeConfig
from cope_demo.model.adapters import NO_ADAPTER, Lora, LoraBank, LoraRows
from cope_demo.model.base_model import BaseModel
from cope_demo.model.padding import pad_sequences
from cope_demo.reward import implicit_reward, penalize_repetition
from cope_demo.system.wanted import stop_if_unwanted

from .choice import pick_token, sample_token, score_next
from .leaving import ending_when_unwanted
from .methods import METHODS
from .request import Request, RunningColumn, list_amateur_adapters
from .trace import ColumnEnd, TokenEvent, TraceToken
from .tracing import TokenText, trace_token

WAIT_SECONDS = 0.5
"""How often a request that waits for its turn looks whether it is still wanted."""


def make_bank(base: BaseModel, loras: dict[str, Lora]) -> LoraBank:
    """The adapters of a user, ready for an Engine."""
    return LoraBank(loras, base.dtype, base.device)


class Engine:
    """Decodes and scores with one base model. Thread-safe: requests take turns, a step at a time."""

    def __init__(self, base: BaseModel):
        self.base = base
        self._lora = LoraRows(base.model)
        self._lock = threading.Lock()

    # -- a request's life ----------------------------------------------------------------------------------------------

    def join(
        self,
        prompt_ids: list[int],
        methods: tuple[str, ...],
        bank: LoraBank,
        config: DecodeConfig,
        written: Sequence[int] = (),
    ) -> Request:
        """A new request with one column a method. Raises CopeError when prompt and length exceed the context.

        written: tokens that every column begins with, at most max_new_tokens of them and an end token at most as the
        last. It goes on as if it had chosen them itself; the first step gives the last of them, with its numbers.
        """
        self.base.check_fits(prompt_ids, config.max_new_tokens)
        columns = []
        for method in methods:
            random = torch.Generator().manual_seed(config.seed)
            column = RunningColumn(METHODS[method], TokenText(self.base.tokenizer), random)
            for token in written[:-1]:
                column.ids.append(token)
                column.text.add(token)
                if config.temperature:
                    sample_token(torch.ones(self.base.vocabulary), column)  # as it took to sample this one
            column.given = written[-1] if written else None
            columns.append(column)
        return Request(columns, bank, config, list(prompt_ids))

    @torch.inference_mode()
    def step(self, request: Request) -> list[TokenEvent | ColumnEnd]:
        """One forward pass: the next token of every running column. Columns that end leave the batch."""
        with self._applying_adapters():
            if request.cache is None:
                with ending_when_unwanted(self.base.model):
                    logits = self._prefill(request)
            else:
                logits = self._forward(request)
        events: list[TokenEvent | ColumnEnd] = []
        keep = []
        for number, column in enumerate(request.columns):
            token, stopped = self._choose(column, logits[2 * number], logits[2 * number + 1], request.config)
            events.append(TokenEvent(column.method.name, len(column.ids) - 1, token))
            if stopped:
                events.append(ColumnEnd(column.method.name, stopped))
            else:
                keep.append(number)
        if len(keep) < len(request.columns):
            self._leave(request, keep)
        return events

    def decode(self, *request, **options) -> Iterator[TokenEvent | ColumnEnd]:
        """Joins one request, with the parameters of `join`, and runs it."""
        yield from self.run([self.join(*request, **options)])

    def run(self, requests: Sequence[Request]) -> Iterator[TokenEvent | ColumnEnd]:
        """Steps these requests in turn until every column of all has ended, and yields the events as they come."""
        while going := [request for request in requests if request.columns]:
            for request in going:
                yield from self.step(request)

    @torch.inference_mode()
    def write(self, prompts: Sequence[list[int]], method: str, bank: LoraBank, config: DecodeConfig) -> list[list[int]]:
        """The answers to several prompts by one method, as token ids with their end tokens, in one batch.

        For tables: nothing is traced, and only the models that the method needs are run. In bfloat16 a batch rounds
        otherwise than a single prompt, so where two tokens are nearly alike it may take another one than `decode`.
        """
        row = METHODS[method]
        both = [(row.adapter,), list_amateur_adapters(row)]
        kinds = {"base": both[1:], "user": both[:1], "contrast": both}[row.driver]  # the rows of one prompt
        ids, attention = pad_sequences([prompt for prompt in prompts for _ in kinds], self.base.tokenizer.pad_token_id)
        columns = []
        for prompt in prompts:
            self.base.check_fits(prompt, config.max_new_tokens)
            random = torch.Generator().manual_seed(config.seed)
            columns.append(RunningColumn(row, TokenText(self.base.tokenizer), random))
        running, positions = columns, (attention.cumsum(-1) - 1).clamp(min=0)
        cache, mask = DynamicCache(config=self.base.model.config), bank.mask(kinds * len(prompts))
        while running:
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
            logits, keep = out.logits[:, -1].float(), []
            for number, column in enumerate(running):
                user, amateur = logits[number * len(kinds)], logits[(number + 1) * len(kinds) - 1]
                seen = torch.tensor(sorted(set(column.ids)), dtype=torch.long, device=logits.device)
                token = pick_token(score_next(row.driver, user, amateur, seen, config)[1], column, config)
                column.ids.append(token)
                if token not in self.base.end_ids and len(column.ids) < config.max_new_tokens:
                    keep.append(number)
            rows = torch.tensor(
                [number * len(kinds) + k for number in keep for k in range(len(kinds))], dtype=torch.long
            )
            if keep and len(keep) < len(running):
                cache.reorder_cache(rows.to(self.base.device))
            running = [running[number] for number in keep]
            mask, positions = mask[rows.to(mask.device)], positions[rows, -1:] + 1
            attention = torch.cat([attention[rows], torch.ones(len(rows), 1, dtype=torch.long)], 1)
            ids = torch.tensor([[column.ids[-1]] for column in running for _ in kinds])
        return [column.ids for column in columns]

    @torch.inference_mode()
    def score(
        self, prompt_ids: list[int], response_ids: list[int], adapter: str, bank: LoraBank, config: DecodeConfig
    ) -> list[TraceToken]:
        """The numbers of a given answer, token by token, under `adapter` and base; nothing is penalized.

        Raises Unwanted when whoever asked has left.
        """
        self.base.check_fits(prompt_ids, len(response_ids))
        ids = torch.tensor([prompt_ids + response_ids], device=self.base.device)
        with self._applying_adapters():
            self._lora.apply(bank, bank.mask([(adapter,), NO_ADAPTER]))
            with ending_when_unwanted(self.base.model):
                out = self.base.model(ids.expand(2, -1), use_cache=False, logits_to_keep=len(response_ids) + 1)
        text, tokens = TokenText(self.base.tokenizer), []
        for index, token in enumerate(response_ids):
            stop_if_unwanted()
            user, amateur = out.logits[0, index].float(), out.logits[1, index].float()
            logp_user, logp_base = user.log_softmax(-1), amateur.log_softmax(-1)
            score = implicit_reward(logp_user, logp_base, config.alpha)
            shown = self._add_text(text, token, index == len(response_ids) - 1)
            tokens.append(trace_token(self.base, token, shown, logp_user, logp_base, logp_user, score, config))
        return tokens

    @torch.inference_mode()
    def logps(
        self, prompt_ids: list[int], response_ids: list[int], adapter: str | None, bank: LoraBank
    ) -> torch.Tensor:
        """log pi of each of a given answer's tokens under `adapter`, or under base; float32 (len(response_ids),)."""
        self.base.check_fits(prompt_ids, len(response_ids))
        ids = torch.tensor([prompt_ids + response_ids], device=self.base.device)
        with self._applying_adapters():
            self._lora.apply(bank, bank.mask([(adapter,) if adapter else NO_ADAPTER]))
            out = self.base.model(ids, use_cache=False, logits_to_keep=len(response_ids) + 1)
        targets = ids[0, len(prompt_ids) :, None]
        return out.logits[0, :-1].float().log_softmax(-1).gather(-1, targets).squeeze(-1).cpu()

    # -- inside a step -------------------------------------------------------------------------------------------------

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
        """The prompt and what every column begins with, once for each different set of adapters, then spread over the
        rows. Returns logits (2C, V)."""
        rows = request.rows()
        kinds = sorted(set(rows))
        request.cache = DynamicCache(config=self.base.model.config)
        read = request.prompt_ids + request.columns[0].ids
        ids = torch.tensor([read], device=self.base.device).expand(len(kinds), -1)
        self._lora.apply(request.bank, request.bank.mask(kinds))
        out = self.base.model(ids, past_key_values=request.cache, use_cache=True, logits_to_keep=1)
        where = torch.tensor([kinds.index(row) for row in rows], device=self.base.device)
        request.cache.reorder_cache(where)  # and not batch_select_indices, which layers without attention lack
        request.mask = request.bank.mask(rows)
        return out.logits[where, -1].float()

    def _forward(self, request: Request) -> torch.Tensor:
        """The last token of every column through its two rows. Returns logits (2C, V)."""
        last = [column.ids[-1] for column in request.columns for _ in range(2)]
        ids = torch.tensor(last, device=self.base.device).unsqueeze(1)
        self._lora.apply(request.bank, request.mask)
        out = self.base.model(ids, past_key_values=request.cache, use_cache=True, logits_to_keep=1)
        return out.logits[:, -1].float()

    def _leave(self, request: Request, keep: list[int]) -> None:
        """Takes the ended columns' rows out of the batch."""
        request.columns = [request.columns[number] for number in keep]
        rows = torch.tensor([row for number in keep for row in (2 * number, 2 * number + 1)], device=self.base.device)
        if keep:
            request.cache.reorder_cache(rows)
            request.mask = request.mask[rows]
        else:
            request.cache = request.mask = None

    def _choose(
        self, column: RunningColumn, user: torch.Tensor, amateur: torch.Tensor, config: DecodeConfig
    ) -> tuple[TraceToken, str | None]:
        """The column's next token from both models' logits (V,), with its numbers, and why the column stops, if so."""
        seen = torch.tensor(sorted(set(column.ids)), dtype=torch.long, device=user.device)
        logp_user, logp_base = user.log_softmax(-1), amateur.log_softmax(-1)
        score, allowed = score_next(column.method.driver, user, amateur, seen, config)
        expert = penalize_repetition(user, seen, config.repetition_penalty).log_softmax(-1)
        token = pick_token(allowed, column, config)
        if column.given is not None:
            token, column.given = column.given, None
        column.ids.append(token)
        stopped = None
        if token in self.base.end_ids:
            stopped = "eos"
        elif len(column.ids) >= config.max_new_tokens:
            stopped = "length"
        shown = self._add_text(column.text, token, stopped is not None)
        return trace_token(self.base, token, shown, logp_user, logp_base, expert, score, config), stopped

    def _add_text(self, text: TokenText, token: int, last: bool) -> str:
        """What the token adds to the text; the end token adds nothing but an unfinished character."""
        return text.rest() if token in self.base.end_ids else text.add(token, last)
