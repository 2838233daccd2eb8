"""The sweep behind FitConfig's defaults, on dev authors in the reference code's format.

    python -m benchmarks.fit_sweep oppu DATA OUT.jsonl --task news_headline --users 4
    python -m benchmarks.fit_sweep stacked DATA OUT.jsonl --task news_headline --users 4
    python -m benchmarks.fit_sweep dpo  DATA OUT.jsonl --task news_headline --users 4
    python -m benchmarks.fit_sweep table OUT.jsonl

`oppu` fits each user with each setting and measures bits per token of the queries' gold texts; `stacked` does so on the
task's adapter and with all of a user's records instead of the newest 40. `dpo` continues the
default OPPU adapter with each setting of candidates and DPO, decodes the queries, and measures ROUGE-L. Each result is
a line of OUT; a run that was cut off goes on after the last line. `table` prints the means over users, each with its
difference from the first setting and that difference's 95 % interval by paired bootstrap over users. Quick: the first
user with the newest 8 texts and two queries.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy
import torch
from rouge_score.rouge_scorer import RougeScorer

from benchmarks.common import print_machine
from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.trace import TokenEvent
from cope_demo.fit.candidates import sample_candidates
from cope_demo.fit.dpo import TokenPair, train_dpo
from cope_demo.fit.examples import encode
from cope_demo.fit.negatives import Candidate, score_candidates, select_rejected
from cope_demo.fit.oppu import train_oppu
from cope_demo.fit.response_logps import response_logps
from cope_demo.fit.training import apply_saved_adapter, quiet_libraries, reuse_memory
from cope_demo.model.adapters import read_lora
from cope_demo.model.base_model import load_base
from cope_demo.reward import bits_per_token
from cope_demo.system.files import read_json_lines
from cope_demo.texts.tasks import TASKS, Sample

OPPU = {
    "lr 2e-4": dict(oppu_learning_rate=2e-4),
    "lr 5e-4": dict(oppu_learning_rate=5e-4),
    "lr 1e-3": dict(oppu_learning_rate=1e-3),
    "lr 2e-3": dict(oppu_learning_rate=2e-3),
    "lr 1e-3, 2 epochs": dict(oppu_learning_rate=1e-3, oppu_epochs=2),
    "lr 5e-4, 5 epochs": dict(oppu_learning_rate=5e-4, oppu_epochs=5),
    "lr 1e-3, attention only": dict(oppu_learning_rate=1e-3, lora_targets="q_proj,k_proj,v_proj,o_proj"),
    "lr 1e-3, rank 16": dict(oppu_learning_rate=1e-3, lora_rank=16, lora_alpha=32),
    "lr 1e-3, batch 8": dict(oppu_learning_rate=1e-3, oppu_batch=8),
}
STACKED = {
    "lr 5e-5": dict(stacked_learning_rate=5e-5),
    "lr 1e-4": dict(stacked_learning_rate=1e-4),
    "lr 2e-4": dict(stacked_learning_rate=2e-4),
    "lr 5e-4": dict(stacked_learning_rate=5e-4),
    "lr 1e-3": dict(stacked_learning_rate=1e-3),
}
DPO = {
    "T 0.7 lowest, beta 0.02, 2e-4": dict(),
    "T 0.7 lowest, beta 0.02, 1e-4": dict(dpo_learning_rate=1e-4),
    "T 0.7 lowest, beta 0.02, 5e-5": dict(dpo_learning_rate=5e-5),
    "T 0.7 hardest, beta 0.02, 1e-4": dict(dpo_learning_rate=1e-4, selection="hardest"),
    "greedy, beta 0.02, 1e-4": dict(dpo_learning_rate=1e-4, candidate_temperature=0.0),
    "T 0.7 lowest, beta 0.1, 5e-5": dict(beta=0.1, dpo_learning_rate=5e-5),
}
"""Candidates were scored at alpha 0.1 then, as decoding does."""
ALPHAS = (0.1, 0.3)


def read_users(data: Path, count: int) -> list[dict]:
    """Evenly spaced users of the file, so that no choice of ours is in it."""
    users = json.loads((data / "user_top_100_history.json").read_text("utf-8"))
    return users[:: max(1, len(users) // count)][:count]


def ignore_event(event) -> None:
    """Progress is not wanted here."""


def sweep_oppu(base, task, user, scratch: Path, record) -> None:
    """Bits per token of the queries' gold under base and under each setting's adapter."""
    samples = [task.sample(row) for row in user["profile"]]
    settings, samples = (STACKED, samples) if base.tam else (OPPU, samples[-40:])
    queries = [encode(base, Sample(task.prompt(q["input"]), q["gold"]), FitConfig()) for q in user["query"]]
    pad = base.tokenizer.pad_token_id
    record("base", lambda: {"bits": bits_per_token(torch.cat(response_logps(base.model, queries, pad)))})
    for name, change in settings.items():

        def run(change=change):
            config = replace(FitConfig(), **change)
            started = time.process_time()
            train_oppu(base, [encode(base, s, config) for s in samples], config, scratch / "a", ignore_event)
            spent = (time.process_time() - started) / torch.get_num_threads()
            with apply_saved_adapter(base, scratch / "a") as model:
                return {"bits": bits_per_token(torch.cat(response_logps(model, queries, pad))), "seconds": spent}

        record(name, run)


def sweep_dpo(base, engine, task, user, scratch: Path, record) -> None:
    """ROUGE-L of the queries, decoded with every setting's adapters; `oppu` stands in every line for comparison."""
    samples = [task.sample(row) for row in user["profile"]][-40:]
    own = [encode(base, s, FitConfig()) for s in samples]
    queries = [encode(base, Sample(task.prompt(q["input"]), q["gold"]), FitConfig()) for q in user["query"]]
    oppu = scratch / "oppu"
    scored: dict = {}

    def sample_and_score(config):
        key = (config.candidate_temperature, config.candidate_top_p)
        if key not in scored:
            answers = sample_candidates(base, own, config, ignore_event)
            scored[key] = answers, score_candidates(base, oppu, own, answers)
        return scored[key]

    for name, change in DPO.items():

        def run(change=change):
            config = replace(FitConfig(), negatives_alpha=0.1, **change)
            if not oppu.exists():
                train_oppu(base, own, config, oppu, ignore_event)
            pairs, result = select_pairs(own, *sample_and_score(config), config)
            losses: list[float] = []
            train_dpo(base, oppu, pairs, config, scratch / "cope", lambda e: losses.append(e.loss) if e.loss else None)
            result |= {"loss first": losses[0], "loss last": losses[-1]}
            for kind in ("oppu", "cope"):
                with apply_saved_adapter(base, scratch / kind) as model:
                    logps = response_logps(model, queries, base.tokenizer.pad_token_id)
                    result[f"bits {kind}"] = bits_per_token(torch.cat(logps))
            return result | measure_rouge(base, engine, task, user, scratch, greedy=not change)

        record(name, run)


