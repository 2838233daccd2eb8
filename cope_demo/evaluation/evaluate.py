"""The paper's tables on the reference code's data: fit every author, write every query by every method, compare.

A run is a folder. predictions.jsonl gets an author's lines as soon as they are written, so a run that was cut off goes
on with the next author; fits are kept by what they were made from and serve any later run. Nothing is chosen by chance
but by the seed, so a run continued gives the same table as one that was not cut off.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from cope_demo.config import DecodeConfig, FitConfig, check
from cope_demo.decode.engine import DRIVERS, Engine, make_bank
from cope_demo.decode.prompting import rag_prompt, similar_samples, written_profile
from cope_demo.errors import CopeError
from cope_demo.fit.scratch import read_fit_config
from cope_demo.model.adapters import TAM, LoraBank, read_lora
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.model.task_adapters import find_task_adapter
from cope_demo.reward import bits_per_token
from cope_demo.system.files import format_json_lines, sha256_file
from cope_demo.texts.lamp import USERS, Author, read_authors
from cope_demo.texts.tasks import Sample, find_task

from .kept_fits import kept_fit
from .metrics import METRICS, text_scores
from .results import summary, write_results

METHODS = {
    # method: (what it is fitted to: nothing, the task, or the person; the decoder's method)
    "base": ("", "alone"),
    "rag": ("", "alone"),
    "pag": ("", "alone"),
    "tam": ("task", "alone"),
    "oppu": ("person", "oppu"),
    "oppu+cd": ("person", "oppu+cd"),
    "oppu+dpo": ("person", "oppu+dpo"),
    "cope": ("person", "cope"),
}
LIKELIHOOD = ("base", "rag", "pag", "tam", "oppu", "oppu+dpo")
"""Methods that are a distribution over texts, so that bits per token of the gold text mean something."""
BATCH = 16
"""Queries of an author that are answered together."""
PREDICTIONS, PLAN = "predictions.jsonl", "plan.json"

Tell = Callable[[int, int, float], None]
"""Hears (authors done, of, seconds to go)."""


@dataclass(frozen=True)
class Plan:
    """What a run measures; two runs in one folder must have the same.

    users: authors at most, the first ones of the file. decode, fit: settings; the decoding's length and penalty are the
    task's unless given.
    """

    task: str
    methods: tuple[str, ...]
    data_sha256: str
    model: str
    task_adapter: str | None
    users: int | None
    decode: dict = field(default_factory=dict)
    fit: dict = field(default_factory=dict)


def evaluate(
    task_name: str,
    data: Path,
    methods: list[str],
    out: Path,
    *,
    users: int | None = None,
    seed: int = 0,
    model: str | None = None,
    decode: dict | None = None,
    config: FitConfig | None = None,
    tell: Tell = lambda done, of, eta: None,
) -> dict:
    """Runs or continues an evaluation in `out` and returns what results.json holds.

    methods: names of METHODS. users: that many authors, None for all. decode: DecodeConfig fields that differ from the
    task's defaults. config: how authors are fitted. One author who cannot be measured is reported under "skipped" and
    does not end the run. Raises CopeError for data or settings that will not do, or another run in `out`.
    """
    task = find_task(task_name)
    for method in methods:
        if method not in METHODS:
            raise CopeError(f"There is no method {method!r}; choose from {', '.join(METHODS)}.")
    if users is not None:
        check("users", users, 1, 10**6, whole=True)
    authors = read_authors(data, USERS)[:users]
    config = replace(config or read_fit_config(), seed=seed)
    defaults = {"repetition_penalty": task.repetition_penalty, "max_new_tokens": task.max_new_tokens}
    settings = DecodeConfig(**{**defaults, **(decode or {}), "alternatives": 0, "seed": seed})
    engine = Engine(load_base(model, trainable=True))  # its weights stay unpacked, as batches are large
    tam = find_task_adapter(task_name, engine.base.identity)
    if tam is None and "tam" in methods:
        raise CopeError(
            f"There is no task adapter for {task_name} and {engine.base.name}: train it with `python -m cope_demo tam "
            f"--task {task_name}`, or leave the method tam out."
        )
    plan = Plan(
        task_name,
        tuple(dict.fromkeys(methods)),
        sha256_file(Path(data) / USERS),
        engine.base.identity,
        tam.sha256 if tam else None,
        users,
        asdict(settings),
        asdict(config),
    )
    done = _opened(out, plan, authors)
    run = _Run(plan, task, engine, settings, config, model, tam)
    skipped: dict[str, str] = {}
    started, fresh = time.monotonic(), 0
    for number, author in enumerate(authors):
        if not author.queries:
            skipped[author.id] = "No query with id, input and gold."
        elif author.id not in done:
            fresh += 1
            try:
                rows = run.author(author)
                _append(out / PREDICTIONS, rows)
                done[author.id] = rows
            except CopeError as error:
                skipped[author.id] = str(error)
            except (RuntimeError, ValueError, ArithmeticError) as error:
                skipped[author.id] = f"{type(error).__name__} while measuring this author; the others are not affected."
        passed = time.monotonic() - started
        tell(number + 1, len(authors), passed / max(1, fresh) * (len(authors) - number - 1))
    rows = [row for author in authors if author.id not in skipped for row in done[author.id]]
    if not rows:
        raise CopeError(f"No author could be measured: {next(iter(skipped.values()), 'the file has no queries')}")
    result = summary(rows, plan.methods, METRICS, seed)
    result = {"task": task_name, **result, "skipped": skipped, "plan": asdict(plan)}
    write_results(out, result)
    return result


class _Run:
    """What all authors of a run share."""

    def __init__(self, plan, task, engine: Engine, settings: DecodeConfig, config: FitConfig, model, tam):
        self.plan, self.task, self.engine, self.settings, self.config = plan, task, engine, settings, config
        self.model, self.tam = model, tam
        self.base: BaseModel = engine.base

    def author(self, author: Author) -> list[dict]:
        """The author's lines of predictions.jsonl. Raises CopeError when the history will not do."""
        samples, queries = author.samples(self.task), author.queries
        if not samples and {"rag", "pag", "oppu", "oppu+cd", "oppu+dpo", "cope"} & set(self.plan.methods):
            raise CopeError("The profile is empty: there is nothing to learn this author from.")
        bank, bare = self._bank(samples), LoraBank({}, torch.bfloat16, self.base.device)
        prompts = self._prompts(samples, queries)
        rows = []
        for method in self.plan.methods:
            worn, asked = bank if METHODS[method][0] else bare, prompts.get(method, prompts["base"])
            texts, seconds = self._write(asked, METHODS[method][1], worn)
            for query, prompt, text in zip(queries, asked, texts, strict=True):
                rows.append(
                    {
                        "user": author.id,
                        "query": query.id,
                        "method": method,
                        "text": text,
                        **text_scores(query.gold, text),
                        "bits": self._bits(query.gold, prompt, method, worn),
                        "seconds": round(seconds, 3),
                    }
                )
        return rows

    def _prompts(self, samples: list[Sample], queries) -> dict[str, list[str]]:
        """method -> its prompt of every query; "base" stands for all that are not named."""
        plain = [self.task.prompt(query.input) for query in queries]
        found = {"base": plain}
        if {"rag", "pag"} & set(self.plan.methods):
            similar = similar_samples(plain, samples)
            found["rag"] = [rag_prompt(text, many) for text, many in zip(plain, similar, strict=True)]
        if "pag" in self.plan.methods:
            bare = LoraBank({}, torch.bfloat16, self.base.device)
            profile = written_profile(self.engine, bare, samples, self.settings)
            found["pag"] = [rag_prompt(text, many, profile) for text, many in zip(plain, similar, strict=True)]
        return found

    def _write(self, prompts: list[str], way: str, bank: LoraBank) -> tuple[list[str], float]:
        """The texts that the decoder's method `way` answers, and its seconds for one."""
        started, texts = time.monotonic(), []
        for first in range(0, len(prompts), BATCH):
            ids = [self.base.prompt_ids(prompt) for prompt in prompts[first : first + BATCH]]
            answers = self.engine.write(ids, way, bank, self.settings)
            texts += [self.base.tokenizer.decode(answer, skip_special_tokens=True) for answer in answers]
        return texts, (time.monotonic() - started) / len(prompts)

    def _bits(self, gold: str, prompt: str, method: str, bank: LoraBank) -> float | None:
        """Bits per token of the gold text under a likelihood method."""
        if method not in LIKELIHOOD:
            return None
        ids = self.base.response_ids(gold, self.config.max_response_tokens)
        adapter = DRIVERS[METHODS[method][1]][0]
        return round(bits_per_token(self.engine.logps(self.base.prompt_ids(prompt), ids, adapter, bank)), 4)

    def _bank(self, samples: list[Sample]) -> LoraBank:
        """The task's and the author's adapters, as far as the run's methods need them."""
        loras = {TAM: read_lora(self.tam.folder, self.base.model)} if self.tam else {}
        adapters = {DRIVERS[METHODS[method][1]][0] for method in self.plan.methods} - {None}
        if adapters:
            config, task = self.config, self.plan.task
            folder = kept_fit(samples, task, config, self.base, self.tam, self.model, "cope" in adapters)
            loras |= {name: read_lora(folder / name, self.base.model) for name in sorted(adapters)}
        return make_bank(self.base, loras)


def _opened(out: Path, plan: Plan, authors: list[Author]) -> dict[str, list[dict]]:
    """The run's folder, made or continued: the rows of the authors that are done, by their id."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = json.loads(json.dumps(asdict(plan)))
    path = out / PLAN
    if path.exists() and json.loads(path.read_text("utf-8")) != wanted:
        raise CopeError(f"{out} holds a run of other data, methods or settings: name another folder.")
    path.write_text(json.dumps(wanted, indent=1) + "\n", "utf-8")
    done: dict[str, list[dict]] = {}
    lines = (out / PREDICTIONS).read_text("utf-8").split("\n") if (out / PREDICTIONS).exists() else []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the line at which the run was cut off
        done.setdefault(row["user"], []).append(row)
    sizes = {author.id: len(author.queries) * len(plan.methods) for author in authors}
    whole = {user: rows for user, rows in done.items() if len(rows) == sizes.get(user)}
    (out / PREDICTIONS).write_text(format_json_lines(row for rows in whole.values() for row in rows), "utf-8")
    return whole


def _append(path: Path, rows: list[dict]) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(format_json_lines(rows))
