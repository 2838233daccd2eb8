"""What the page, the API and the command line call: one base model, the saved users, and comparisons on them."""

import threading
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import METHODS, NO_HISTORY, OWN_PROMPT, check_methods, with_more
from cope_demo.decode.trace import Column, ColumnEnd, TokenEvent, Trace
from cope_demo.errors import CopeError
from cope_demo.model.task_adapters import find_named_adapter
from cope_demo.saved.fit_details import read_fit_details
from cope_demo.saved.store import SavedUser, Store
from cope_demo.texts.tasks import find_task

from .cache import Held

if TYPE_CHECKING:  # torch is imported when the model is, so that the page is there at once
    from cope_demo.decode.engine import Engine, Request
    from cope_demo.jobs.interface import Jobs
    from cope_demo.model.adapters import LoraBank
    from cope_demo.model.base_model import BaseModel
    from cope_demo.texts.likeness import Profile

MAX_PROMPT = 20_000
"""Characters of a prompt or text; the model's context ends before."""
MAX_TEXTS = 8
"""Texts that are compared with a history at once."""


class Service:
    """Comparisons and scores for saved users, on one base model. Thread-safe.

    model: a folder or hub id, None for the default. The model is loaded by `start` in the background, or else at the
    first comparison, which waits for it. jobs: where fits are queued; the command line needs none.
    """

    def __init__(
        self,
        model: str | None = None,
        users_dir: Path | None = None,
        seed: int = 0,
        jobs: "Jobs | None" = None,
    ):
        self.model, self.seed = model, seed
        self.store = Store(users_dir)
        self.jobs = jobs
        self._engine: Engine | None = None
        self._problem: str | None = None
        # Each with a lock of its own, as making one takes seconds: adapters; histories as vectors; what RAG and PAG
        # put before a prompt.
        self._banks, self._profiles, self._near, self._written = Held(), Held(), Held(), Held()
        self._loading = threading.Lock()

    # -- the model's life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to load the model in a background thread."""
        threading.Thread(target=self._load_quietly, name="load-model", daemon=True).start()

    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._engine is not None

    def problem(self) -> str | None:
        """Why there is no model, as a sentence for the person; None while it loads and when it is there."""
        return self._problem

    def engine(self) -> "Engine":
        """The decoder, loaded when needed. Raises CopeError when there is no model."""
        with self._loading:
            if self._engine is None:
                from cope_demo.decode.engine import Engine
                from cope_demo.model.base_model import load_base

                try:
                    self._engine = Engine(load_base(self.model))
                except CopeError as error:
                    self._problem = str(error)
                    raise
                self._problem = None
            return self._engine

    def _load_quietly(self) -> None:
        try:
            self._warm(self.engine())
        except CopeError:
            pass  # problem() tells it
        except Exception as error:
            self._problem = f"The model could not be loaded ({type(error).__name__}); look at the server's log."
            raise

    def _warm(self, engine: "Engine") -> None:
        """One token for the first sample user: layers are repacked and its adapters read before anybody waits."""
        for card in self.store.samples()[:1]:
            config = DecodeConfig(max_new_tokens=1, alternatives=0)
            try:
                list(engine.decode(engine.base.prompt_ids("Hello"), METHODS, self._bank(card.id)[1], config))
            except CopeError:
                pass  # fitted on another model: whoever asks for it is told so

    # -- work ----------------------------------------------------------------------------------------------------------

    def compare(
        self, user_id: str, prompt: str, config: DecodeConfig | None = None, methods: tuple[str, ...] = METHODS
    ) -> Iterator[TokenEvent | ColumnEnd | Trace]:
        """Writes the prompt's continuation by each method, side by side.

        prompt: the task's input, or in free writing the instruction itself. config: None for the task's defaults.
        methods: any of columns.METHODS and columns.MORE; "rag" and "pag" read the user's history, whose texts are then
        in these columns' `prompt`.
        Yields an empty Trace first, then the events as they come, and the complete Trace last. Closing the generator
        ends the work within a step. Raises CopeError before the first item when something cannot be done.
        """
        check_methods(methods)
        user = self.store.open(user_id)
        task = find_task(user.task)
        config = config or DecodeConfig(
            repetition_penalty=task.repetition_penalty, max_new_tokens=task.max_new_tokens, seed=self.seed
        )
        text = task.prompt(_given("prompt", prompt))
        engine = self.engine()
        user, bank = self._bank(user_id)
        own, requests = self._joined(user, bank, text, methods, config)
        columns = [Column(method, prompt=own.get(method)) for method in methods]
        trace = self._trace(user, prompt, engine.base.prompt_ids(text), config, columns)
        events = engine.run(requests)
        first = next(events)  # what cannot be done is refused before anything is shown
        yield trace.unwritten()
        for event in chain([first], events):
            trace.record(event)
            yield event
        yield trace

    def resume(
        self, user_id: str, prompt: str, method: str, ids: Sequence[int], config: DecodeConfig
    ) -> Iterator[TokenEvent | ColumnEnd]:
        """Goes on writing a column that begins with these token ids, as if the method had chosen them itself.

        ids: 1 to config.max_new_tokens ids, an end token at most as the last. The first event is the last of them with
        its numbers, index len(ids) - 1. Raises CopeError before it when something cannot be done.
        """
        user = self.store.open(user_id)
        text = find_task(user.task).prompt(_given("prompt", prompt))
        check_methods([method])
        engine = self.engine()
        _check_ids(ids, engine.base, config.max_new_tokens)
        user, bank = self._bank(user_id)
        yield from engine.run(self._joined(user, bank, text, (method,), config, ids)[1])

    def score(self, user_id: str, prompt: str, text: str, alpha: float = DecodeConfig.alpha) -> Trace:
        """The implicit reward of a given text, token by token, under the user's `cope` adapter: one column "score".

        prompt: as for `compare`. For free writing it may be empty: then the text is read as a fit reads one of the
        history, with an instruction from its title or key phrases, which is the trace's prompt.
        """
        user = self.store.open(user_id)
        task = find_task(user.task)
        _given("text", text)
        if task.name == "free_writing" and not prompt.strip():
            from cope_demo.texts.history import instruct_text

            sample = instruct_text(text)
            prompt, text = sample.prompt, sample.response
        instruction = task.prompt(_given("prompt", prompt))
        config = DecodeConfig(alpha=alpha, repetition_penalty=1.0, seed=self.seed)
        engine = self.engine()
        user, bank = self._bank(user_id)
        prompt_ids = engine.base.prompt_ids(instruction)
        tokens = engine.score(prompt_ids, engine.base.response_ids(text), "cope", bank, config)
        return self._trace(user, prompt, prompt_ids, config, [Column("score", tokens, "eos")])

    def likeness(self, user_id: str, texts: dict[str, str]) -> dict[str, dict[str, float]]:
        """How near texts are to the user's history: name -> {"topic", "style"}, as likeness.Profile explains them.

        The key "history" holds what the history's own texts reach, where it has several. Needs no language model.
        Raises CopeError for what is not a few texts, and without the embedding model.
        """
        user = self.store.open(user_id)
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise CopeError("The texts must be given by name.")
        if len(texts) > MAX_TEXTS or any(len(text) > MAX_PROMPT for text in texts.values()):
            raise CopeError(f"At most {MAX_TEXTS} texts of {MAX_PROMPT:,} characters can be compared with a history.")
        profile = self._profile(user)
        found = dict(zip(texts, profile.likeness(list(texts.values())), strict=True))
        return {**found, "history": profile.usual} if profile.usual else found

    def fit_details(self, user_id: str) -> dict:
        """What happened in the user's fit; see fit_details.read_fit_details. Needs no model."""
        return read_fit_details(self.store.open(user_id))

    def adapters_zip(self, user_id: str, target: Path) -> None:
        """Writes the user's adapters with a model card as a zip to `target`; see export.write_zip. Needs no model."""
        from cope_demo.saved.export import write_zip

        user = self.store.open(user_id)
        write_zip(user, user.folder.parent == self.store.samples_dir, target)

    def forget(self, user_id: str) -> None:
        """Drops what is held of a user in memory."""
        for held in (self._banks, self._profiles, self._near, self._written):
            held.forget(user_id)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _trace(
        self, user: SavedUser, prompt: str, prompt_ids: list[int], config: DecodeConfig, columns: list[Column]
    ) -> Trace:
        name = self.engine().base.name
        settings = (config.alpha, config.tau, config.repetition_penalty)
        return Trace(name, user.id, user.task, prompt, *settings, prompt_ids, columns)

    def _joined(
        self, user: SavedUser, bank: "LoraBank", text: str, methods: Sequence[str], config: DecodeConfig, written=()
    ) -> tuple[dict[str, str], list["Request"]]:
        """The prompts that columns have for themselves, and the requests: one of all others, one of each of these.

        text: the instruction. Raises CopeError, which names the column where its prompt is not the visitor's.
        """
        engine = self.engine()
        shared = tuple(method for method in methods if method not in OWN_PROMPT)
        requests = [engine.join(engine.base.prompt_ids(text), shared, bank, config, written)] if shared else []
        own: dict[str, str] = {}
        for method in (method for method in methods if method in OWN_PROMPT):
            try:
                own[method] = self._own_prompt(user, text, method)
                requests.append(engine.join(engine.base.prompt_ids(own[method]), (method,), bank, config, written))
            except CopeError as error:
                raise CopeError(f"The column {method}, which puts texts of the history first: {error}") from error
        return own, requests

    def _own_prompt(self, user: SavedUser, text: str, method: str) -> str:
        """What a column of OWN_PROMPT is given: the user's most similar texts before the instruction, and a profile."""
        from cope_demo.decode.engine import bank_of
        from cope_demo.decode.prompting import rag_prompt, similar_samples, written_profile

        engine, samples = self.engine(), user.history()
        if not samples:
            raise CopeError(NO_HISTORY)
        key, bare = (user.folder, user.manifest["files"]["history.jsonl"]["sha256"]), bank_of(engine.base, {})
        similar = self._near.get((*key, text), lambda: similar_samples([text], samples)[0])
        if method == "rag":
            return rag_prompt(text, similar)
        profile = self._written.get(key, lambda: written_profile(engine, bare, samples, DecodeConfig()))
        return rag_prompt(text, similar, profile)

    def _bank(self, user_id: str) -> tuple[SavedUser, "LoraBank"]:
        """The user, verified, with both adapters in memory: read once, and again when the user was fitted anew."""
        from cope_demo.decode.engine import bank_of
        from cope_demo.model.adapters import TAM, read_lora

        base = self.engine().base
        user = self.store.open(user_id)
        user.check_base(base.identity, base.name)
        files = user.manifest["files"]
        key = (user.folder, *(files[f"{kind}/adapter_model.safetensors"]["sha256"] for kind in ("oppu", "cope")))

        def read() -> "LoraBank":
            loras = {kind: read_lora(user.adapter(kind), base.model) for kind in ("oppu", "cope")}
            if tam := find_named_adapter(user.manifest.get("task_adapter")):
                loras[TAM] = read_lora(tam.folder, base.model)
            return bank_of(base, loras)

        return user, self._banks.get(key, read)

    def _profile(self, user: SavedUser) -> "Profile":
        """The user's history as texts are compared with it, read once, and again after another fit."""
        from cope_demo.texts.likeness import Profile

        key = (user.folder, user.manifest["files"]["history.jsonl"]["sha256"])
        return self._profiles.get(key, lambda: Profile([sample.response for sample in user.history()]))


