"""Controls of a run: what every way of deciding does on the very texts that the authors wrote, and with other authors'
adapters. They need the run's kept fits and no new one.

An author's record holds, for each of their queries:

- "base_logps", "logps": log pi of the gold text under base and under every author's adapters (own and swapped), sums in
  nats; "tokens" is over how many.
- "right": by rule (see RULES), a string with 1 for every token of the gold text that the rule would have taken, else 0;
  "changed": the same for tokens that are other ones than those of the same adapter's plain rule.
- "swapped_right": how many tokens of each query another author's adapters get right.
- "pairs": what OPPU ranks right before DPO, of the fit's own candidates.
- "written": texts by another author's adapters, and samples of every method at SAMPLE_TEMPERATURE, with their scores.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from cope_demo.decode.methods import METHODS
from cope_demo.fit.examples import Example
from cope_demo.model.adapters import Lora, LoraBank, average_loras, name_mean, read_lora
from cope_demo.system.files import read_json_lines
from cope_demo.texts.lamp import Author

from .decisions import PLACEMENTS, Rule, apply_rules
from .measurement import Measurement
from .metrics import score_text
from .reading import Reader

ADAPTERS = {"oppu": "oppu", "cope": "oppu+dpo"}
"""An adapter and the method that writes by it alone."""
ALPHAS = (0.1, 0.3, 0.5, 1.0)
OTHERS_ALPHAS = (0.1, 0.3, 0.5)
"""The same of contrast with the mean of all other authors' adapters."""
SCALES = (1.1, 1 / (1 - 0.1), 1.2, 1.3, 1.5)
"""What a LoRA is multiplied with, without contrast; 1 / (1 - 0.1) is what contrast at alpha 0.1 does to first order."""
PENALTIES = (1.1, 1.2)
SWAPPED = ("oppu", "cope")
"""The methods that also write by another author's adapters: those of the next author of the file."""
SAMPLED = ("tam", "oppu", "oppu+dpo", "cope")
SAMPLES, SAMPLE_TEMPERATURE = 8, 0.7


def list_rules() -> list[Rule]:
    """Every way of deciding that is compared; a rule's name is its adapter's method and what differs from it."""
    rules = [Rule("tam", "")]
    for adapter, method in ADAPTERS.items():
        rules.append(Rule(method, adapter))
        rules += [Rule(f"{method} alpha {alpha:g}", adapter, alpha=alpha) for alpha in ALPHAS]
        rules += [
            Rule(f"{method} alpha {alpha:g} against mean", adapter, alpha=alpha, others=True) for alpha in OTHERS_ALPHAS
        ]
        rules += [Rule(f"{method} x {scale:.3g}", adapter, scale) for scale in SCALES]
        for penalty in PENALTIES:
            rules.append(Rule(f"{method} penalty {penalty:g}", adapter, penalty=penalty))
            rules += [
                Rule(f"{method} alpha 0.1 penalty {penalty:g} on {place}", adapter, 1.0, 0.1, penalty, place)
                for place in PLACEMENTS
            ]
    return rules


RULES = {rule.name: rule for rule in list_rules()}


def find_rules(authors: int) -> dict[str, Rule]:
    """Those of RULES that can be measured with so many authors."""
    return {name: rule for name, rule in RULES.items() if authors > 1 or not rule.others}


