"""One author measured: fitted, every query written by every method, and compared with what the author wrote."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.engine import Engine, add_other, make_bank
from cope_demo.decode.methods import Method
from cope_demo.decode.prompting import find_similar_samples, make_rag_prompt, write_profile
from cope_demo.decode.request import name_expert, prepare_bank
from cope_demo.errors import CopeError
from cope_demo.model.adapters import TAM, Lora, LoraBank, average_loras, name_mean, read_lora
from cope_demo.model.task_adapters import TaskAdapter
from cope_demo.reward import bits_per_token
from cope_demo.texts.lamp import Author, Query
from cope_demo.texts.tasks import Sample, Task

from .kept_fits import get_kept_fit, is_kept
from .metrics import score_text

BATCH = 16
"""Queries of an author that are answered together."""
SAMPLED = 80
"""Sampled answers that are written together."""
NO_OTHERS = "Contrast with other authors needs another one who can be fitted: measure at least two."


class Measurement:
    """A run's methods on one base model, ready to measure author after author."""

    def __init__(
        self,
        task: Task,
        methods: Sequence[Method],
        reader: Engine,
        writer: Engine,
        settings: DecodeConfig,
        config: FitConfig,
        model: str | None,
        tam: TaskAdapter | None,
        authors: Sequence[Author] = (),
    ):
        """reader, writer: what reads given texts and what writes, on the same model. settings, config: how texts are
        decoded and authors fitted. model: where the engines' base came from. authors: all of the run, whose adapters
        a method may contrast with.
        """
        self.task, self.methods, self.reader, self.writer, self.base = task, methods, reader, writer, reader.base
        self.authors = authors
        self.settings, self.config, self.model, self.tam = settings, config, model, tam

    def measure(self, author: Author) -> list[dict]:
        """The author's lines of predictions.jsonl. Raises CopeError when the history will not do."""
        samples, queries = author.samples(self.task), author.queries
        if not samples and any(method.reads_history for method in self.methods):
            raise CopeError("The profile is empty: there is nothing to learn this author from.")
        bank = self._read_adapters(samples)
        prompts = self._make_prompts(samples, queries)
        rows = []
        for method in self.methods:
            own, asked = self._select_bank(method, bank, author), prompts[method.prompt]
            texts, seconds = self._write(asked, method.name, own, prompts[""] if method.plain_amateur else None)
            for query, prompt, text in zip(queries, asked, texts, strict=True):
                rows.append(
                    {
                        "user": author.id,
                        "query": query.id,
                        "method": method.name,
                        "text": text,
                        **score_text(query.gold, text),
                        "bits": self._measure_bits(query.gold, prompt, method, own),
                        "seconds": round(seconds, 3),
                    }
                )
        return rows

    def _make_prompts(self, samples: list[Sample], queries: Sequence[Query]) -> dict[str, list[str]]:
        """The prompts of every query, by the methods' kinds of prompts."""
        plain, kinds = [self.task.prompt(query.input) for query in queries], {method.prompt for method in self.methods}
        found = {"": plain}
        if kinds - {""}:
            similar = find_similar_samples(plain, samples, others_only=True)
            found["rag"] = [make_rag_prompt(text, many) for text, many in zip(plain, similar, strict=True)]
        if "pag" in kinds:
            bare = make_bank(self.base, {})
            profile = write_profile(self.writer, bare, samples, self.settings)
            found["pag"] = [make_rag_prompt(text, many, profile) for text, many in zip(plain, similar, strict=True)]
        return found

    def _write(
        self, prompts: list[str], method: str, bank: LoraBank, amateur_prompts: list[str] | None
    ) -> tuple[list[str], float]:
        """The texts that a method answers, and its seconds for one."""
        started = time.monotonic()
        texts = self.write(prompts, method, bank, self.settings, amateur_prompts=amateur_prompts)
        return texts, (time.monotonic() - started) / len(prompts)

    def write(
        self,
        prompts: Sequence[str],
        method: str,
        bank: LoraBank,
        settings: DecodeConfig,
        samples: int = 1,
        amateur_prompts: Sequence[str] | None = None,
    ) -> list[str]:
        """The texts that a method answers, `samples` of each prompt one after the other.

        amateur_prompts: what the amateur reads in the place of each prompt, where that differs.
        """
        texts, many = [], BATCH if samples == 1 else max(1, SAMPLED // samples)
        for first in range(0, len(prompts), many):
            batch = slice(first, first + many)
            ids = [self.base.prompt_ids(prompt) for prompt in prompts[batch]]
            plain = [self.base.prompt_ids(prompt) for prompt in amateur_prompts[batch]] if amateur_prompts else None
            answers = self.writer.write(ids, method, bank, settings, samples, plain)
            texts += [self.base.tokenizer.decode(answer, skip_special_tokens=True) for answer in answers]
        return texts

    def _measure_bits(self, gold: str, prompt: str, method: Method, bank: LoraBank) -> float | None:
        """Bits per token of the gold text; None for contrast, whose scores are no distribution over texts."""
        if method.contrasts:
            return None
        ids = self.base.response_ids(gold, self.config.max_response_tokens)
        bank = prepare_bank(bank, (method.name,), self.settings)
        adapter = name_expert(method) if method.personal else None
        return round(bits_per_token(self.reader.logps(self.base.prompt_ids(prompt), ids, adapter, bank)), 4)

    def _read_adapters(self, samples: list[Sample]) -> LoraBank:
        """The task's and the author's adapters, as far as the run's methods need them."""
        return self.make_bank(self._read_fit(samples) if self._kinds else {})

    @property
    def _kinds(self) -> list[str]:
        """The kinds of personal adapters that the run's methods need."""
        return sorted({method.adapter for method in self.methods if method.personal})

    def _read_fit(self, samples: list[Sample]) -> dict[str, Lora]:
        folder = self.find_fit(samples, "cope" in self._kinds)
        return {name: read_lora(folder / name, self.base.model) for name in self._kinds}

    def _select_bank(self, method: Method, bank: LoraBank, author: Author) -> LoraBank:
        """The adapters for this method: the author's own bank, with those of its amateur, or none at all."""
        if not method.task_adapter:
            return make_bank(self.base, {})
        if method.amateur == "other":
            return add_other(bank, self.make_bank(next(self._read_others(author))))
        if method.amateur == "others":
            kind = method.adapter
            mean = average_loras([loras[kind] for loras in self._read_others(author)])
            return LoraBank({**bank.loras, name_mean(kind): mean}, bank.dtype, bank.device)
        return bank

    def _read_others(self, author: Author) -> Iterator[dict[str, Lora]]:
        """The adapters of all other authors of the run, from the next one in the file on, as far as they can be fitted.

        Raises CopeError where there is none.
        """
        ids = [one.id for one in self.authors]
        at, found = ids.index(author.id) if author.id in ids else 0, False
        for other in (*self.authors[at + 1 :], *self.authors[:at]):
            with suppress(CopeError):  # a history that will not do; its own author is reported
                samples = other.samples(self.task)
                if samples and other.queries:
                    loras, found = self._read_fit(samples), True
                    yield loras
        if not found:
            raise CopeError(NO_OTHERS)

    def make_fit(self, author: Author) -> None:
        """Makes the author's fit as far as it is missing. Raises CopeError when the history will not do."""
        self.find_fit(author.samples(self.task), "cope" in self._kinds)

    def find_fit(self, samples: Sequence[Sample], preferences: bool = True) -> Path:
        """The folder of the kept fit on these samples; see get_kept_fit."""
        return get_kept_fit(samples, self.task.name, self.config, self.base, self.tam, self.model, preferences)

    def is_kept(self, samples: Sequence[Sample]) -> bool:
        """Whether the fit on these samples that the run's methods need is there."""
        return is_kept(samples, self.task.name, self.config, self.base, self.tam, "cope" in self._kinds)

    @property
    def fits(self) -> bool:
        """Whether any of the run's methods needs a fit."""
        return bool(self._kinds)

    def make_bank(self, loras: dict[str, Lora]) -> LoraBank:
        """These adapters beside the task's, where there is one."""
        task = {TAM: read_lora(self.tam.folder, self.base.model)} if self.tam else {}
        return make_bank(self.base, task | loras)
