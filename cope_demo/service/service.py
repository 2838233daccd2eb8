"""What the page, the API and the command line call: one base model, the saved users, and comparisons on them.

A Service opens a saved user, checks what it is given (checks.py), has the model loaded (loader.py) and the user's
adapters read (adapters_in_memory.py), and then writes or scores with them (comparisons.py, own_prompts.py).
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import COLUMNS, check_columns, order_columns
from cope_demo.decode.trace import ColumnEnd, TokenEvent, Trace
from cope_demo.errors import CopeError
from cope_demo.saved.fit_details import read_fit_details
from cope_demo.saved.store import SavedUser, Store
from cope_demo.texts.likeness import Profile
from cope_demo.texts.tasks import Sample, find_task

from .adapters_in_memory import AdaptersInMemory
from .cache import UserCache
from .checks import MAX_PROMPT, check_ids, check_length, check_text
from .comparisons import UserModels
from .loader import Loader
from .own_prompts import OwnPrompts
from .surprise import SurprisingText, measure_pass, measure_surprise

if TYPE_CHECKING:  # torch is imported when the model is, so that the page is there at once
    from cope_demo.decode.engine import Engine
    from cope_demo.hub.push import Pushed
    from cope_demo.jobs.interface import Jobs
    from cope_demo.model.base_model import BaseModel

MAX_TEXTS = 8
"""Texts that are compared with a history at once."""
NO_TEXTS = "None of this person’s texts are kept, so how near others are to them is not known."
MAX_WORD, MAX_BEFORE = 60, 1024
"""Characters of a word that is looked up, and tokens of the column before it."""


class Service:
    """Comparisons and scores for saved users, on one base model. Thread-safe.

    model: a folder or hub id, None for the default. The model is loaded by `start` in the background, or else at the
    first comparison, which waits for it. jobs: where fits are queued; the command line needs none.
    """

    def __init__(
        self, model: str | None = None, users_dir: Path | None = None, seed: int = 0, jobs: "Jobs | None" = None
    ):
        self.model, self.seed = model, seed
        self.store = Store(users_dir)
        self.jobs = jobs
        self.pass_seconds: float | None = None  # of a token in a pass of many, measured once the model is loaded
        self._loader = Loader(model, self._warm_up)
        self._adapters, self._own_prompts, self._profiles = AdaptersInMemory(), OwnPrompts(), UserCache()

    def start(self) -> None:
        """Begins to load the model in a background thread."""
        self._loader.start()

    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._loader.ready()

    def problem(self) -> str | None:
        """Why there is no model, as a sentence for the person; None while it loads and when it is there."""
        return self._loader.problem()

    def describe_arithmetic(self) -> str | None:
        """How this machine decodes, in a few words; None while there is no model."""
        return self._loader.engine().describe() if self.ready() else None

    def engine(self) -> "Engine":
        """The decoder, loaded when needed. Raises CopeError when there is no model."""
        return self._loader.engine()

    def compare(
        self,
        user_id: str,
        prompt: str,
        config: DecodeConfig | None = None,
        methods: tuple[str, ...] = COLUMNS,
        *,
        against: str = "",
    ) -> Iterator[TokenEvent | ColumnEnd | Trace]:
        """Writes the prompt's continuation by each method, side by side.

        prompt: the task's input, or in free writing the instruction itself. config: None for the task's defaults.
        methods: any of methods.COLUMNS and methods.list_optional; "rag" and "pag" read the user's history, whose texts
        are then in these columns' `prompt`. against: another user, whom the column methods.AGAINST contrasts with.
        Yields an empty Trace first, then the events as they come, and the complete Trace last. Closing the generator
        ends the work within a step. Raises CopeError before the first item when something cannot be done.
        """
        check_columns(methods, against)
        task = find_task(self.store.open(user_id).task)
        config = config or DecodeConfig(
            repetition_penalty=task.repetition_penalty, max_new_tokens=task.max_new_tokens, seed=self.seed
        )
        instruction = task.prompt(check_text("prompt", prompt))
        yield from self._load_user(user_id, against).compare(prompt, instruction, config, methods)

    def compare_alphas(
        self,
        user_id: str,
        prompt: str,
        config: DecodeConfig,
        methods: Sequence[str],
        alphas: Sequence[float],
        against: str = "",
    ) -> Iterator[TokenEvent | ColumnEnd | list[Trace]]:
        """As `compare` at each of these alphas: the events, named as methods.name_column does, then all traces."""
        check_columns(methods, against)
        instruction = find_task(self.store.open(user_id).task).prompt(check_text("prompt", prompt))
        yield from self._load_user(user_id, against).compare_alphas(prompt, instruction, config, methods, alphas)

    def resume(
        self, user_id: str, prompt: str, method: str, ids: Sequence[int], config: DecodeConfig, *, against: str = ""
    ) -> Iterator[TokenEvent | ColumnEnd]:
        """Goes on writing a column that begins with these token ids, as if the method had chosen them itself.

        ids: 1 to config.max_new_tokens ids, an end token at most as the last. The first event is the last of them with
        its numbers, index len(ids) - 1. against: as for `compare`. Raises CopeError before it when something cannot be
        done.
        """
        task = find_task(self.store.open(user_id).task)
        instruction = task.prompt(check_text("prompt", prompt))
        check_columns([method], against)
        check_ids(ids, self._base(), config.max_new_tokens)
        yield from self._load_user(user_id, against).resume(instruction, method, ids, config)

    def score(
        self, user_id: str, prompt: str, text: str, alpha: float = DecodeConfig.alpha, *, against: str = ""
    ) -> Trace:
        """The implicit reward of a given text, token by token, under the user's `cope` adapter: one column "score".

        prompt: as for `compare`. For free writing it may be empty: then the text is read as a fit reads one of the
        history, with an instruction from its title or key phrases, which is the trace's prompt. against: another user,
        whose model takes the place of base.
        """
        task = find_task(self.store.open(user_id).task)
        check_text("text", text)
        if task.name == "free_writing" and not prompt.strip():
            from cope_demo.texts.history import instruct_text

            sample = instruct_text(text)
            prompt, text = sample.prompt, sample.response
        instruction = task.prompt(check_text("prompt", prompt))
        config = DecodeConfig(alpha=alpha, repetition_penalty=1.0, seed=self.seed)
        return self._load_user(user_id, against).score(prompt, instruction, text, config)

    def look_up(
        self, user_id: str, prompt: str, method: str, ids: Sequence[int], word: str, *, against: str = ""
    ) -> list[dict]:
        """What any word would be worth as the next one after these tokens of a column, under the column's two models.

        ids: of the column before the step, none at its beginning. Gives, of the word as it is and after a space, the
        token that it begins with: {"id", "text", "whole": whether the word is that one token, "logp_user", "logp_base",
        "rank_user", "rank_base", "of": the vocabulary's size}. Raises CopeError where it cannot be looked up.
        """
        task = find_task(self.store.open(user_id).task)
        instruction = task.prompt(check_text("prompt", prompt))
        check_columns([method], against)
        check_length("The word", check_text("word", word), MAX_WORD)
        if ids:
            check_ids(ids, self._base(), MAX_BEFORE)
        return self._load_user(user_id, against).look_up(instruction, method, ids or [], word)

    def likeness(self, user_id: str, texts: dict[str, str]) -> dict[str, dict[str, float]]:
        """How near texts are to the user's history: name -> {"topic", "style"}, as likeness.Profile explains them.

        The key "history" holds what the history's own texts reach, where it has several. Needs no language model.
        Raises CopeError for what is not a few texts, and without the embedding model.
        """
        user = self.store.open(user_id)
        if not user.keeps_history:
            raise CopeError(NO_TEXTS)
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise CopeError("The texts must be given by name.")
        if len(texts) > MAX_TEXTS:
            raise CopeError(f"At most {MAX_TEXTS} texts of {MAX_PROMPT:,} characters can be compared with a history.")
        for text in texts.values():
            check_length("A text", text)
        key = (user.folder, user.manifest["files"]["history.jsonl"]["sha256"])
        profile = self._profiles.get(key, lambda: Profile([sample.response for sample in user.history()]))
        found = dict(zip(texts, profile.likeness(list(texts.values())), strict=True))
        return {**found, "history": profile.usual} if profile.usual else found

    def surprise(self, samples: Sequence[Sample], task: str) -> Iterator[SurprisingText]:
        """What base finds surprising in texts that are not fitted yet; see surprise.measure_surprise.

        Closing the generator ends the work. Raises CopeError before the first text when there is no model.
        """
        yield from measure_surprise(self.engine(), samples, find_task(task).name)

    def fit_details(self, user_id: str) -> dict:
        """What happened in the user's fit; see fit_details.read_fit_details. Needs no model."""
        return read_fit_details(self.store.open(user_id))

    def adapters_zip(self, user_id: str, target: Path) -> None:
        """Writes the user's adapters with a model card as a zip to `target`; see export.write_zip. Needs no model."""
        from cope_demo.saved.export import write_zip

        user = self.store.open(user_id)
        write_zip(user, user.folder.parent == self.store.samples_dir, target)

    def open_adapters(
        self, address: str, owners: tuple[str, ...] = (), token: str | None = None, user_id: str | None = None
    ) -> SavedUser:
        """Adapters of the hub, owner/name@revision, as a saved user; see opening.open_adapters."""
        from cope_demo.hub.address import read_address

        from .opening import open_adapters

        return open_adapters(self.store, self._base(), read_address(address), owners, token, user_id)

    def push_adapters(self, user_id: str, repo: str, token: str, private: bool = True) -> "Pushed":
        """A user's adapters to the hub; see hub.push.push_adapters. Needs no model."""
        from cope_demo.hub.push import push_adapters

        user = self.store.open(user_id)
        return push_adapters(user, user.folder.parent == self.store.samples_dir, repo, token, private=private)

    def forget(self, user_id: str) -> None:
        """Drops what is kept of a user in memory."""
        for cache in (self._adapters, self._own_prompts, self._profiles):
            cache.forget(user_id)

    def forget_deleted(self) -> None:
        """The same of users whom another process has deleted."""
        for cache in (self._adapters, self._own_prompts, self._profiles, self.store):
            cache.forget_deleted()

    def _base(self) -> "BaseModel":
        """The base model, loaded when needed. Raises CopeError when there is none."""
        return self.engine().base

    def _load_user(self, user_id: str, against: str = "") -> UserModels:
        """The user's models in memory, with another user's to contrast with.

        Raises CopeError when there is no model, no such user, or they do not match.
        """
        engine = self.engine()
        user, other = self.store.open(user_id), self._open_other(user_id, against)
        bank = self._adapters.bank_against(user, other, engine.base)
        return UserModels(user, engine, bank, self._own_prompts, against or None)

    def _open_other(self, user_id: str, against: str) -> SavedUser | None:
        """The user to contrast with, None where nobody is named. Raises CopeError for the same or an unknown one."""
        if against == user_id:
            raise CopeError("Nobody can be contrasted with themselves: name another user, or nobody for base.")
        return self.store.open(against) if against else None

    def _warm_up(self, engine: "Engine") -> None:
        """One token for the first sample user: layers are repacked and its adapters read before anybody waits.

        Then it is measured how fast this host is.
        """
        config = DecodeConfig(max_new_tokens=1, alternatives=0)
        for card in self.store.samples()[:1]:
            with suppress(CopeError):  # fitted on another model: who asks for this user gets the sentence
                bank = self._load_user(card.id).bank
                list(engine.decode(engine.base.prompt_ids("Hello"), COLUMNS, bank, config))
        self.pass_seconds = measure_pass(engine)


_default: Service | None = None
_making = threading.Lock()


def _get_default() -> Service:
    """The service of `compare` and `score` below, with the default model and folders; made when first called."""
    global _default
    with _making:
        if _default is None:
            _default = Service()
        return _default


def compare(
    user_id: str,
    prompt: str,
    config: DecodeConfig | None = None,
    columns: Sequence[str] | None = None,
    against: str = "",
) -> Trace:
    """A whole comparison with the default model and folders, as one Trace. See Service.compare.

    columns: names of methods.list_optional, beside the three. against: another user, for a column that contrasts with
    them.
    """
    return list(_get_default().compare(user_id, prompt, config, order_columns(columns, against), against=against))[-1]


def score(user_id: str, prompt: str, text: str, alpha: float = DecodeConfig.alpha, against: str = "") -> Trace:
    """The implicit reward of a given text with the default model and folders. See Service.score."""
    return _get_default().score(user_id, prompt, text, alpha, against=against)