def select_pairs(own, answers, scores, config: FitConfig) -> tuple[list[TokenPair], dict]:
    """The pairs that the setting selects, and how OPPU ranks them before DPO: mean margin times beta, share right."""
    pairs, margins = [], []
    for place, example in enumerate(own):
        oppu, amateur = scores.own["oppu"][place], scores.own["base"][place]
        good = Candidate(example.response_ids, float(oppu.mean()), float(amateur.mean()))
        bad = select_rejected(scores.make_candidates(place, answers[place]), good, config)[0]
        n, chosen = len(bad.response_ids), float(amateur.sum())
        pairs.append(TokenPair(example.prompt_ids, example.response_ids, bad.response_ids, chosen, bad.base_sum()))
        margins.append(float(oppu.sum()) - chosen - n * (bad.logp_user - bad.logp_base))
    mean = sum(config.beta * margin for margin in margins) / len(margins)
    return pairs, {"margin before": mean, "right before": sum(margin > 0 for margin in margins) / len(margins)}


def measure_rouge(base, engine, task, user, scratch: Path, greedy: bool) -> dict[str, float]:
    """Mean ROUGE-L of the queries by method, and by alpha where it counts, with the adapters in `scratch`."""
    bank = make_bank(base, {kind: read_lora(scratch / kind, base.model) for kind in ("oppu", "cope")})
    rouge, result = RougeScorer(["rougeL"], use_stemmer=True), {}
    for alpha in ALPHAS:
        decode = DecodeConfig(
            alpha=alpha,
            repetition_penalty=task.repetition_penalty,
            max_new_tokens=min(task.max_new_tokens, 100),
            alternatives=0,
        )
        methods = ("oppu", "oppu+dpo", "oppu+cd", "cope") if alpha == ALPHAS[0] else ("oppu+cd", "cope")
        if alpha == ALPHAS[0] and greedy:
            methods = ("greedy", *methods)
        ids: dict[tuple, list[int]] = {}
        for number, query in enumerate(user["query"]):
            for event in engine.decode(base.prompt_ids(task.prompt(query["input"])), methods, bank, decode):
                if isinstance(event, TokenEvent):
                    ids.setdefault((event.method, number), []).append(event.token.id)
        for method in methods:
            scores = []
            for number, query in enumerate(user["query"]):
                text = base.tokenizer.decode(ids[method, number], skip_special_tokens=True)
                scores.append(rouge.score(query["gold"], text)["rougeL"].fmeasure)
            fixed = method in ("greedy", "oppu", "oppu+dpo")
            result[method if fixed else f"{method} {alpha}"] = sum(scores) / len(scores)
    return result


