"""What each preference setting makes of OPPU, on the texts that dev authors wrote themselves: nothing is decoded.

    python -m benchmarks.preference_sweep run DATA/news_headline OUT.jsonl --users 6
    python -m benchmarks.preference_sweep table OUT.jsonl
    python -m benchmarks.preference_sweep alpha DATA/news_headline --users 6 --settings default

Every setting of SETTINGS continues the same OPPU adapters (kept fits are used again). Each author's adapter then reads
the query texts of all authors: its own author's, which tells how well it knows them and, with contrast, which token it
would have taken next; and the others', so that it can be told whether an author's adapter knows their text better than
a stranger's does. OUT gets a line an adapter, and a run that was cut off goes on; --part 0/2 and 1/2 are halves for two
processes. `table` compares with OPPU: differences are paired by author, with their 95 % interval by Student's t.
`alpha` says with which alpha contrast agrees best with the texts that the fits have held out, and so not with queries.
Quick: two authors with the newest 8 texts and two queries, the first two settings.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy
import torch

from benchmarks.common import print_machine
from cope_demo.config import FitConfig
from cope_demo.evaluation.alpha_choice import choose_alpha
from cope_demo.evaluation.decisions import Rule, apply_rules
from cope_demo.evaluation.evaluate import make_settings, prepare_measurement
from cope_demo.evaluation.identification import rank_author, subtract_base
from cope_demo.evaluation.kept_fits import PARTS
from cope_demo.evaluation.measurement import Measurement
from cope_demo.evaluation.reading import Reader
from cope_demo.evaluation.replicates import estimate_mean
from cope_demo.fit.examples import Example, encode
from cope_demo.fit.training import quiet_libraries, reuse_memory
from cope_demo.model.adapters import read_lora
from cope_demo.system.files import read_json_lines
from cope_demo.texts.lamp import USERS, Author, read_authors

OPPUS = dict(candidate_source="oppu", candidate_temperature=1.0)
SETTINGS = {
    "default": {},
    "all pairs": dict(selection="all"),
    "OPPU's, all": dict(selection="all", **OPPUS),
    "OPPU's, misranked": dict(selection="misranked", **OPPUS),
    "by length": dict(dpo_token_beta=1.0),
    "OPPU's, all, by length": dict(selection="all", dpo_token_beta=1.0, **OPPUS),
    "OPPU's, misranked, by length": dict(selection="misranked", dpo_token_beta=1.0, **OPPUS),
    "default, likelihood": dict(dpo_sft_weight=1.0),
    "OPPU's, all, likelihood": dict(selection="all", dpo_sft_weight=1.0, **OPPUS),
    "misranked": dict(selection="misranked"),
    "hardest": dict(selection="hardest"),
    "all, beta 0.1": dict(selection="all", beta=0.1),
    "all, 2e-4": dict(selection="all", dpo_stacked_learning_rate=2e-4),
    "OPPU's, all, beta 0.1": dict(selection="all", beta=0.1, **OPPUS),
    "OPPU's, all, 2e-4": dict(selection="all", dpo_stacked_learning_rate=2e-4, **OPPUS),
    "OPPU's, all, by length, beta 5": dict(selection="all", dpo_token_beta=5.0, **OPPUS),
    "OPPU's, all, by length, likelihood": dict(selection="all", dpo_token_beta=1.0, dpo_sft_weight=1.0, **OPPUS),
    "one held out": dict(holdout=1),
    "3 seeds": dict(seeds_averaged=3),
    "384 tokens": dict(max_response_tokens=384),
}
"""By name, what differs from FitConfig's defaults: candidates, selection and the loss. The last three change OPPU,
too, which then has lines of its own."""
ALPHAS = (0.1, 0.3, 0.5)
PLAIN = Rule("plain", "own")
READ_TOKENS = 384
"""Tokens of a query's text that are read, at most."""


