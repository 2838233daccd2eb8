"""Comparisons and scores where a GPU is lent for each call (system/zero_gpu.py): the two calls, and their Service.

The process that serves the page keeps the base model and computes nothing with it. What a call needs goes along: the
saved user as it was verified, and for RAG and PAG the texts that were found without a language model.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import METHODS
from cope_demo.decode.prompting import EXAMPLES, PROFILE_TOKENS
from cope_demo.decode.trace import ColumnEnd, TokenEvent, Trace
from cope_demo.errors import CopeError
from cope_demo.model import lent_speed
from cope_demo.model.lent_speed import FORWARD, STEP, TOKEN, count_tokens
from cope_demo.saved.store import SavedUser
from cope_demo.system import zero_gpu

from .adapters_in_memory import AdaptersInMemory
from .comparisons import UserModels
from .own_prompts import FoundTexts, OwnPrompts, naming_column
from .service import Service

if TYPE_CHECKING:
    from cope_demo.decode.engine import Engine
    from cope_demo.model.base_model import BaseModel

HISTORY_TOKENS = EXAMPLES * 240
"""What RAG and PAG put before a prompt, at most: texts and instructions of 90 words each."""
SCORE_SECONDS = 1.0
"""What describing a scored text takes beside the two models' passes. Estimated."""


@dataclass(frozen=True)
class Asked:
    """What a worker writes: a comparison, or where a column has begun with the ids of `written`, the rest of it.

    other: the user to contrast with.
    """

    user: SavedUser
    prompt: str
    instruction: str
    config: DecodeConfig
    methods: tuple[str, ...]
    written: tuple[int, ...] = ()
    found: FoundTexts | None = None
    other: SavedUser | None = None


def estimate_writing(asked: Asked) -> float:
    """Seconds of a lent GPU that this takes at most: the columns may end before their length is reached."""
    from cope_demo.model.resident import count_kept_bytes

    own = [method for method in asked.methods if METHODS[method].prompt]
    read = 4 * (count_tokens(asked.instruction) + len(asked.written)) + 2 * len(own) * HISTORY_TOKENS
    steps = asked.config.max_new_tokens - len(asked.written) + 1
    seconds = steps * STEP * max(1, len(asked.methods) / 3) + read * TOKEN
    if "pag" in own and asked.found and asked.found.profile is None:
        seconds += PROFILE_TOKENS * FORWARD
    return lent_speed.scale_seconds(seconds, count_kept_bytes())


def estimate_looking_up(asked: Asked, word: str) -> float:
    """The same of a word that is looked up after what is written."""
    from cope_demo.model.resident import count_kept_bytes

    own = [method for method in asked.methods if METHODS[method].prompt]
    read = 2 * (count_tokens(asked.instruction) + len(asked.written) + len(own) * HISTORY_TOKENS)
    profile = PROFILE_TOKENS if "pag" in own and asked.found and asked.found.profile is None else 0
    return lent_speed.scale_seconds(SCORE_SECONDS + (2 + profile) * FORWARD + read * TOKEN, count_kept_bytes())


def estimate_scoring(
    user: SavedUser, prompt: str, instruction: str, text: str, config: DecodeConfig, other: SavedUser | None = None
) -> float:
    """The same of a score."""
    from cope_demo.model.resident import count_kept_bytes

    tokens = 2 * (count_tokens(instruction) + count_tokens(text))
    return lent_speed.scale_seconds(SCORE_SECONDS + 2 * FORWARD + tokens * TOKEN, count_kept_bytes())


@zero_gpu.lend(estimate_writing)
def _write(asked: Asked) -> Iterator[TokenEvent | ColumnEnd | Trace | FoundTexts]:
    """The events of what is asked; last the found texts, where a profile was written that they had not."""
    models = _open(asked.user, asked.found, asked.other)
    known = asked.found and asked.found.profile
    if asked.written:
        yield from models.resume(asked.instruction, asked.methods[0], asked.written, asked.config)
    else:
        yield from models.compare(asked.prompt, asked.instruction, asked.config, asked.methods)
    if asked.found and asked.found.profile != known:
        yield asked.found


@zero_gpu.lend(estimate_scoring)
def _score(
    user: SavedUser, prompt: str, instruction: str, text: str, config: DecodeConfig, other: SavedUser | None = None
) -> Trace:
    return _open(user, None, other).score(prompt, instruction, text, config)


