"""The paper's tables on the reference code's data: fit every author, write every query by every method, compare.

A run is a folder. predictions.jsonl gets a line as soon as a query is written, so a run that was cut off goes on after
the last whole line; fits are kept by what they were made from and serve any later run. Nothing is chosen by chance but
by the seed, so a run continued gives the same table as one that was not cut off.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from . import fit
from .adapters import TAM, LoraBank, read_lora
from .base_model import BaseModel, load_base, sha256_file
from .config import DecodeConfig, FitConfig, cache_dir, check
from .decoding import DRIVERS, Engine, bank_of
from .errors import CopeError
from .history import History
from .lamp import USERS, Author, read_authors
from .metrics import METRICS, text_scores
from .prompting import EXAMPLES, PROFILE_TOKENS, profile_prompt, rag_prompt
from .results import summary, write_results
from .retrieval import most_similar
from .reward import bits_per_token
from .task_adapters import task_adapter
from .tasks import Sample, find_task
from .trace import TokenEvent

METHODS = {
    # method: (what it is fitted to: nothing, the task, or the person; the decoder's method)
    "base": ("", "base"),
    "rag": ("", "base"),
    "pag": ("", "base"),
    "tam": ("task", "base"),
    "oppu": ("person", "oppu"),
    "oppu+cd": ("person", "oppu+cd"),
    "oppu+dpo": ("person", "oppu+dpo"),
    "cope": ("person", "cope"),
}
LIKELIHOOD = ("base", "rag", "pag", "tam", "oppu", "oppu+dpo")
"""Methods that are a distribution over texts, so that bits per token of the gold text mean something."""
STAGES = {"history": "split.json", "oppu": "oppu", "negatives": "pairs.jsonl", "dpo": "cope"}
"""The fit's stages that an evaluation needs, and what each leaves behind."""
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
    config = replace(config or fit.configured(), seed=seed)
    defaults = {"repetition_penalty": task.repetition_penalty, "max_new_tokens": task.max_new_tokens}
    settings = DecodeConfig(**{**defaults, **(decode or {}), "alternatives": 0, "seed": seed})
    engine = Engine(load_base(model))
    tam = task_adapter(task_name, engine.base.identity)
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
    done = _opened(out, plan)
    run = _Run(plan, task, engine, settings, config, model, tam)
    skipped: dict[str, str] = {}
    started, fresh = time.monotonic(), 0
    for number, author in enumerate(authors):
        missing = [query for query in author.queries if (author.id, query.id) not in done]
        if missing:
            fresh += 1
            try:
                for rows in run.author(author, missing):
                    _append(out / PREDICTIONS, rows)
                    done[author.id, rows[0]["query"]] = rows
            except CopeError as error:
                skipped[author.id] = str(error)
            except (RuntimeError, ValueError, ArithmeticError) as error:
                skipped[author.id] = f"{type(error).__name__} while measuring this author; the others are not affected."
        elif not author.queries:
            skipped[author.id] = "No query with id, input and gold."
        passed = time.monotonic() - started
        tell(number + 1, len(authors), passed / max(1, fresh) * (len(authors) - number - 1))
    rows = [
        row for author in authors if author.id not in skipped for q in author.queries for row in done[author.id, q.id]
    ]
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
        self.kinds = {METHODS[method][0] for method in plan.methods}

    def author(self, author: Author, queries):
        """Yields for each query its lines of predictions.jsonl. Raises CopeError when the history will not do."""
        samples = author.samples(self.task)
        if not samples and {"rag", "pag", "oppu", "oppu+cd", "oppu+dpo", "cope"} & set(self.plan.methods):
            raise CopeError("The profile is empty: there is nothing to learn this author from.")
        bank = self._bank(samples)
        bare = LoraBank({}, torch.bfloat16, self.base.device)
        prompts = self._prompts(samples, queries)
        for query in queries:
            rows = {}
            for method in self.plan.methods:
                if METHODS[method][0] == "":
                    rows[method] = self._write(prompts[method][query.id], (method,), bare)[method]
            personal = tuple(method for method in self.plan.methods if METHODS[method][0])
            if personal:
                rows |= self._write(self.task.prompt(query.input), personal, bank)
            bits = self._bits(query, prompts, bank, bare)
            yield [
                {
                    "user": author.id,
                    "query": query.id,
                    "method": method,
                    "text": rows[method]["text"],
                    **text_scores(query.gold, rows[method]["text"]),
                    "bits": bits.get(method),
                    "seconds": round(rows[method]["seconds"], 3),
                }
                for method in self.plan.methods
            ]

    def _prompts(self, samples: list[Sample], queries) -> dict[str, dict[str, str]]:
        """method -> query id -> the prompt, for the methods that personalize by the prompt or not at all."""
        plain = {query.id: self.task.prompt(query.input) for query in queries}
        found = {"base": plain}
        if {"rag", "pag"} & set(self.plan.methods):
            asked = list(plain.values())
            near = most_similar(asked, [sample.prompt for sample in samples], EXAMPLES)
            similar = {key: [samples[i] for i in many] for key, many in zip(plain, near, strict=True)}
            found["rag"] = {key: rag_prompt(text, similar[key]) for key, text in plain.items()}
        if "pag" in self.plan.methods:
            asking = replace(self.settings, max_new_tokens=PROFILE_TOKENS, repetition_penalty=1.2)
            bare = LoraBank({}, torch.bfloat16, self.base.device)
            profile = self._write(profile_prompt(samples), ("base",), bare, asking)["base"]["text"]
            found["pag"] = {key: rag_prompt(text, similar[key], profile) for key, text in plain.items()}
        return found

    def _write(self, prompt: str, methods: tuple[str, ...], bank: LoraBank, settings=None) -> dict[str, dict]:
        """method -> its text and its share of the seconds; columns with the same decoder method are one."""
        started = time.monotonic()
        ways = tuple(dict.fromkeys(METHODS[method][1] for method in methods))
        texts = dict.fromkeys(ways, "")
        for event in self.engine.decode(self.base.prompt_ids(prompt), ways, bank, settings or self.settings):
            if isinstance(event, TokenEvent):
                texts[event.method] += event.token.text
        seconds = (time.monotonic() - started) / len(ways)
        return {method: {"text": texts[METHODS[method][1]], "seconds": seconds} for method in methods}

    def _bits(self, query, prompts, bank: LoraBank, bare: LoraBank) -> dict[str, float]:
        """Bits per token of the gold text under every likelihood method of the run."""
        found, cut = {}, self.config.max_response_tokens
        gold = self.base.response_ids(query.gold, cut)
        for method in LIKELIHOOD:
            if method in self.plan.methods:
                kind, way = METHODS[method]
                prompt = self.task.prompt(query.input) if kind else prompts[method][query.id]
                logps = self.engine.logps(self.base.prompt_ids(prompt), gold, DRIVERS[way][0], bank if kind else bare)
                found[method] = round(bits_per_token(logps), 4)
        return found

    def _bank(self, samples: list[Sample]) -> LoraBank:
        """The task's and the author's adapters, as far as the run's methods need them."""
        loras = {TAM: read_lora(self.tam.folder, self.base.model)} if self.tam else {}
        if "person" in self.kinds:
            adapters = {DRIVERS[METHODS[method][1]][0] for method in self.plan.methods} - {None}
            folder = self._fitted(samples, "cope" in adapters)
            loras |= {name: read_lora(folder / name, self.base.model) for name in sorted(adapters)}
        return bank_of(self.base, loras)

    def _fitted(self, samples: list[Sample], preferences: bool) -> Path:
        """The folder of a fit on these samples, made unless one of the very same inputs is there."""
        inputs = [asdict(self.config), self.base.identity, self.tam.sha256 if self.tam else None, self.plan.task]
        key = hashlib.sha256(json.dumps([*inputs, [asdict(s) for s in samples]]).encode()).hexdigest()[:32]
        folder = cache_dir() / "fits" / key
        if not (folder / "request.json").exists():
            history = History(samples, self.plan.task, len(samples))
            fit.prepare(folder, history, "author", model=self.model, config=self.config)
        for stage, made in STAGES.items():
            if (preferences or stage in ("history", "oppu")) and not (folder / made).exists():
                fit.run_stage(stage, folder, lambda event: None)
        return folder


def _opened(out: Path, plan: Plan) -> dict[tuple[str, str], list[dict]]:
    """The run's folder, made or continued: the rows of the queries that are done, by author and query."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = json.loads(json.dumps(asdict(plan)))
    path = out / PLAN
    if path.exists() and json.loads(path.read_text("utf-8")) != wanted:
        raise CopeError(f"{out} holds a run of other data, methods or settings: name another folder.")
    path.write_text(json.dumps(wanted, indent=1) + "\n", "utf-8")
    done: dict[tuple[str, str], list[dict]] = {}
    lines = (out / PREDICTIONS).read_text("utf-8").split("\n") if (out / PREDICTIONS).exists() else []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the line at which the run was cut off
        done.setdefault((row["user"], row["query"]), []).append(row)
    whole = {key: rows for key, rows in done.items() if len(rows) == len(plan.methods)}
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for rows in whole.values() for row in rows)
    (out / PREDICTIONS).write_text(text, "utf-8")
    return whole


def _append(path: Path, rows: list[dict]) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