def _given(what: str, text: str) -> str:
    if not text or not text.strip():
        raise CopeError(f"The {what} is empty: write a {what} first.")
    if len(text) > MAX_PROMPT:
        raise CopeError(f"The {what} has {len(text):,} characters; {MAX_PROMPT:,} are allowed, so shorten it.")
    return text


def _check_ids(ids: Sequence[int], base: "BaseModel", limit: int) -> None:
    """Raises CopeError unless these tokens can be the beginning of a column of `limit` tokens."""
    if not isinstance(ids, (list, tuple)) or not all(type(token) is int for token in ids):
        raise CopeError("The token ids must be a list of whole numbers, as in a comparison's trace.")
    if not 0 < len(ids) <= limit:
        raise CopeError(
            f"There are {len(ids)} token ids to go on from, and 1 to {limit} are allowed; change them or the length."
        )
    if strange := [token for token in ids if not 0 <= token < base.vocabulary]:
        raise CopeError(f"{strange[0]} is not a token of {base.name}; its ids are 0 to {base.vocabulary - 1}.")
    if any(token in base.end_ids for token in ids[:-1]):
        raise CopeError("The text has already ended before the last of these tokens; branch off at an earlier one.")


_default = Service()


def compare(
    user_id: str, prompt: str, config: DecodeConfig | None = None, columns: Sequence[str] | None = None
) -> Trace:
    """A whole comparison with the default model and folders, as one Trace. See Service.compare.

    columns: names of columns.MORE, beside the three.
    """
    return list(_default.compare(user_id, prompt, config, with_more(columns)))[-1]


def score(user_id: str, prompt: str, text: str, alpha: float = DecodeConfig.alpha) -> Trace:
    """The implicit reward of a given text with the default model and folders. See Service.score."""
    return _default.score(user_id, prompt, text, alpha)
