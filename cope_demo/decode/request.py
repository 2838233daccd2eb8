"""A request of the decoder: its columns while they are written, and the adapters of the rows that they take."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from cope_demo.config import DecodeConfig
from cope_demo.model.adapters import BARE, NO_ADAPTER, OTHER, LoraBank, name_mean, name_scaled
from cope_demo.model.base_model import BaseModel

from .choice import sample_token
from .methods import METHODS, Method, name_column
from .token_text import TokenText
from .trace import ColumnEnd, TokenEvent


@dataclass
class RunningColumn:
    """A column that is being written: its method and settings, its text so far, and the generator that samples for it.

    name: what its events call it.
    """

    method: Method
    config: DecodeConfig
    text: TokenText
    random: torch.Generator
    name: str = ""
    ids: list[int] = field(default_factory=list)
    seen: dict[int, None] = field(default_factory=dict)
    """The different ones of `ids`, in their order."""
    given: int | None = None
    """The next token, where it is not to be chosen."""

    def add(self, token: int) -> None:
        """The column goes on with this token."""
        self.ids.append(token)
        self.seen[token] = None


@dataclass
class Request:
    """Columns that share a prompt, each with its own settings. Made by Engine.join.

    traced: whether its tokens come with their numbers; without, only the models that a method needs are run.
    amateur_prompt_ids: what the columns' amateurs read in the place of prompt_ids; None: the same.
    state: what the decoder at work keeps of it.
    """

    columns: list[RunningColumn]
    bank: LoraBank
    prompt_ids: list[int]
    traced: bool = True
    amateur_prompt_ids: list[int] | None = None
    state: Any = None

    def rows(self) -> list[tuple[str, ...]]:
        """The names of each row's adapters: of each column first its expert's, then its amateur's, as far as needed."""
        return [names for column in self.columns for names in list_models(column.method, self.traced)]

    def reads(self) -> list[list[int]]:
        """What each of these rows reads before its first new token: a prompt, and what its column begins with."""
        amateurs = self.prompt_ids if self.amateur_prompt_ids is None else self.amateur_prompt_ids
        both, found = [self.prompt_ids, amateurs], []
        for column in self.columns:
            found += [prompt + column.ids for prompt in select_models(column.method, self.traced, both)]
        return found


def list_models(method: Method, traced: bool) -> list[tuple[str, ...]]:
    """The adapters of the models that the method needs to write, or in a trace of both."""
    return select_models(method, traced, [(name_expert(method),), list_amateur_adapters(method)])


def select_models(method: Method, traced: bool, both: list) -> list:
    """Of the expert's and the amateur's: of both where it is traced, else of those that the method needs to write."""
    return both if traced else {"base": both[1:], "user": both[:1], "contrast": both}[method.driver]


def name_expert(method: Method) -> str:
    """The name of the method's personal adapter in a bank of `prepare_bank`."""
    return name_scaled(method.adapter) if method.scaled else method.adapter


def prepare_bank(bank: LoraBank, methods: Sequence[str], config: DecodeConfig) -> LoraBank:
    """The bank with what these methods wear at these settings beside its own: an adapter that is multiplied.

    Raises CopeError for settings that say no factor.
    """
    for method in (METHODS[name] for name in methods):
        bank = bank.add_scaled(method.adapter, config.lora_scale) if method.scaled else bank
    return bank


def list_amateur_adapters(method: Method) -> tuple[str, ...]:
    """The names of the adapters of the method's amateur: of base at most the task adapter, or other people's."""
    if method.amateur == "other":
        return OTHER
    if method.amateur == "others":
        return (name_mean(method.adapter),)
    return NO_ADAPTER if method.task_adapter else BARE


def make_column(
    base: BaseModel, method: Method, config: DecodeConfig, written: Sequence[int] = (), name: str = ""
) -> RunningColumn:
    """A column before its first step. written: what it begins with; the last of them is the first step's token."""
    random = torch.Generator().manual_seed(config.seed)
    column = RunningColumn(method, config, TokenText(base.tokenizer), random, name or method.name)
    for token in written[:-1]:
        column.add(token)
        column.text.add(token)
        if config.temperature:
            # As it took to sample this one.
            sample_token(torch.ones(base.vocabulary, dtype=torch.float32), column.random)
    column.given = written[-1] if written else None
    return column


def make_request(
    base: BaseModel,
    prompt_ids: list[int],
    methods: Sequence[str],
    bank: LoraBank,
    config: DecodeConfig,
    written: Sequence[int],
    amateur_prompt_ids: list[int] | None = None,
    alphas: Sequence[float] = (),
) -> Request:
    """See Engine.join."""
    _check_fit(base, prompt_ids, amateur_prompt_ids, config)
    columns = []
    for method in map(METHODS.get, methods):
        if not (alphas and method.contrasts):
            columns.append(make_column(base, method, config, written))
            continue
        for alpha in alphas:
            name, own = name_column(method.name, alpha), replace(config, alpha=alpha)
            columns.append(make_column(base, method, own, written, name))
    return Request(columns, prepare_bank(bank, methods, config), prompt_ids, True, amateur_prompt_ids)


def make_untraced(
    base: BaseModel,
    prompts: Sequence[list[int]],
    method: str,
    bank: LoraBank,
    config: DecodeConfig,
    samples: int,
    amateur_prompts: Sequence[list[int]] | None = None,
) -> list[Request]:
    """A request for every prompt, with a column for each of `samples` seeds, config.seed and those after it."""
    bank, requests = prepare_bank(bank, [method], config), []
    for prompt, other in zip(prompts, amateur_prompts or [None] * len(prompts), strict=True):
        _check_fit(base, prompt, other, config)
        seeds = [replace(config, seed=config.seed + number) for number in range(samples)]
        columns = [make_column(base, METHODS[method], one) for one in seeds]
        requests.append(Request(columns, bank, prompt, False, other))
    return requests


def _check_fit(base: BaseModel, prompt_ids: list[int], amateur_prompt_ids: list[int] | None, config: DecodeConfig):
    for prompt in filter(None, (prompt_ids, amateur_prompt_ids)):
        base.check_fits(prompt, config.max_new_tokens)


def write_token(base: BaseModel, column: RunningColumn, token: int) -> tuple[str, str | None]:
    """The column takes the token: what that adds to its text, and why it stops, if so."""
    column.add(token)
    stopped = None
    if token in base.end_ids:
        stopped = "eos"
    elif len(column.ids) >= column.config.max_new_tokens:
        stopped = "length"
    return add_text(base, column.text, token, stopped is not None), stopped


def add_text(base: BaseModel, text: TokenText, token: int, last: bool) -> str:
    """What the token adds to the text; the end token adds nothing but an unfinished character."""
    return text.rest() if token in base.end_ids else text.add(token, last)


Event = TokenEvent | ColumnEnd
