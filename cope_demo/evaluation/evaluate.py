"""The paper's tables on the reference code's data: fit every author, write every query by every method, compare.

A run is a folder. predictions.jsonl gets an author's lines as soon as they are written, so a run that was cut off goes
on with the next author; fits are kept by what they were made from and serve any later run. Nothing is chosen by chance
but by the seed, so a run continued gives the same table as one that was not cut off.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

from cope_demo.config import DecodeConfig, FitConfig, check, complete_plan, read_fit_config
from cope_demo.decode.engine import Engine
from cope_demo.decode.forward import is_known
from cope_demo.decode.methods import METHODS, list_evaluated
from cope_demo.errors import CopeError
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.model.task_adapters import TaskAdapter, find_task_adapter
from cope_demo.system.files import format_json_lines, read_json, sha256_file, write_whole
from cope_demo.texts.lamp import USERS, Author, read_authors
from cope_demo.texts.tasks import find_task

from .eta import FITS, TEXTS, Progress, estimate_fit, estimate_texts
from .measurement import Measurement
from .metrics import METRICS
from .results import summarize_rows, write_results
from .workers import Run, run_here

PREDICTIONS, PLAN = "predictions.jsonl", "plan.json"

BROKEN = (RuntimeError, ValueError, ArithmeticError)
"""What leaves an author out and does not end a run."""


@dataclass(frozen=True)
class Plan:
    """What a run measures; two runs in one folder must have the same.

    users: authors at most, the first ones of the file. decode, fit: settings; the decoding's length and penalty are the
    task's unless given. compute: the type that fits and given texts are computed in, as arithmetic.py chooses it.
    """

    task: str
    methods: tuple[str, ...]
    data_sha256: str
    model: str
    task_adapter: str | None
    users: int | None
    decode: dict = field(default_factory=dict)
    fit: dict = field(default_factory=dict)
    compute: str = "float32"


@dataclass(frozen=True)
class RunSettings:
    """What a run's measurement is made of; the parameters of `evaluate`. decode: the items of its dict."""

    task: str
    methods: tuple[str, ...]
    seed: int
    model: str | None
    decode: tuple[tuple[str, float | str], ...]
    config: FitConfig


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
    run: Run = run_here,
    progress: Progress | None = None,
) -> dict:
    """Runs or continues an evaluation in `out` and returns what results.json holds.

    methods: of those that methods.list_evaluated names. users: that many authors, None for all. decode: DecodeConfig
    fields that differ from the task's defaults. config: how authors are fitted. run: measures the authors, see
    workers.py. progress: is told of each. One author who cannot be measured is reported under "skipped" and does not
    end the run. Raises CopeError for data or settings that will not do, or for another run in `out`.
    """
    find_task(task_name)
    _check_options(methods, users)
    authors = read_authors(data, USERS)[:users]
    settings = make_settings(task_name, methods, seed, model, decode, config)
    methods = settings.methods
    measurement = prepare_measurement(settings)
    tam = measurement.tam
    plan = Plan(
        task_name,
        methods,
        sha256_file(Path(data) / USERS),
        measurement.base.identity,
        tam.sha256 if tam else None,
        users,
        asdict(measurement.settings),
        asdict(measurement.config),
        measurement.base.compute,
    )
    done = _open_run(out, plan, authors)
    skipped = _measure_authors(authors, settings, out, done, run, progress or Progress())
    rows = [row for author in authors if author.id not in skipped for row in done[author.id]]
    if not rows:
        raise CopeError(f"No author could be measured: {next(iter(skipped.values()), 'the file has no queries')}")
    result = summarize_rows(rows, methods, METRICS, seed)
    result = {"task": task_name, **result, "skipped": skipped, "plan": asdict(plan)}
    write_results(out, result)
    return result


def make_settings(
    task_name: str, methods: Sequence[str], seed: int, model: str | None, decode: dict | None, config: FitConfig | None
) -> RunSettings:
    """The settings of a run, from the parameters of `evaluate`."""
    config = replace(config or read_fit_config(), seed=seed)
    return RunSettings(
        task_name, tuple(dict.fromkeys(methods)), seed, model, tuple(sorted((decode or {}).items())), config
    )


def prepare_measurement(settings: RunSettings, authors: Sequence[Author] = ()) -> Measurement:
    """The model and settings of a run; its model stays loaded. Raises CopeError where a task adapter is lacking.

    authors: all of the run, for methods that contrast with other authors.
    """
    task = find_task(settings.task)
    defaults = {"repetition_penalty": task.repetition_penalty, "max_new_tokens": task.max_new_tokens}
    decode = DecodeConfig(**{**defaults, **dict(settings.decode), "alternatives": 0, "seed": settings.seed})
    reader, writer = _load_engines(settings.model)
    tam = _find_tam(settings.task, reader.base, settings.methods)
    methods = [METHODS[name] for name in settings.methods]
    return Measurement(task, methods, reader, writer, decode, settings.config, settings.model, tam, authors)


