"""What is measured of a task's runs, query by query: endpoint -> method -> author -> seed -> values.

ROUGE and METEOR count words shared with one text; these can see a person: whether a way of deciding takes the author's
next token, whether an author's adapter knows its author's text among all, and whether a written text is attributed to
its author. Copying from the history and repetition stand beside as guards.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy

from cope_demo.config import DecodeConfig

from .attribution import Attribution
from .controls import ADAPTERS, RULES
from .copying import measure_copying, measure_repetition
from .identification import rank_author, subtract_base
from .metrics import METRICS

Table = dict[str, dict[str, dict[str, dict[int, list[float]]]]]
"""endpoint -> method -> author -> seed -> one value a query."""
OF_READING = (
    *("agreement", "agreement as written", "changed"),
    *("nats", "identification", "identification pairwise", "margin"),
)
"""Endpoints of the authors' own texts, which a record of the controls tells by itself; all others are of texts that
were written."""
GOLD = "gold"
"""The author's own text, where it stands as a method: the most that an endpoint can see."""


@dataclass(frozen=True)
class Replicate:
    """A run of a task with one seed: records of its controls and the rows of predictions.jsonl, by author.

    Where no controls were measured, a record has "author", "queries" and an empty "written" alone. One that was kept
    without the run's rows (records.py) has the "endpoints" of its texts: endpoint -> method -> one value a query.
    decode: the settings by which the run wrote, as its plan has them.
    """

    seed: int
    records: Mapping[str, dict]
    rows: Mapping[str, Sequence[dict]] = field(default_factory=dict)
    decode: DecodeConfig = DecodeConfig()


def tabulate_endpoints(
    replicates: Sequence[Replicate],
    histories: Mapping[str, Sequence[str]] | None = None,
    golds: Mapping[str, Mapping[str, str]] | None = None,
    attribution: Attribution | None = None,
) -> Table:
    """All endpoints of a task.

    histories: author -> texts. golds: author -> query -> the author's own text. Records that have the endpoints of
    their texts need neither, nor an attribution.
    """
    table: Table = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    for replicate in replicates:
        for author, record in replicate.records.items():
            read = "right" in record
            found = [*_read_decisions(record, replicate.decode), *_read_likelihoods(record)] if read else []
            if "endpoints" in record:
                found += [(name, key, own) for name, many in record["endpoints"].items() for key, own in many.items()]
            else:
                written = _group_texts(record, replicate.rows.get(author, ()), golds[author])
                found += _read_scores(written)
                found += _read_guards(written, histories[author])
                found += _attribute(written, author, attribution) if attribution else []
            for endpoint, method, values in found:
                table[endpoint][method][author][replicate.seed] = values
    return {name: {method: dict(by) for method, by in methods.items()} for name, methods in table.items()}


def count_flips(replicates: Sequence[Replicate]) -> dict[str, dict[str, int]]:
    """Of every rule over all texts and seeds: "tokens", those it takes otherwise than the plain rule of its adapter
    ("changed"), and of these the ones that became the author's ("gained") or were ("lost")."""
    counts = {}
    for name, rule in RULES.items():
        plain = ADAPTERS[rule.adapter] if rule.adapter else "tam"
        total = dict.fromkeys(("tokens", "changed", "gained", "lost"), 0)
        for record in (record for one in replicates for record in one.records.values()):
            if name not in record.get("right", ()):
                continue
            right, before, changed = ("".join(record[key][n]) for key, n in _columns(name, plain))
            total["tokens"] += len(right)
            total["changed"] += changed.count("1")
            total["gained"] += sum(now > then for now, then in zip(right, before, strict=True))
            total["lost"] += sum(now < then for now, then in zip(right, before, strict=True))
        counts[name] = total
    return counts


def _columns(name: str, plain: str) -> tuple[tuple[str, str], ...]:
    return ("right", name), ("right", plain), ("changed", name)


Found = Iterator[tuple[str, str, list[float]]]


def name_rules(decode: DecodeConfig, penalized: bool = False) -> dict[str, str]:
    """The rules (controls.RULES) by which methods decide at a run's settings, as far as it may have them: method ->
    rule. penalized: with the repetition penalty of the texts that the run wrote.
    """
    alpha, plain, contrasted = decode.alpha, "", ""
    if penalized and decode.repetition_penalty != 1:
        plain = f" penalty {decode.repetition_penalty:g}"
        contrasted = f"{plain} on {decode.penalty_on}"
    found = {
        "oppu": f"oppu{plain}",
        "oppu+dpo": f"oppu+dpo{plain}",
        "oppu+cd": f"oppu alpha {alpha:g}{contrasted}",
        "cope": f"oppu+dpo alpha {alpha:g}{contrasted}",
    }
    if plain:
        return found
    if alpha < 1 or decode.scale is not None:
        found["oppu-scaled"] = f"oppu x {decode.lora_scale:.3g}"
    return found | {
        "against-mean": f"oppu+dpo alpha {alpha:g} against mean",
        "oppu-against-mean": f"oppu alpha {alpha:g} against mean",
    }