def run(options) -> None:
    """Measures what OUT does not hold yet."""
    quiet_libraries()
    reuse_memory()
    print_machine()
    done = {_key(row) for row in _read(options.out)}
    authors = pick_authors(options)
    part, of = map(int, options.part.split("/"))
    reader = None
    for name in ("OPPU", *options.settings):
        change = SETTINGS.get(name, {})
        config = replace(FitConfig(), **change)
        measurement = prepare_measurement(make_settings(options.task, ["oppu", "cope"], 0, None, None, config))
        reader = reader or Reader(measurement.base)
        for adapter in list_adapters(name):
            for author in authors[part::of]:
                row = {"task": options.task, "setting": name, "adapter": adapter, "author": author.id}
                if _key(row) in done:
                    continue
                started = time.monotonic()
                folder = measurement.find_fit(author.samples(measurement.task), adapter == "cope")
                row["fit seconds"] = round(time.monotonic() - started, 1)
                row |= read_texts(measurement, reader, authors, author, folder / adapter)
                with open(options.out, "a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                seconds = f"{time.monotonic() - started:.0f} s, of them {row['fit seconds']:.0f} for the fit"
                print(f"{name}, {adapter}, {author.id}: {sum(row['logps'][author.id]):.1f} nats, {seconds}", flush=True)


def compare_alphas(options) -> None:
    """Prints every setting's agreement by alpha, and the alpha that it speaks for."""
    quiet_libraries()
    reuse_memory()
    authors = pick_authors(options)
    print("| setting | texts | alpha | agreement | less that at 0 | chosen |\n|---|---|---|---|---|---|")
    for name in options.settings:
        config = replace(FitConfig(), **SETTINGS[name])
        measurement = prepare_measurement(make_settings(options.task, ["oppu", "cope"], 0, None, None, config))
        found = choose_alpha(measurement, authors)
        for alpha, share in found.agreement.items():
            low, high = found.differences[alpha].ends
            cells = [name, found.texts, f"{alpha:g}", f"{share:.3f}", f"({low:+.3f}, {high:+.3f})"]
            print(f"| {' | '.join(map(str, cells))} | {'x' if alpha == found.alpha else ''} |", flush=True)


def pick_authors(options) -> list[Author]:
    """The first authors of the file, as `evaluate` takes them, each with the newest texts."""
    authors = read_authors(options.data, USERS)[: options.users]
    texts, queries = (8, 2) if options.quick else (options.texts, None)
    return [replace(one, profile=one.profile[-texts:], queries=one.queries[:queries]) for one in authors]


def list_adapters(setting: str) -> list[str]:
    """The adapters of a setting that are measured; what changes the preference stage alone has the same OPPU."""
    if setting == "OPPU":
        return ["oppu"]
    return ["cope"] if all(name.startswith(PARTS[0].later) for name in SETTINGS[setting]) else ["oppu", "cope"]


def read_texts(
    measurement: Measurement, reader: Reader, authors: Sequence[Author], owner: Author, adapter: Path
) -> dict:
    """What the adapter of `owner` says of everybody's query texts.

    "logps": author -> of each text the sum of log pi, in nats. "base", "tokens": of the owner's texts log pi of base,
    and over how many tokens; "right": by rule how many of them it would have taken; "ends": log pi of the token that
    ends them, None where a text is cut before it.
    """
    bank, tau = measurement.make_bank({"own": read_lora(adapter, measurement.base.model)}), measurement.settings.tau
    result: dict = {"logps": {}}
    for author in authors:
        examples, mine = _encode(measurement, author), author.id == owner.id
        found = apply_rules(reader, examples, list_rules() if mine else [PLAIN], bank, tau)
        result["logps"][author.id] = [round(float(logps.sum()), 4) for logps in found.logps["own"]]
        if mine:
            ids = [torch.tensor(example.response_ids) for example in examples]
            whole = [int(own[-1]) in measurement.base.end_ids for own in ids]
            ends = zip(found.logps["own"], whole, strict=True)
            result |= {
                "base": [round(float(logps.sum()), 4) for logps in found.logps[""]],
                "tokens": [len(own) for own in ids],
                "ends": [round(float(logps[-1]), 4) if ended else None for logps, ended in ends],
                "right": {
                    name: [int((taken == own).sum()) for taken, own in zip(many, ids, strict=True)]
                    for name, many in found.chosen.items()
                },
            }
    return result


def list_rules() -> list[Rule]:
    """How the next token is taken: by the adapter alone, and contrasted with base."""
    return [PLAIN, *(Rule(f"alpha {alpha:g}", "own", alpha=alpha) for alpha in ALPHAS)]


def _encode(measurement: Measurement, author: Author) -> list[Example]:
    """The author's queries and texts in tokens: the same ones for every setting."""
    config = replace(FitConfig(), max_response_tokens=READ_TOKENS)
    return [encode(measurement.base, sample, config) for sample in author.query_samples(measurement.task)]


def table(path: Path) -> None:
    """A line a setting, on the authors that it has in common with OPPU."""
    rows = _read(path)
    for task in dict.fromkeys(row["task"] for row in rows):
        found: dict[str, dict[str, dict]] = {}
        for row in rows:
            if row["task"] == task:
                alone = row["adapter"] == "oppu" and row["setting"] != "OPPU"
                found.setdefault(row["setting"] + ", OPPU alone" * alone, {})[row["author"]] = row
        first, titles = found["OPPU"], False
        for name, by_author in found.items():
            shared = by_author.keys() & first.keys()
            if len(shared) < 2:
                continue
            own, oppu = ({author: many[author] for author in shared} for many in (by_author, first))
            before, cells = dict(measure_authors(oppu, oppu)), [f"{name}, {len(shared)} authors"]
            if not titles:
                titles = True
                print(f"\n{task}\n\n| setting | {' | '.join(before)} |\n|{'---|' * (len(before) + 1)}")
            for endpoint, values in measure_authors(own, oppu):
                low, high = estimate_mean([values - before[endpoint]]).ends
                span = "" if name == "OPPU" else f" ({low:+.3f}, {high:+.3f})"
                cells.append(f"{values.mean():.3f}{span}")
            print(f"| {' | '.join(cells)} |")


def measure_authors(by_author: dict[str, dict], first: dict[str, dict]) -> Iterator[tuple[str, numpy.ndarray]]:
    """Every endpoint's name and each author's value, (authors,). first: rows of OPPU, for base's numbers."""
    authors = sorted(by_author)
    tokens, base = ({author: first[author][key] for author in authors} for key in ("tokens", "base"))
    gains = {a: subtract_base({b: by_author[b]["logps"][a] for b in authors}, base[a], tokens[a]) for a in authors}
    bare = {a: numpy.divide(base[a], tokens[a]).mean() for a in authors}
    own = {a: numpy.mean(gains[a][a]) for a in authors}
    other = {a: numpy.mean([gains[a][b] for b in authors if b != a]) for a in authors}
    yield "own, nats", numpy.array([own[a] + bare[a] for a in authors])
    yield "strangers', nats", numpy.array([other[a] + bare[a] for a in authors])
    yield "margin", numpy.array([own[a] - other[a] for a in authors])
    ranks = [rank_author(gains[a], a) for a in authors]
    yield "found", numpy.array([numpy.mean(top) for top, _ in ranks])
    yield "in pairs", numpy.array([numpy.mean(pairwise) for _, pairwise in ranks])
    ends = [[value for value in by_author[a].get("ends", ()) if value is not None] for a in authors]
    if all(ends):
        yield "its end, nats", numpy.array([numpy.mean(many) for many in ends])
    for rule in list_rules():
        right = [numpy.divide(by_author[a]["right"][rule.name], tokens[a]).mean() for a in authors]
        yield f"right, {rule.name}", numpy.array(right)


def _key(row: dict) -> tuple:
    return tuple(row[name] for name in ("task", "setting", "adapter", "author"))


def _read(path: Path) -> list[dict]:
    return read_json_lines(path) if path.exists() else []


def main() -> None:
    """Measures, or prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["run", "table", "alpha"])
    parser.add_argument("data", type=Path, help="a task's folder; for table the results themselves")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--task", default="news_headline")
    parser.add_argument("--users", type=int, default=6)
    parser.add_argument("--texts", type=int, default=40, help="the newest texts of an author")
    parser.add_argument("--settings", nargs="*", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--quick", action="store_true", help="two authors, 8 texts, two settings")
    options = parser.parse_args()
    if options.quick:
        options.users, options.settings = 2, options.settings[:2]
    if options.what == "table":
        table(options.data)
    elif options.what == "alpha":
        compare_alphas(options)
    elif options.out is None:
        parser.error("OUT is missing: name the file for the results")
    else:
        run(options)


if __name__ == "__main__":
    main()