@lru_cache(maxsize=1)
def _load_engines(model: str | None) -> tuple[Engine, Engine]:
    """What reads given texts, with weights that stay unpacked as batches are large, and what writes.

    On a CPU a model that the shared pass knows is loaded once more for it, which writes three times as fast.
    """
    reader = Engine(load_base(model, trainable=True))
    if reader.base.device.type == "cpu" and is_known(reader.base.model):
        return reader, Engine(load_base(model))
    return reader, reader


def _measure_author(settings: RunSettings, authors: Sequence[Author], author: Author) -> list[dict]:
    return prepare_measurement(settings, authors).measure(author)


def _make_fit(settings: RunSettings, author: Author) -> None:
    prepare_measurement(settings).make_fit(author)


def _check_options(methods: Sequence[str], users: int | None) -> None:
    for method in methods:
        if method not in list_evaluated():
            raise CopeError(f"There is no method {method!r}; choose from {', '.join(list_evaluated())}.")
    if users is not None:
        check("users", users, 1, 10**6, whole=True)


def _find_tam(task_name: str, base: BaseModel, methods: Sequence[str]) -> TaskAdapter | None:
    """The task's adapter for this base. Raises CopeError where a method needs one and there is none."""
    tam = find_task_adapter(task_name, base.identity)
    if tam is None and "tam" in methods:
        raise CopeError(
            f"There is no task adapter for {task_name} and {base.name}: train it with `python -m cope_demo tam "
            f"--task {task_name}`, or leave the method tam out."
        )
    return tam


def _measure_authors(
    authors: Sequence[Author],
    settings: RunSettings,
    out: Path,
    done: dict[str, list[dict]],
    run: Run,
    progress: Progress,
) -> dict[str, str]:
    """Measures the authors who are not in `done` yet, adds their rows there and to the run's file.

    Returns why an author was left out, by id.
    """
    skipped = {author.id: "No query with id, input and gold." for author in authors if not author.queries}
    wanted = [author for author in authors if author.id not in skipped and author.id not in done]
    measurement = prepare_measurement(settings)
    works = {one.id: estimate_texts(measurement, one) for one in wanted}
    if wanted and any(METHODS[name].amateur != "base" for name in settings.methods):
        progress.expect((settings.seed, TEXTS), works)
        make_fits(authors, settings, run, progress)
    works = {one.id: works[one.id] + estimate_fit(measurement, one) for one in wanted}
    progress.begin((settings.seed, TEXTS), works, len(authors) - len(wanted))
    for author, outcome, seconds in run(partial(_measure_author, settings, tuple(authors)), wanted):
        if isinstance(outcome, CopeError):
            skipped[author.id] = str(outcome)
        elif isinstance(outcome, BROKEN):
            skipped[author.id] = f"{type(outcome).__name__} while measuring this author; the others are not affected."
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            _append_rows(out / PREDICTIONS, outcome)
            done[author.id] = outcome
        progress.count(author.id, None if isinstance(outcome, Exception) else seconds)
    return {author.id: skipped[author.id] for author in authors if author.id in skipped}


def make_fits(authors: Sequence[Author], settings: RunSettings, run: Run, progress: Progress) -> None:
    """Makes every author's fit before any is measured, as an author's texts need the others' too, and no two processes
    may make the same one. What will not do is said of each author when they are measured."""
    measurement = prepare_measurement(settings)
    works = {one.id: estimate_fit(measurement, one) for one in authors if one.queries and one.profile}
    lacking = [author for author in authors if works.get(author.id)]
    progress.begin((settings.seed, FITS), {one.id: works[one.id] for one in lacking}, len(authors) - len(lacking))
    for author, outcome, seconds in run(partial(_make_fit, settings), lacking):
        if isinstance(outcome, Exception) and not isinstance(outcome, (CopeError, *BROKEN)):
            raise outcome
        progress.count(author.id, None if isinstance(outcome, Exception) else seconds)


def _open_run(out: Path, plan: Plan, authors: list[Author]) -> dict[str, list[dict]]:
    """The run's folder, made or continued: the rows of the authors that are done, by their id."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = json.loads(json.dumps(asdict(plan)))
    path = out / PLAN
    known = complete_plan(_read_plan(path)) if path.exists() else None
    if known and {"compute": wanted["compute"]} | known != wanted:  # an older one does not name its type
        raise CopeError(f"{out} holds a run of other data, methods, settings or arithmetic: name another folder.")
    if known != wanted:
        write_whole(path, json.dumps(wanted, indent=1) + "\n")
    done: dict[str, list[dict]] = {}
    rows = out / PREDICTIONS
    text = rows.read_text("utf-8", "replace") if rows.exists() else ""  # it may have been cut off within a letter
    for line in text.split("\n"):
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the line at which the run was cut off
        done.setdefault(row["user"], []).append(row)
    sizes = {author.id: len(author.queries) * len(plan.methods) for author in authors}
    whole = {user: rows for user, rows in done.items() if len(rows) == sizes.get(user)}
    kept = format_json_lines(row for own in whole.values() for row in own)
    if kept != text:
        write_whole(rows, kept)
    return whole


def _read_plan(path: Path) -> dict:
    try:
        return read_json(path)
    except ValueError as error:
        raise CopeError(f"{path} cannot be read: remove it, or name another folder.") from error


def _append_rows(path: Path, rows: list[dict]) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(format_json_lines(rows))
