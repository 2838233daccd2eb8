"""The search behind CoPe's settings, on dev authors of one task with its task adapter: ROUGE-L of what they write.

    python -m benchmarks.cope_sweep run DATA/news_headline OUT.jsonl --settings "lowest, beta 0.02, 1e-4"
    python -m benchmarks.cope_sweep table OUT.jsonl

For every preference setting of PREFERENCES the authors' fits are made (kept fits are used again), and their queries are
answered by oppu+dpo and cope; by oppu and oppu+cd once. OUT gets a line an author, setting, method and decoding, and a
run that was cut off goes on. --part 0/2 and 1/2 are halves for two processes. Quick: the first author and
query, the newest 8 texts, one setting.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.common import print_machine
from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import METHODS
from cope_demo.evaluation.kept_fits import get_kept_fit
from cope_demo.evaluation.metrics import score_text
from cope_demo.evaluation.significance import Bootstrap
from cope_demo.fit.training import quiet_libraries, reuse_memory
from cope_demo.model.adapters import TAM, Lora, read_lora
from cope_demo.model.base_model import load_base
from cope_demo.model.task_adapters import find_task_adapter
from cope_demo.reward import bits_per_token
from cope_demo.system.files import read_json_lines
from cope_demo.texts.lamp import USERS, read_authors
from cope_demo.texts.tasks import find_task

PREFERENCES = {
    "greedy, beta 0.1, 5e-5": dict(candidate_temperature=0.0, beta=0.1, dpo_stacked_learning_rate=5e-5),
    "greedy, beta 0.02, 1e-4": dict(candidate_temperature=0.0, beta=0.02, dpo_stacked_learning_rate=1e-4),
    "lowest, beta 0.02, 1e-4": dict(beta=0.02, dpo_stacked_learning_rate=1e-4),
    "lowest, beta 0.1, 5e-5": dict(beta=0.1, dpo_stacked_learning_rate=5e-5),
    "hardest, beta 0.02, 1e-4": dict(selection="hardest", beta=0.02, dpo_stacked_learning_rate=1e-4),
    "hardest, beta 0.01, 2e-4": dict(selection="hardest", beta=0.01, dpo_stacked_learning_rate=2e-4),
}
DECODINGS = {
    "alpha 0.1": dict(alpha=0.1),
    "alpha 0.2": dict(alpha=0.2),
    "alpha 0.3": dict(alpha=0.3),
    "alpha 0.5": dict(alpha=0.5),
    "alpha 0.3, tau 0.3": dict(alpha=0.3, tau=0.3),
    "alpha 0.5, tau 0.3": dict(alpha=0.5, tau=0.3),
    "alpha 0.1, bare amateur": dict(alpha=0.1),
    "alpha 0.3, bare amateur": dict(alpha=0.3),
    "alpha 0.5, bare amateur": dict(alpha=0.5),
}
"""Contrast is with the task adapter, or with the model without it."""


def merge_loras(tam: Lora, lora: Lora) -> Lora:
    """Both adapters as one, so that a row without it is the model without the task adapter."""
    weights = {}
    for path, (down, up) in lora.weights.items():
        first, second = tam.weights[path]
        weights[path] = torch.cat([first.float(), down.float()], 0), torch.cat([second.float(), up.float()], 1)
    return Lora(weights, tam.rank + lora.rank)


def run(options) -> None:
    """Measures what OUT does not hold yet."""
    quiet_libraries()
    reuse_memory()
    print_machine()
    task = find_task(options.task)
    base = load_base(trainable=True)
    engine, tam = Engine(base), find_task_adapter(options.task, base.identity)
    done = set()
    if options.out.exists():
        rows = read_json_lines(options.out)
        done = {(row["user"], row["setting"], row["method"], row["decoding"]) for row in rows}
    part, of = map(int, options.part.split("/"))
    fit = replace(FitConfig(), **json.loads(options.fit))
    name = "" if fit == FitConfig() else f" {options.fit}"
    plain = DecodeConfig(alternatives=0, repetition_penalty=task.repetition_penalty, max_new_tokens=task.max_new_tokens)
    for author in read_authors(options.data, USERS)[: options.users][part::of]:
        samples = author.samples(task)[-8 if options.quick else None :]
        queries = author.queries[: 1 if options.quick else None]
        asked = [base.prompt_ids(task.prompt(query.input)) for query in queries]
        known: dict[Path, Lora] = {}

        def measure(
            setting, method, decoding, folder, change, author=author, queries=queries, asked=asked, known=known
        ):
            if (author.id, setting, method, decoding) in done:
                return
            loras = {TAM: read_lora(tam.folder, base.model)} if tam else {}
            if folder:
                kind = METHODS[method].adapter
                path = folder(kind == "cope") / kind
                loras[kind] = known[path] = known.get(path) or read_lora(path, base.model)
                if "bare" in decoding:
                    loras = {kind: merge_loras(loras[TAM], loras[kind])}
            answers = engine.write(asked, method, make_bank(base, loras), replace(plain, **change))
            texts = [base.tokenizer.decode(ids, skip_special_tokens=True) for ids in answers]
            scores = [score_text(query.gold, text) for query, text in zip(queries, texts, strict=True)]
            row = {"user": author.id, "setting": setting, "method": method, "decoding": decoding}
            row |= {key: [score[key] for score in scores] for key in scores[0]}
            row |= {"words": [len(text.split()) for text in texts], "texts": texts}
            if not change:
                golds = [base.response_ids(query.gold, fit.max_response_tokens) for query in queries]
                pairs, bank = zip(asked, golds, strict=True), make_bank(base, loras)
                adapter = METHODS[method].adapter if METHODS[method].personal else None
                logps = [engine.logps(prompt, gold, adapter, bank) for prompt, gold in pairs]
                row["bits"] = [bits_per_token(values) for values in logps]
            with open(options.out, "a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

        def folder_of(config, samples=samples):
            return lambda whole: get_kept_fit(samples, task.name, config, base, tam, None, whole)

        measure("", "tam", "", None, {})
        supervised = folder_of(fit)
        measure(name, "oppu", "", supervised, {})
        for decoding in options.decodings:
            measure(name, "oppu+cd", decoding, supervised, DECODINGS[decoding])
        for setting in options.settings:
            folder = folder_of(replace(fit, **PREFERENCES[setting]))
            measure(setting + name, "oppu+dpo", "", folder, {})
            for decoding in options.decodings:
                measure(setting + name, "cope", decoding, folder, DECODINGS[decoding])
        print(author.id, flush=True)


def table(path: Path, metric: str) -> None:
    """Means over queries and gains over tam and oppu, on the authors that every line has."""
    rows = read_json_lines(path)
    found: dict[tuple, dict[str, dict]] = {}
    for row in rows:
        found.setdefault((row["setting"], row["method"], row["decoding"]), {})[row["user"]] = row
    users = set.intersection(*(set(by_user) for by_user in found.values()))
    values = {key: {user: by_user[user][metric] for user in users} for key, by_user in found.items()}
    boot = Bootstrap(values)
    oppu = next(key for key in found if key[1] == "oppu")
    print(f"{len(users)} authors\n")
    print(f"| setting | method | decoding | {metric} | over tam | over oppu | words | bits |\n|{'---|' * 8}")
    for key in found:
        cells = []
        for over in (("", "tam", ""), oppu):
            low, high = boot.gain_interval(key, over)
            cells.append(f"{boot.gain(key, over):+.1%} [{low:+.1%}, {high:+.1%}]" if key != over else "")
        words = [count for user in users for count in found[key][user]["words"]]
        bits = [value for user in users for value in found[key][user].get("bits", [])]
        cells += [f"{sum(words) / len(words):.1f}", f"{sum(bits) / len(bits):.3f}" if bits else ""]
        print(f"| {' | '.join([*key, f'{boot.mean(key):.4f}', *cells])} |")


def main() -> None:
    """Measures, or prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("data", type=Path, help="a task's folder; for table the results themselves")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--task", default="news_headline")
    parser.add_argument("--users", type=int)
    parser.add_argument("--settings", nargs="*", default=list(PREFERENCES), choices=list(PREFERENCES))
    parser.add_argument("--fit", default="{}", help="FitConfig fields of the supervised stage, as JSON")
    parser.add_argument("--decodings", nargs="*", default=list(DECODINGS), choices=list(DECODINGS))
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--metric", default="rougeL")
    parser.add_argument("--quick", action="store_true", help="one author, 8 texts, one setting")
    options = parser.parse_args()
    if options.quick:
        options.users, options.settings, options.decodings = 1, options.settings[:1], options.decodings[:1]
    if options.what == "table":
        table(options.data, options.metric)
    elif options.out is None:
        parser.error("OUT is missing: name the file for the results")
    else:
        run(options)


if __name__ == "__main__":
    main()