def _read_decisions(record: dict, decode: DecodeConfig) -> Found:
    """Next-token agreement with the gold text by rule, and how often a rule takes another token than the plain one."""
    for name in (name for name in RULES if name in record["right"]):
        yield "agreement", name, [_share(bits) for bits in record["right"][name]]
        yield "changed", name, [_share(bits) for bits in record["changed"][name]]
    for endpoint, penalized in (("agreement", False), ("agreement as written", True)):
        for method, rule in name_rules(decode, penalized).items():
            if rule in record["right"]:
                yield endpoint, method, [_share(bits) for bits in record["right"][rule]]
    for adapter, by_other in record["swapped_right"].items():
        if by_other:
            right = numpy.mean(list(by_other.values()), 0) / record["tokens"]
            yield "agreement", f"{ADAPTERS[adapter]} swapped", right.tolist()


def _read_likelihoods(record: dict) -> Found:
    """log pi a token of the gold text, and identification, by adapter."""
    author, tokens, base = record["author"], record["tokens"], record["base_logps"]
    yield "nats", "tam", [value / count for value, count in zip(base, tokens, strict=True)]
    for adapter, method in ADAPTERS.items():
        scores = subtract_base(record["logps"][adapter], base, tokens)
        own, others = scores[author], [values for name, values in scores.items() if name != author]
        yield "nats", method, _add(own, base, tokens)
        if others:
            strangers = numpy.mean(others, 0).tolist()
            yield "nats", f"{method} swapped", _add(strangers, base, tokens)
            first, pairwise = rank_author(scores, author)
            yield "identification", method, first
            yield "identification pairwise", method, pairwise
            yield "margin", method, [mine - other for mine, other in zip(own, strangers, strict=True)]


def _group_texts(record: dict, rows: Sequence[dict], golds: Mapping[str, str]) -> dict[str, dict[str, list[dict]]]:
    """method -> query -> rows with a text: greedy ones, "METHOD swapped", "METHOD sampled", and GOLD."""
    written: dict[str, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    for row in (*rows, *record["written"]):
        greedy = "bits" in row  # a row of predictions.jsonl
        kind = "" if greedy else " swapped" if "adapters_of" in row else " sampled"
        written[row["method"] + kind][row["query"]].append(row)
    for query in record["queries"]:
        written[GOLD][query].append({"text": golds[query]})
    return {
        method: {query: by_query[query] for query in record["queries"]}
        for method, by_query in written.items()
        if set(by_query) >= set(record["queries"])
    }


def _read_scores(written: Mapping[str, Mapping[str, Sequence[dict]]]) -> Found:
    """ROUGE and METEOR; of samples their mean."""
    for method, by_query in written.items():
        if method != GOLD:
            for metric in METRICS:
                yield metric, method, [float(numpy.mean([row[metric] for row in rows])) for rows in by_query.values()]


def _read_guards(written: Mapping[str, Mapping[str, Sequence[dict]]], history: Sequence[str]) -> Found:
    """Copying from the author's history, and repetition."""
    for method, by_query in written.items():
        texts = [[row["text"] for row in rows] for rows in by_query.values()]
        yield "copied", method, [_mean(measure_copying(text, history) for text in many) for many in texts]
        yield "repeated", method, [_mean(measure_repetition(text) for text in many) for many in texts]


def _attribute(written: Mapping[str, Mapping[str, Sequence[dict]]], author: str, attribution: Attribution) -> Found:
    """How a text is attributed: to the query's author; one by another's adapters also to these adapters' author."""
    for method, by_query in written.items():
        rows = [row for many in by_query.values() for row in many]
        sizes = [len(many) for many in by_query.values()]
        whom = {"": author} | ({" to its adapters": rows[0]["adapters_of"]} if "adapters_of" in rows[0] else {})
        for kind in attribution.kinds:
            scores = attribution.score([row["text"] for row in rows], kind)
            for suffix, writer in whom.items():
                first, pairwise = rank_author(scores, writer)
                yield f"attribution by {kind}", method + suffix, _average(first, sizes)
                yield f"attribution by {kind} pairwise", method + suffix, _average(pairwise, sizes)


def _average(values: Sequence[float], sizes: Sequence[int]) -> list[float]:
    """The means of consecutive groups of these sizes."""
    ends = numpy.cumsum(sizes)
    return [float(numpy.mean(values[end - size : end])) for size, end in zip(sizes, ends, strict=True)]


def _mean(values: Iterator[float]) -> float:
    return float(numpy.mean(list(values)))


def _share(bits: str) -> float:
    return bits.count("1") / len(bits)


def _add(ratios: Sequence[float], base: Sequence[float], tokens: Sequence[int]) -> list[float]:
    return [ratio + value / count for ratio, value, count in zip(ratios, base, tokens, strict=True)]