class Controls:
    """The controls of one run, ready to measure author after author.

    authors: all of the run whose fits are kept; each is read by everybody's adapters. samples: sampled texts a query.
    """

    def __init__(self, measurement: Measurement, authors: Sequence[Author], samples: int):
        self.run, self.authors, self.samples = measurement, list(authors), samples
        self.reader, self.rules = Reader(measurement.base), find_rules(len(self.authors))
        self._fits: dict[str, tuple[Path, dict[str, Lora]]] = {}

    def measure(self, author: Author) -> dict:
        """The author's record. Raises CopeError when a history of the run will not do."""
        examples, own = self._encode(author), self._read_fit(author)[1]
        logps, swapped = {name: {} for name in ADAPTERS}, {name: {} for name in ADAPTERS}
        decided = self._decide(examples, self.run.make_bank(own | self._average_others(author)))
        for name in ADAPTERS:
            logps[name][author.id] = decided["logps"][name]
        for other in self.authors:
            if other.id != author.id:
                sums, right = self._read_swapped(examples, self.run.make_bank(self._read_fit(other)[1]))
                for name in ADAPTERS:
                    logps[name][other.id], swapped[name][other.id] = sums[name], right[name]
        return {
            "author": author.id,
            "queries": [query.id for query in author.queries],
            "tokens": [len(example.response_ids) for example in examples],
            "base_logps": decided["logps"][""],
            "logps": logps,
            "right": decided["right"],
            "changed": decided["changed"],
            "swapped_right": swapped,
            "pairs": count_right_pairs(read_json_lines(self._read_fit(author)[0] / "pairs.jsonl")),
            "written": self._write(author, self.run.make_bank(own)),
        }

    def _encode(self, author: Author) -> list[Example]:
        """The queries' prompts and gold texts in tokens, as the bits of a run are measured."""
        base, limit = self.run.base, self.run.config.max_response_tokens
        return [
            Example(base.prompt_ids(self.run.task.prompt(query.input)), base.response_ids(query.gold, limit))
            for query in author.queries
        ]

    def _read_fit(self, author: Author) -> tuple[Path, dict[str, Lora]]:
        """The folder of the author's kept fit, and its adapters."""
        if author.id not in self._fits:
            folder = self.run.find_fit(author.samples(self.run.task))
            self._fits[author.id] = folder, {name: read_lora(folder / name, self.run.base.model) for name in ADAPTERS}
        return self._fits[author.id]

    def _average_others(self, author: Author) -> dict[str, Lora]:
        """The means of all other authors' adapters, by name_mean; nothing where there is no other."""
        others = [self._read_fit(other)[1] for other in self.authors if other.id != author.id]
        names = ADAPTERS if others else ()
        return {name_mean(name): average_loras([loras[name] for loras in others]) for name in names}

    def _decide(self, examples: Sequence[Example], bank: LoraBank) -> dict:
        """What every rule takes on the gold texts with the author's own adapters."""
        found = apply_rules(self.reader, examples, self.rules.values(), bank, self.run.settings.tau)
        chosen = {name: [tokens.tolist() for tokens in many] for name, many in found.chosen.items()}
        golds = [example.response_ids for example in examples]
        plain = {name: chosen[ADAPTERS[rule.adapter] if rule.adapter else "tam"] for name, rule in self.rules.items()}
        return {
            "logps": {name: _sum_each(found.logps[name]) for name in ("", *ADAPTERS)},
            "right": {name: _compare_all(tokens, golds, True) for name, tokens in chosen.items()},
            "changed": {name: _compare_all(chosen[name], plain[name], False) for name in self.rules},
        }

    def _read_swapped(self, examples: Sequence[Example], bank: LoraBank) -> tuple[dict, dict]:
        """By adapter of another author: log pi of every gold text, and how many of its tokens it gets right."""
        rules = [Rule(name, name) for name in ADAPTERS]
        found = apply_rules(self.reader, examples, rules, bank, self.run.settings.tau)
        golds = [torch.tensor(example.response_ids, device=self.run.base.device) for example in examples]
        right = {
            name: [int((tokens == gold).sum()) for tokens, gold in zip(many, golds, strict=True)]
            for name, many in found.chosen.items()
        }
        return {name: _sum_each(many) for name, many in found.logps.items()}, right

    def _write(self, author: Author, own: LoraBank) -> list[dict]:
        """The author's queries written by the next author's adapters, and sampled by every method with their own."""
        prompts = [self.run.task.prompt(query.input) for query in author.queries]
        rows = []
        if len(self.authors) > 1:
            ids = [one.id for one in self.authors]
            other = self.authors[(ids.index(author.id) + 1) % len(ids)]
            bank = self.run.make_bank(self._read_fit(other)[1])
            for method in SWAPPED:
                texts = self.run.write(prompts, method, bank, self.run.settings)
                rows += self._score(author, method, texts, 1, {"adapters_of": other.id})
        sampling = replace(self.run.settings, temperature=SAMPLE_TEMPERATURE)
        for method in SAMPLED if self.samples else ():
            if METHODS[method].personal or self.run.tam:
                texts = self.run.write(prompts, method, own, sampling, self.samples)
                rows += self._score(author, method, texts, self.samples, {})
        return rows

    @staticmethod
    def _score(author: Author, method: str, texts: Sequence[str], each: int, more: dict) -> list[dict]:
        """Rows of texts, `each` of every query one after the other."""
        queries = [query for query in author.queries for _ in range(each)]
        return [
            {"query": query.id, "method": method, **more, "text": text, **score_text(query.gold, text)}
            for query, text in zip(queries, texts, strict=True)
        ]


def count_right_pairs(pairs: Iterable[dict]) -> dict[str, dict[str, int]]:
    """Of a fit's pairs.jsonl, by part: how many "candidates" there are, and how many are ranked below the own text
    ("right"); the same of "texts" and their rejected candidates ("rejected_right").

    Ranked by OPPU's mean reward of a token at `negatives_alpha`, before DPO.
    """
    counts: dict[str, dict[str, int]] = {}
    for pair in pairs:
        part = counts.setdefault(pair["part"], {"candidates": 0, "right": 0, "texts": 0, "rejected_right": 0})
        part["candidates"] += len(pair["candidates"])
        part["right"] += sum(pair["chosen_reward"] > one["reward"] for one in pair["candidates"])
        part["texts"] += 1
        part["rejected_right"] += pair["chosen_reward"] > pair["rejected_reward"]
    return counts


def _sum_each(many: Sequence[torch.Tensor]) -> list[float]:
    return [round(float(logps.sum()), 4) for logps in many]


def _compare_all(tokens: Sequence[Sequence[int]], others: Sequence[Sequence[int]], equal: bool) -> list[str]:
    """Of every text a string with 1 where both have the same token (or with `equal` False another one)."""
    return [
        "".join("1" if (a == b) == equal else "0" for a, b in zip(own, other, strict=True))
        for own, other in zip(tokens, others, strict=True)
    ]
