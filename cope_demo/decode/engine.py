"""The side-by-side decoder: several columns in one batch, one forward pass a token, as a stream of Trace tokens.

A column is two rows of the batch that read the same text: one has the column's personal adapter (the expert), one is
base (the amateur). Whichever drives, both give their log-probabilities of the column's own text, so the heatmap
costs no second pass. All requests that run share each step (shared_pass.py), with a forward pass that is little more
than matrix products (forward.py). A model that it does not know goes the general way, request by request (general.py).

It knows token ids and numbers, not screens.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import psutil
import torch

from cope_demo.config import DecodeConfig
from cope_demo.model.adapters import NO_ADAPTER, OTHER, OTHER_COPE, OTHER_TAM, TAM, Lora, LoraBank
from cope_demo.model.base_model import BaseModel
from cope_demo.system.logs import log_event
from cope_demo.system.wanted import find_asker, stop_if_unwanted

from .forward import Forward
from .general import GeneralDecoder
from .looking_up import Looked, look_up_tokens
from .methods import COLUMNS, GIVEN, METHODS
from .outbox import Outbox
from .request import Event, Request, RunningColumn, add_text, list_models, make_request, make_untraced
from .shared_pass import SharedPass
from .token_text import TokenText
from .trace import TraceToken
from .tracing import TracedStep
from .work import Scoring, Work, Writing

WAIT_SECONDS = 0.5
"""How often one who waits for results looks whether they are still wanted."""
PLACES = 1 << 16
"""Tokens whose keys and values the decoder keeps at once, at most."""
MEMORY_SHARE = 0.25
"""What these may take of the memory that is free when the model is loaded."""
SCORED = 64
"""Tokens of a given text that are described at once."""


def make_bank(base: BaseModel, loras: dict[str, Lora]) -> LoraBank:
    """The adapters of a user, ready for an Engine."""
    return LoraBank(loras, base.dtype, base.device)


def add_other(bank: LoraBank, other: LoraBank) -> LoraBank:
    """A user's adapters with another person's beside them, whom a column may contrast with."""
    names = {OTHER_TAM: TAM, OTHER_COPE: "cope"}
    theirs = {name: other.loras[own] for name, own in names.items() if own in other.loras}
    return LoraBank({**bank.loras, **theirs}, bank.dtype, bank.device)


class Engine:
    """Decodes and scores with one base model. Thread-safe."""

    def __init__(self, base: BaseModel):
        self.base = base
        self._general = GeneralDecoder(base)
        self.shared: SharedPass | None = None
        self.why_general = ""
        """What the shared pass does not know of the model, where it is decoded the general way."""
        if base.trains:
            self.why_general = "it was loaded to be trained"
            return
        try:
            forward = Forward(base.model, torch.float32 if base.device.type == "cpu" else base.dtype)
        except ValueError as error:
            self.why_general = str(error)
        else:
            self.shared = SharedPass(base, forward, _count_places(forward))
        log_event("decoder", model=base.name, how=self.describe())

    def warm_up(self) -> None:
        """One token without an adapter: what has to be compiled or repacked is, before anybody waits."""
        config = DecodeConfig(max_new_tokens=1, alternatives=0)
        bank = make_bank(self.base, {"cope": Lora({}, 0)})
        list(self.decode(self.base.prompt_ids("Hello"), COLUMNS[:1], bank, config))

    def describe(self) -> str:
        """How this machine decodes, in a few words."""
        if self.shared is None:
            return f"by the model's own modules, request by request: {self.why_general}"
        return f"{self.shared.forward.describe()}; all requests share a step; room for {self.shared.places:,} tokens"

    def join(
        self,
        prompt_ids: list[int],
        methods: tuple[str, ...],
        bank: LoraBank,
        config: DecodeConfig,
        written: Sequence[int] = (),
        amateur_prompt_ids: list[int] | None = None,
        alphas: Sequence[float] = (),
    ) -> Request:
        """A new request with one column a method. Raises CopeError when prompt and length exceed the context.

        written: tokens that every column begins with, at most max_new_tokens of them and an end token at most as the
        last. It goes on as if it had chosen them itself; the first step gives the last of them, with its numbers.
        amateur_prompt_ids: what the columns' amateurs read in the place of prompt_ids, of any length.
        alphas: where given, a method that contrasts has a column for each of them, whose events call it by
            methods.name_column.
        """
        return make_request(self.base, prompt_ids, methods, bank, config, written, amateur_prompt_ids, alphas)

    def decode(self, *request, **options) -> Iterator[Event]:
        """Joins one request, with the parameters of `join`, and runs it."""
        yield from self.run([self.join(*request, **options)])

    def run(self, requests: Sequence[Request], owner: str | None = None) -> Iterator[Event]:
        """Writes these requests until every column of all has ended, and yields the events as they come.

        owner: on whose behalf, if not as system/wanted.py finds; nobody's second comparison gets a step before
        everybody's first. Closing the generator ends the work within a step; so does it when whoever asked has left.
        """
        if self.shared is None:
            yield from self._general.run(requests)
            return
        outbox = Outbox(owner or find_asker())
        yield from self._fetch(outbox, [Writing(request, outbox) for request in requests if request.columns])

    def write(
        self,
        prompts: Sequence[list[int]],
        method: str,
        bank: LoraBank,
        config: DecodeConfig,
        samples: int = 1,
        amateur_prompts: Sequence[list[int]] | None = None,
    ) -> list[list[int]]:
        """The answers to several prompts by one method, as token ids with their end tokens.

        For tables: nothing is traced, and only the models that the method needs are run. samples: answers to each
        prompt, one after the other, at the config's seed and those after it. amateur_prompts: what the amateur reads in
        the place of each prompt, where that differs.
        """
        requests = make_untraced(self.base, prompts, method, bank, config, samples, amateur_prompts)
        if self.shared is None:
            return self._general.write(requests)
        outbox = Outbox()
        columns = [column for request in requests for column in request.columns]
        for _ in self._fetch(outbox, [Writing(request, outbox) for request in requests]):
            pass
        return [column.ids for column in columns]

    def score(
        self,
        prompt_ids: list[int],
        response_ids: list[int],
        adapter: str,
        bank: LoraBank,
        config: DecodeConfig,
        against: bool = False,
    ) -> list[TraceToken]:
        """The numbers of a given answer, token by token, under `adapter` and base; nothing is penalized.

        against: the other person of the bank (add_other) stands in the place of base. Raises Unwanted when whoever
        asked has left.
        """
        self.base.check_fits(prompt_ids, len(response_ids))
        kinds = [(adapter,), OTHER if against else NO_ADAPTER]
        describe = self._describing(response_ids, replace(config, repetition_penalty=1.0, temperature=0.0))
        if self.shared is None:
            user, amateur = self._general.read(prompt_ids, response_ids, kinds, bank)
            return describe(user, amateur)
        outbox = Outbox()
        return list(self._fetch(outbox, [Scoring(prompt_ids, response_ids, kinds, bank, outbox, describe)]))

    def surprise(
        self, prompt_ids: list[int], response_ids: list[int], bank: LoraBank | None = None
    ) -> list[tuple[str, float]]:
        """The text of each of a given answer's tokens and how surprising it is to base: -log2 pi_base, in bits.

        bank: with the task adapter of base, if any. While others write it reads little at a time (Work.patient).
        Raises Unwanted when whoever asked has left.
        """
        self.base.check_fits(prompt_ids, len(response_ids))
        text, left = TokenText(self.base.tokenizer), list(response_ids)

        def describe(logits: torch.Tensor) -> list[tuple[str, float]]:
            ids, left[:] = left[: len(logits)], left[len(logits) :]
            targets = torch.tensor(ids, dtype=torch.long, device=logits.device)[:, None]
            bits = logits.float().log_softmax(-1).gather(-1, targets).squeeze(-1) / -math.log(2)
            last = len(ids) - 1 if not left else -1
            pieces = [add_text(self.base, text, id, number == last) for number, id in enumerate(ids)]
            return list(zip(pieces, bits.tolist(), strict=True))

        bank = bank or make_bank(self.base, {})
        if self.shared is None:
            return describe(self._general.read(prompt_ids, response_ids, [NO_ADAPTER], bank)[0])
        outbox = Outbox(find_asker())
        return list(
            self._fetch(outbox, [Scoring(prompt_ids, response_ids, [NO_ADAPTER], bank, outbox, describe, patient=True)])
        )

    def look_up(self, before: list[int], tokens: list[int], method: str, bank: LoraBank) -> list[Looked]:
        """The numbers of any tokens as the next one after `before`, prompt included, under the method's two models.

        Raises CopeError where `before` exceeds the context, and Unwanted when whoever asked has left.
        """
        self.base.check_fits(before, 1)
        kinds = list_models(METHODS.get(method) or GIVEN[method], traced=True)

        def describe(user: torch.Tensor, amateur: torch.Tensor) -> list[list[Looked]]:
            rows = [logits.float() for logits in (*user, *amateur)]  # one row of each, or none while the text is read
            return [look_up_tokens(*rows, tokens)] if rows else []

        if self.shared is None:
            user, amateur = self._general.read(before, tokens[:1], kinds, bank)
            return describe(user, amateur)[0]
        outbox = Outbox()
        (found,) = self._fetch(outbox, [Scoring(before, tokens[:1], kinds, bank, outbox, describe)])
        return found

    def logps(
        self, prompt_ids: list[int], response_ids: list[int], adapter: str | None, bank: LoraBank
    ) -> torch.Tensor:
        """log pi of each of a given answer's tokens under `adapter`, or under base; float32 (len(response_ids),)."""
        self.base.check_fits(prompt_ids, len(response_ids))
        kinds = [(adapter,) if adapter else NO_ADAPTER]
        (logits,) = self._general.read(prompt_ids, response_ids, kinds, bank)
        targets = torch.tensor(response_ids, device=logits.device)[:, None]
        return logits.float().log_softmax(-1).gather(-1, targets).squeeze(-1).cpu()

    def _fetch(self, outbox: Outbox, works: list[Work]) -> Iterator:
        """What these works put into their outbox, until all of them are over."""
        if not works:
            return
        stop_if_unwanted()
        self.shared.submit(works)
        try:
            while True:
                found, item = outbox.fetch(WAIT_SECONDS)
                stop_if_unwanted()
                if found:
                    yield item
                elif item:
                    return
        finally:
            self.shared.cancel(outbox)

    def _describing(
        self, response_ids: list[int], config: DecodeConfig
    ) -> Callable[[torch.Tensor, torch.Tensor], list[TraceToken]]:
        """Describes a given text in order, n tokens at a call, from both models' logits (n, V)."""
        text, done = TokenText(self.base.tokenizer), [0]

        def describe(user: torch.Tensor, amateur: torch.Tensor) -> list[TraceToken]:
            tokens: list[TraceToken] = []
            for start in range(0, len(user), SCORED):
                stop_if_unwanted()
                rows = slice(start, start + SCORED)
                ids = response_ids[done[0] : done[0] + len(user[rows])]
                done[0] += len(ids)
                last = done[0] == len(response_ids)
                texts = [add_text(self.base, text, id, last and n == len(ids) - 1) for n, id in enumerate(ids)]
                columns = [RunningColumn(GIVEN["score"], config, text, torch.Generator())] * len(ids)
                step = TracedStep(self.base, columns, user[rows].float(), amateur[rows].float())
                tokens += step.describe(ids, texts)
            return tokens

        return describe


def _count_places(forward: Forward) -> int:
    heads, element = forward.layers[0].heads, 2 if forward.device.type == "cpu" or forward.dtype.itemsize == 2 else 4
    size = len(forward.layers) * 2 * heads.keys * (heads.width * element + 4)
    free = psutil.virtual_memory().available
    if forward.device.type == "cuda":
        free = torch.cuda.mem_get_info(forward.device)[0]
    return int(min(PLACES, free * MEMORY_SHARE / size))
