"""Writing and scoring with one user's models: the methods' columns side by side, as a Trace."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import METHODS, name_column
from cope_demo.decode.trace import Column, ColumnEnd, TokenEvent, Trace
from cope_demo.saved.store import SavedUser

from .own_prompts import PromptMaker, naming_column

if TYPE_CHECKING:
    from cope_demo.decode.engine import Engine, Request
    from cope_demo.model.adapters import LoraBank


@dataclass(frozen=True)
class UserModels:
    """A verified user's models: the decoder over base, and the adapters in memory.

    against: the other user whose adapters the bank has as well, to contrast with. In all methods `prompt` is what the
    person gave, and `instruction` what the task makes of it for the models.
    """

    user: SavedUser
    engine: "Engine"
    bank: "LoraBank"
    own_prompts: PromptMaker
    against: str | None = None

    def compare(
        self, prompt: str, instruction: str, config: DecodeConfig, methods: Sequence[str]
    ) -> Iterator[TokenEvent | ColumnEnd | Trace]:
        """Yields an empty Trace, then the events of all columns as they come, and the complete Trace last.

        Raises CopeError before the first item when something cannot be done.
        """
        own, requests = self._join(instruction, methods, config)
        columns = [Column(method, prompt=own.get(method)) for method in methods]
        trace = self._trace(prompt, self.engine.base.prompt_ids(instruction), config, columns)
        events = self.engine.run(requests)
        first = next(events)  # what cannot be done is refused before anything is shown
        yield trace.unwritten()
        for event in chain([first], events):
            trace.record(event)
            yield event
        yield trace

    def compare_alphas(
        self, prompt: str, instruction: str, config: DecodeConfig, methods: Sequence[str], alphas: Sequence[float]
    ) -> Iterator[TokenEvent | ColumnEnd | list[Trace]]:
        """The comparisons at each of these alphas, written together: events as they come, and the traces last.

        What a column without contrast writes does not depend on alpha, so it is written once for all of them.
        """
        own, requests = self._join(instruction, methods, config, alphas=alphas)
        running = [column for request in requests for column in request.columns]
        written = {one.name: Column(one.method.name, prompt=own.get(one.method.name)) for one in running}
        for event in self.engine.run(requests):
            written[event.method].record(event)
            yield event

        def get(method: str, alpha: float) -> Column:
            contrasts = METHODS[method].contrasts
            return written[name_column(method, alpha)] if contrasts else written[method].at_alpha(alpha)

        ids = self.engine.base.prompt_ids(instruction)
        settings = [replace(config, alpha=alpha) for alpha in alphas]
        yield [self._trace(prompt, ids, one, [get(method, one.alpha) for method in methods]) for one in settings]

    def resume(
        self, instruction: str, method: str, ids: Sequence[int], config: DecodeConfig
    ) -> Iterator[TokenEvent | ColumnEnd]:
        """Yields the events of a column that begins with these token ids, from the last of them on."""
        yield from self.engine.run(self._join(instruction, (method,), config, ids)[1])

    def score(self, prompt: str, instruction: str, text: str, config: DecodeConfig) -> Trace:
        """The numbers of a given text under the `cope` adapter, as one column "score"."""
        base = self.engine.base
        prompt_ids = base.prompt_ids(instruction)
        against = self.against is not None
        tokens = self.engine.score(prompt_ids, base.response_ids(text), "cope", self.bank, config, against)
        return self._trace(prompt, prompt_ids, config, [Column("score", tokens, "eos")])

    def look_up(self, instruction: str, method: str, ids: Sequence[int], word: str) -> list[dict]:
        """What the word's tokens would be worth after these of a column; see Service.look_up."""
        base = self.engine.base
        if method in METHODS and METHODS[method].prompt:
            instruction = self.own_prompts.make(self.engine, self.user, instruction, method)
        spelled = [base.tokenizer(text, add_special_tokens=False)["input_ids"] for text in (word, f" {word.lstrip()}")]
        whole = {tokens[0]: len(tokens) == 1 for tokens in spelled if tokens}
        looked = self.engine.look_up([*base.prompt_ids(instruction), *ids], list(whole), method, self.bank)
        return [{"text": base.token_text(one.id), "whole": whole[one.id], **asdict(one)} for one in looked]

    def _trace(self, prompt: str, prompt_ids: list[int], config: DecodeConfig, columns: list[Column]) -> Trace:
        settings = (config.alpha, config.tau, config.repetition_penalty)
        head = self.engine.base.name, self.user.id, self.user.task, prompt
        return Trace(*head, *settings, prompt_ids, columns, self.against)

    def _join(
        self,
        instruction: str,
        methods: Sequence[str],
        config: DecodeConfig,
        written: Sequence[int] = (),
        alphas: Sequence[float] = (),
    ) -> tuple[dict[str, str], list["Request"]]:
        """The prompts that columns have for themselves, and the requests: one of all others, one of each of these.

        written, alphas: see Engine.join. Raises CopeError, naming the column where its prompt is not the visitor's.
        """
        engine, bank = self.engine, self.bank
        shared = tuple(method for method in methods if not METHODS[method].prompt)
        prompt_ids = engine.base.prompt_ids(instruction)
        requests = [engine.join(prompt_ids, shared, bank, config, written, alphas=alphas)] if shared else []
        own: dict[str, str] = {}
        for method in (method for method in methods if METHODS[method].prompt):
            with naming_column(method):
                own[method] = self.own_prompts.make(engine, self.user, instruction, method)
                requests.append(engine.join(engine.base.prompt_ids(own[method]), (method,), bank, config, written))
        return own, requests