@zero_gpu.lend(estimate_looking_up)
def _look_up(asked: Asked, word: str) -> list[dict]:
    models = _open(asked.user, asked.found, asked.other)
    return models.look_up(asked.instruction, asked.methods[0], asked.written, word)


_engine: "Engine | None" = None


def _open(user: SavedUser, found: FoundTexts | None, other: SavedUser | None) -> UserModels:
    """The user's models in a worker. Its decoder stays for the next call; of a user nothing does."""
    from cope_demo.decode.engine import Engine
    from cope_demo.model.resident import find_base

    global _engine
    base = find_base()
    if _engine is None or _engine.base.model is not base.model:
        _engine = Engine(base)
    bank = AdaptersInMemory().bank_against(user, other, _engine.base)
    return UserModels(user, _engine, bank, found, other.id if other else None)


@dataclass(frozen=True)
class LentModels:
    """A verified user's models in a worker: what UserModels is, for a process without a GPU."""

    user: SavedUser
    own_prompts: OwnPrompts
    other: SavedUser | None = None

    def compare(
        self, prompt: str, instruction: str, config: DecodeConfig, methods: Sequence[str]
    ) -> Iterator[TokenEvent | ColumnEnd | Trace]:
        """See UserModels."""
        yield from self._ask(Asked(self.user, prompt, instruction, config, tuple(methods), other=self.other))

    def resume(
        self, instruction: str, method: str, ids: Sequence[int], config: DecodeConfig
    ) -> Iterator[TokenEvent | ColumnEnd]:
        """See UserModels."""
        yield from self._ask(Asked(self.user, "", instruction, config, (method,), tuple(ids), other=self.other))

    def score(self, prompt: str, instruction: str, text: str, config: DecodeConfig) -> Trace:
        """See UserModels."""
        return _score(self.user, prompt, instruction, text, config, self.other)

    def look_up(self, instruction: str, method: str, ids: Sequence[int], word: str) -> list[dict]:
        """See UserModels."""
        asked = Asked(self.user, "", instruction, DecodeConfig(), (method,), tuple(ids), other=self.other)
        return _look_up(self._add_found(asked), word)

    def _ask(self, asked: Asked) -> Iterator[TokenEvent | ColumnEnd | Trace]:
        with closing(_write(self._add_found(asked))) as events:
            for event in events:
                if isinstance(event, FoundTexts):
                    self.own_prompts.keep_profile(self.user, event.profile)
                else:
                    yield event

    def _add_found(self, asked: Asked) -> Asked:
        """With the texts that RAG and PAG put before the prompt, where it is about one of them."""
        own = [method for method in asked.methods if METHODS[method].prompt]
        if not own:
            return asked
        with naming_column(own[0]):
            return replace(asked, found=self.own_prompts.look_up(self.user, asked.instruction))


class LentService(Service):
    """A Service whose comparisons and scores run in workers with a lent GPU.

    The model is loaded when it is made, which the main thread does before the app is launched.
    """

    def __init__(self, *given, **named):
        """See Service."""
        import cope_demo.decode.engine  # noqa: F401  now, so that no worker spends lent seconds on it
        from cope_demo.model.resident import keep_base

        super().__init__(*given, **named)
        self._kept: BaseModel | None = None
        self._problem: str | None = None
        try:
            self._kept = keep_base(self.model)
        except CopeError as error:
            self._problem = str(error)

    def start(self) -> None:
        """Nothing is left to begin."""

    def ready(self) -> bool:
        """See Service."""
        return self._kept is not None

    def problem(self) -> str | None:
        """See Service."""
        return self._problem

    def describe_arithmetic(self) -> str | None:
        """See Service."""
        return "on a GPU that is lent for each call" if self.ready() else None

    def engine(self) -> "Engine":
        """There is none in this process."""
        raise RuntimeError("the decoder is in the workers")

    def _base(self) -> "BaseModel":
        if self._kept is None:
            raise CopeError(self._problem)
        return self._kept

    def _load_user(self, user_id: str, against: str = "") -> LentModels:
        base, user, other = self._base(), self.store.open(user_id), self._open_other(user_id, against)
        for one in filter(None, (user, other)):
            one.check_base(base.identity, base.name)
        return LentModels(user, self._own_prompts, other)
