"""A request of the decoder: its columns while they are written, and the rows of the batch that they take."""

from dataclasses import dataclass, field

import torch
from transformers import DynamicCache

from cope_demo.config import DecodeConfig
from cope_demo.model.adapters import BARE, NO_ADAPTER, LoraBank

from .methods import Method
from .tracing import TokenText


@dataclass
class RunningColumn:
    """A column that is being written: its method, its text so far, and the generator that samples for it."""

    method: Method
    text: TokenText
    random: torch.Generator
    ids: list[int] = field(default_factory=list)
    given: int | None = None
    """The next token, where it is not to be chosen."""


@dataclass
class Request:
    """The rows of one request: row 2i is column i's expert, row 2i + 1 its amateur. Made by Engine.join."""

    columns: list[RunningColumn]
    bank: LoraBank
    config: DecodeConfig
    prompt_ids: list[int]
    cache: DynamicCache | None = None
    mask: torch.Tensor | None = None

    def rows(self) -> list[tuple[str, ...]]:
        """The names of each row's adapters."""
        methods = [column.method for column in self.columns]
        return [names for method in methods for names in ((method.adapter,), list_amateur_adapters(method))]


def list_amateur_adapters(method: Method) -> tuple[str, ...]:
    """The names of the adapters of the method's base: at most the task adapter."""
    return NO_ADAPTER if method.task_adapter else BARE
