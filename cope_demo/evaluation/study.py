"""Runs of one task with several seeds, their controls, and what both say together.

OUT/seed-K is the run of seed K as `evaluate` leaves it (with one seed OUT itself), its folder controls/ has a record an
author. Both are kept as soon as an author is done, so a study that was cut off goes on; with more seeds than before
only these are measured.
"""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from cope_demo.config import DecodeConfig, FitConfig, check
from cope_demo.errors import CopeError
from cope_demo.system.files import read_json, read_json_lines, write_whole
from cope_demo.texts.lamp import USERS, Author, read_authors
from cope_demo.texts.tasks import find_task

from .attribution import Attribution
from .controls import SAMPLES, Controls, find_rules
from .endpoints import Replicate, Table, count_flips, tabulate_endpoints
from .eta import CONTROLS, TEXTS, Progress, Tell, estimate_controls, estimate_fit, estimate_texts
from .evaluate import PLAN, PREDICTIONS, RunSettings, evaluate, make_fits, make_settings, prepare_measurement
from .study_summary import count_pairs, summarize_table
from .study_text import format_study
from .workers import Run, open_workers

RECORDS = "controls"


def run_study(
    task_name: str,
    data: Path,
    methods: list[str],
    out: Path,
    *,
    users: int | None = None,
    seed: int = 0,
    seeds: int = 1,
    controls: bool = True,
    samples: int = SAMPLES,
    processes: int = 1,
    model: str | None = None,
    decode: dict | None = None,
    config: FitConfig | None = None,
    tell: Tell = lambda done, of, eta: None,
) -> dict:
    """Runs or continues `evaluate` for `seeds` seeds from `seed` on, and with `controls` the controls of each.

    Returns what OUT/results.json has under "study" (see study_summary.summarize_table, with "flips" and "pairs" of the
    controls); its tables are OUT/study.md. samples: texts that the controls sample for a query. processes: how
    many authors are measured at once. tell: the authors of a seed, first of its texts, then of its controls, and the
    time of the whole study. The other parameters and errors are those of `evaluate`.
    """
    check("seeds", seeds, 1, 100, whole=True)
    check("samples", samples, 0, 1000, whole=True)
    check("processes", processes, 1, 256, whole=True)
    authors, options = read_authors(data, USERS)[:users], {"model": model, "decode": decode, "config": config}
    if controls and not {"oppu", "cope"} <= set(methods):
        raise CopeError("The controls compare the methods oppu and cope: name both in --methods.")
    _check_layout(out, seeds)
    replicates, progress = [], Progress(tell, processes)
    for number in range(seed, seed + seeds):
        settings = make_settings(task_name, methods, number, model, decode, config)
        _expect_seed(progress, settings, authors, samples if controls else None)
    with open_workers(processes) as run:
        for number in range(seed, seed + seeds):
            folder = out if seeds == 1 else out / f"seed-{number}"
            told = {"run": run, "progress": progress}
            result = evaluate(task_name, data, methods, folder, users=users, seed=number, **told, **options)
            kept = [author for author in authors if author.id not in result["skipped"]]
            records = {author.id: _make_bare_record(author) for author in kept}
            if controls:
                settings = make_settings(task_name, methods, number, model, decode, config)
                records = measure_controls(settings, kept, folder / RECORDS, samples, **told)
            replicates.append(Replicate(number, records, _read_rows(folder), _read_decode(folder)))
    replicates = share_authors(replicates)
    study = summarize_study(replicates, tabulate_study(task_name, replicates, authors))
    path = out / "results.json"
    whole = (read_json(path) if path.exists() else {"task": task_name}) | {"study": study}
    write_whole(path, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    write_whole(out / "study.md", format_study(task_name, study))
    return study


def measure_controls(
    settings: RunSettings, authors: Sequence[Author], folder: Path, samples: int, run: Run, progress: Progress
) -> dict[str, dict]:
    """The records of these authors, by id; what is missing in `folder` is measured and kept there.

    samples: texts that every method samples for a query.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {author.id: folder / f"{number:03}.json" for number, author in enumerate(authors)}
    records = {author.id: read_json(paths[author.id]) for author in authors if paths[author.id].exists()}
    wanted = [author for author in authors if not _is_of(records.get(author.id, {}), author, authors, samples)]
    if wanted:
        make_fits(authors, settings, run, progress)  # the cache may have been emptied, and no two may make the same one
    measurement = prepare_measurement(settings)
    works = {author.id: estimate_controls(measurement, author, len(authors), samples) for author in wanted}
    progress.begin((settings.seed, CONTROLS), works, len(authors) - len(wanted))
    measure = partial(_measure_record, settings, tuple(authors), samples)
    for author, outcome, seconds in run(measure, wanted):
        if isinstance(outcome, Exception):
            raise outcome
        write_whole(paths[author.id], json.dumps(outcome, ensure_ascii=False) + "\n")
        records[author.id] = outcome
        progress.count(author.id, seconds)
    return records


def _expect_seed(progress: Progress, settings: RunSettings, authors: Sequence[Author], samples: int | None) -> None:
    """What a seed's texts will take, and with `samples` its controls."""
    run, able = prepare_measurement(settings), [author for author in authors if author.queries]
    works = {author.id: estimate_fit(run, author) + estimate_texts(run, author) for author in able}
    progress.expect((settings.seed, TEXTS), works)
    if samples is not None:
        works = {author.id: estimate_controls(run, author, len(able), samples) for author in able}
        progress.expect((settings.seed, CONTROLS), works)


def _measure_record(settings: RunSettings, authors: tuple[Author, ...], samples: int, author: Author) -> dict:
    """One author's record; a process keeps the last run's adapters."""
    key = settings, tuple(one.id for one in authors), samples
    if _LAST.get("key") != key:
        _LAST.update(key=key, controls=Controls(prepare_measurement(settings), authors, samples))
    return _LAST["controls"].measure(author)


_LAST: dict = {}


def read_replicate(folder: Path) -> Replicate:
    """A run as it lies in its folder, with or without controls, of the authors who are done.

    Raises CopeError when it cannot be read.
    """
    try:
        return _read_replicate(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CopeError(f"The run in {folder} cannot be read ({type(error).__name__}): run evaluate again.") from error


def share_authors(replicates: Sequence[Replicate]) -> list[Replicate]:
    """The same with the authors that all of them have, each found among these. Raises CopeError where there is none."""
    shared = set.intersection(*(set(one.records) for one in replicates))
    if not shared:
        raise CopeError("The seeds have no author in common: measure the same authors with each.")
    own = [author for author in replicates[0].records if author in shared]
    return [replace(one, records={name: _drop_others(one.records[name], shared) for name in own}) for one in replicates]


def _drop_others(record: dict, authors: Collection[str]) -> dict:
    """A record without what the adapters of any but these authors say of its texts."""
    if "logps" not in record:
        return record
    logps = {name: {one: by[one] for one in by if one in authors} for name, by in record["logps"].items()}
    return record | {"logps": logps}


def tabulate_study(task_name: str, replicates: Sequence[Replicate], authors: Sequence[Author]) -> Table:
    """All endpoints of a task's runs with the same authors. authors: all of the data who may be among them."""
    task, own = find_task(task_name), [author for author in authors if author.id in replicates[0].records]
    histories = {author.id: [sample.response for sample in author.samples(task)] for author in own}
    golds = {author.id: {query.id: query.gold for query in author.queries} for author in own}
    attribution = Attribution(histories) if len(own) > 1 else None
    return tabulate_endpoints(replicates, histories, golds, attribution)


def summarize_study(replicates: Sequence[Replicate], table: Table) -> dict:
    """The numbers of a task's runs with the same authors. table: their endpoints."""
    records = replicates[0].records.values()
    return {
        "seeds": [one.seed for one in replicates],
        "users": len(records),
        "queries": sum(len(record["queries"]) for record in records),
        **summarize_table([table]),
        "flips": count_flips(replicates),
        "pairs": count_pairs(replicates),
    }


def _check_layout(out: Path, seeds: int) -> None:
    """Raises CopeError where `out` has runs of the other layout: a seed might be measured and counted twice."""
    if seeds > 1 and (out / PLAN).exists():
        raise CopeError(f"{out} holds a run of one seed, K: move its files into {out / 'seed-K'} first.")
    if seeds == 1 and (own := sorted(out.glob(f"seed-*/{PLAN}"))):
        raise CopeError(f"{out} holds runs of several seeds: name the folder of one, such as {own[0].parent}.")


def _is_of(record: dict, author: Author, authors: Sequence[Author], samples: int) -> bool:
    """Whether the record is this author's, read by all of these authors' adapters under all of today's rules, with at
    least as many samples a query."""
    if record.get("author") != author.id:
        return False
    sampled = Counter((row["method"], row["query"]) for row in record["written"] if "adapters_of" not in row)
    return (
        set(record["logps"]["oppu"]) == {one.id for one in authors}
        and set(record["right"]) >= set(find_rules(len(authors)))
        and min(sampled.values(), default=0) >= samples
    )


def _make_bare_record(author: Author) -> dict:
    return {"author": author.id, "queries": [query.id for query in author.queries], "written": []}


def _read_replicate(folder: Path) -> Replicate:
    plan, rows = read_json(folder / PLAN), _read_rows(folder)
    whole = [read_json(path) for path in sorted((folder / RECORDS).glob("*.json"))]
    records = {record["author"]: record for record in whole if record["author"] in rows}
    if not records:
        records = {
            user: {"author": user, "queries": list(dict.fromkeys(row["query"] for row in many)), "written": []}
            for user, many in rows.items()
        }
    return Replicate(plan["fit"]["seed"], records, rows, _read_decode(folder))


def _read_decode(folder: Path) -> DecodeConfig:
    return DecodeConfig(**read_json(folder / PLAN)["decode"])


def _read_rows(folder: Path) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {}
    for row in read_json_lines(folder / PREDICTIONS):
        rows.setdefault(row["user"], []).append(row)
    return rows