def print_table(path: Path) -> None:
    """The results of one file as Markdown tables, one a task."""
    rows = read_json_lines(path)
    for task in dict.fromkeys(row["task"] for row in rows):
        found: dict[str, dict[str, dict]] = {}
        for row in rows:
            if row["task"] == task:
                found.setdefault(row["setting"], {})[row["user"]] = row
        users = set.intersection(*(set(by_user) for by_user in found.values()))
        numbers = [key for key in next(iter(found.values()))[min(users)] if key not in ("task", "user", "setting")]
        shared = [key for key in numbers if all(key in by_user[user] for by_user in found.values() for user in users)]
        print(f"\n{task}, {len(users)} users\n\n| setting | {' | '.join(shared)} |\n|{'---|' * (len(shared) + 1)}")
        for setting, by_user in found.items():
            cells = []
            for key in shared:
                values = numpy.array([by_user[user][key] for user in sorted(users)])
                first = numpy.array([next(iter(found.values()))[user][key] for user in sorted(users)])
                resampled = numpy.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
                low, high = numpy.percentile((values - first)[resampled].mean(1), [2.5, 97.5])
                span = "" if setting == next(iter(found)) else f" ({low:+.3f}, {high:+.3f})"
                cells.append(f"{values.mean():.3f}{span}")
            print(f"| {setting} | {' | '.join(cells)} |")


def main() -> None:
    """Runs the sweep for every user, skipping what OUT already holds; or prints what it holds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("stage", choices=["oppu", "stacked", "dpo", "table"])
    parser.add_argument("data", type=Path, help="folder with a folder for each task; for table the results themselves")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--task", default="news_headline")
    parser.add_argument("--users", type=int, default=4)
    parser.add_argument("--settings", nargs="*", help="only these settings, by name")
    parser.add_argument("--quick", action="store_true", help="one user, with the newest 8 texts of the history")
    options = parser.parse_args()
    options.users = 1 if options.quick else options.users
    if options.stage == "table":
        return print_table(options.data)
    if options.out is None:
        parser.error("OUT is missing: name the file for the results")
    quiet_libraries()
    reuse_memory()
    print_machine()
    base = load_base(trainable=True, task=options.task if options.stage == "stacked" else None)
    engine = Engine(load_base()) if options.stage == "dpo" else None
    done = set()
    if options.out.exists():
        for line in options.out.read_text("utf-8").split("\n"):
            if line:
                row = json.loads(line)
                done.add((row["task"], row["user"], row["setting"]))
    for user in read_users(options.data / options.task, options.users):
        if options.quick:
            user = {**user, "profile": user["profile"][-8:], "query": user["query"][:2]}
        with TemporaryDirectory() as folder:

            def record(setting, run, user=user):
                key = (options.task, user["user_id"], setting)
                if key in done or (options.settings and setting not in options.settings):
                    return
                row = dict(zip(("task", "user", "setting"), key, strict=True)) | run()
                with open(options.out, "a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)

            task = TASKS[options.task]
            if options.stage != "dpo":
                sweep_oppu(base, task, user, Path(folder), record)
            else:
                sweep_dpo(base, engine, task, user, Path(folder), record)


if __name__ == "__main__":
    main()
