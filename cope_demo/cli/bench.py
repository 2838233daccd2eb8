"""The command `bench`: the figures that matter on this machine, in under three minutes.

Everything is measured in one process and one run, on the model that the page would load, with random adapters of the
default shape. speeds.py remembers what the fit took, and the page says from it how long another one takes.
"""

import gc
import math
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import torch

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS
from cope_demo.decode.trace import TokenEvent
from cope_demo.errors import CopeError
from cope_demo.fit import pipeline
from cope_demo.fit.eta import estimate_work
from cope_demo.fit.events import STAGES
from cope_demo.fit.examples import encode
from cope_demo.fit.speeds import estimate_fit
from cope_demo.model.adapters import Lora, LoraBank
from cope_demo.model.arithmetic import native_bfloat16
from cope_demo.model.base_model import BaseModel, find_model, load_base
from cope_demo.model.float32_products import name_library
from cope_demo.saved.store import Store
from cope_demo.system.cpu import describe_cpu, measure_reading
from cope_demo.system.files import read_json
from cope_demo.system.memory import return_memory, save_memory
from cope_demo.system.passing_threads import run_in_passing_thread
from cope_demo.texts.tasks import Sample

PLACES = ("bus", "train", "market", "ferry", "kitchen", "library", "shop", "garden", "school", "harbour")
PROMPTS = [
    f"Write a post about the {time} {place} and the people who go there."
    for time in ("night", "morning")
    for place in PLACES
]
"""Everybody asks for something else."""
VISITORS, PEOPLE = 20, 5
"""How many write at once, with the adapters of how many people."""
SECONDS = 165
"""What the whole command may take; a fit is measured whole where that is left for it."""
GENERATE_SECONDS = 25
"""A format whose `generate` would take longer than this is left out."""
WRITER = "ines"
"""The sample user whose texts are fitted: 40 of about 60 tokens."""


class Sizes:
    """How much is measured: tokens a text, tokens of each of many visitors, repetitions, texts of the short fit."""

    def __init__(self, quick: bool):
        self.tokens, self.shared, self.rounds, self.texts = (6, 3, 1, 5) if quick else (32, 32, 3, 9)
        self.quick = quick


def describe_machine() -> dict:
    """The CPU with its read bandwidth, and how torch computes on it."""
    held = {"native_bfloat16": native_bfloat16(), "torch": torch.backends.cpu.get_cpu_capability()}
    return {**describe_cpu(), **held, "read_gb_s": round(measure_reading(), 1)}


def make_random_lora(base: BaseModel, seed: int) -> Lora:
    """An adapter of the default shape whose numbers are random, on all linear layers but the head."""
    rank, random, weights = FitConfig().lora_rank, torch.Generator().manual_seed(seed), {}
    head = base.model.get_output_embeddings()
    for path, layer in base.model.named_modules():
        if isinstance(layer, torch.nn.Linear) and layer is not head:
            down = torch.randn(rank, layer.in_features, generator=random) / layer.in_features**0.5
            weights[path] = (down, torch.randn(layer.out_features, rank, generator=random) * 0.01)
    return Lora(weights, rank)


def count_read_bytes(base: BaseModel, loras: dict[str, Lora]) -> int:
    """The bytes of weights that a step of three columns reads at least.

    NF4 codes of 4 bits and a float32 scale for every 64 of them, the head in bfloat16, the adapters in float32.
    """
    from cope_demo.model.quiet_bitsandbytes import Linear4bit

    layers = [layer for layer in base.model.modules() if isinstance(layer, Linear4bit)]
    quantized = sum(layer.in_features * layer.out_features for layer in layers)
    adapters = sum(part.numel() for lora in loras.values() for pair in lora.weights.values() for part in pair)
    return quantized // 2 + quantized // 64 * 4 + 2 * base.model.get_output_embeddings().weight.numel() + 4 * adapters


class Decoding:
    """Three columns with full traces, of one visitor and of many. Every column writes all its tokens."""

    def __init__(self, base: BaseModel, sizes: Sizes):
        base.end_ids = frozenset()
        self.base, self.sizes, self.engine = base, sizes, Engine(base)
        self.loras = [
            {name: make_random_lora(base, 2 * person + number) for number, name in enumerate(("oppu", "cope"))}
            for person in range(PEOPLE)
        ]
        self.banks: list[LoraBank] = [make_bank(base, loras) for loras in self.loras]

    def write(self, tokens: int, person: int = 0, owner: object = None) -> list[float]:
        """When each token of the first column came, in seconds since it was asked for."""
        started, config = time.perf_counter(), DecodeConfig(max_new_tokens=tokens)
        ids = self.base.prompt_ids(PROMPTS[person % len(PROMPTS)])
        request = self.engine.join(ids, COLUMNS, self.banks[person % PEOPLE], config)
        return [
            time.perf_counter() - started
            for event in self.engine.run([request], owner)
            if isinstance(event, TokenEvent) and event.method == COLUMNS[0]
        ]

    def measure_alone(self) -> dict:
        """Figures of a visitor who is alone."""
        self.write(4)  # loops are compiled, layers are repacked
        runs = [self.write(self.sizes.tokens) for _ in range(self.sizes.rounds)]
        step = statistics.median((run[-1] - run[0]) / (len(run) - 1) for run in runs)
        first = statistics.median(run[0] for run in runs)
        rate = statistics.median(len(COLUMNS) * len(run) / run[-1] for run in runs)
        return {"step_ms": _ms(step), "first_token_ms": _ms(first), "tokens_per_s_alone": round(rate, 1)}

    def measure_together(self) -> dict:
        """Figures of VISITORS who press at once: tokens a second in all, the first token's 95th percentile."""
        first: list[float] = []
        threads = [
            threading.Thread(target=lambda n=n: first.append(self.write(self.sizes.shared, n, n)[0]), daemon=True)
            for n in range(VISITORS)
        ]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(first) < VISITORS:
            raise CopeError(f"Only {len(first)} of {VISITORS} visitors who write at once got an answer.")
        rate = VISITORS * len(COLUMNS) * self.sizes.shared / (time.perf_counter() - started)
        last = sorted(first)[math.ceil(0.95 * VISITORS) - 1]
        return {"tokens_per_s_20_visitors": round(rate, 1), "first_token_20_visitors_ms": _ms(last)}


def measure_generate(model: torch.nn.Module, ids: list[int], tokens: int) -> float | None:
    """Milliseconds a token of transformers' plain greedy `generate`; None where that takes GENERATE_SECONDS."""
    rows = torch.tensor([ids], device=model.device)

    def generate(count: int) -> float:
        started = time.perf_counter()
        lengths = {"max_new_tokens": count, "min_new_tokens": count, "do_sample": False, "pad_token_id": 0}
        model.generate(rows, attention_mask=torch.ones_like(rows), **lengths)
        return time.perf_counter() - started

    generate(2)
    if generate(2) / 2 * tokens > GENERATE_SECONDS:
        return None
    return _ms(generate(tokens) / tokens)


def measure_formats(base: BaseModel, path: str, tokens: int) -> dict[str, float | None]:
    """`generate` of the same weights by format."""
    from transformers import AutoModelForCausalLM

    ids = base.prompt_ids(PROMPTS[0])
    found = {"nf4": measure_generate(base.model, ids, tokens)}
    for name in ("bfloat16", "float32"):
        plain = AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, name)).eval().to(base.device)
        found[name] = measure_generate(plain, ids, tokens)
        del plain
        gc.collect()
    return found


def compare_step(figures: dict) -> dict:
    """A step as a multiple of the fastest plain `generate`, and of reading its weights once."""
    step, ways = figures["step_ms"], [value for value in figures["generate_ms"].values() if value is not None]
    over_generate = {"step_over_generate": round(step / min(ways), 2)} if ways else {}
    return {**over_generate, "step_over_floor": round(step / figures["read_floor_ms"], 1)}


Seconds = dict[str, float]


def measure_fit(samples: list[Sample], model: str | None, config: FitConfig) -> tuple[Seconds, Seconds]:
    """Seconds of each stage of a whole fit of these texts, and how many of them passed before the stage's work began;
    the first one loads the model."""
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        pipeline.prepare(scratch, samples, "free_writing", "bench", model=model, config=config)
        for stage in STAGES[:-1]:
            pipeline.run_stage(stage, scratch, lambda event: None)
        return read_json(scratch / "times.json"), read_json(scratch / "setup.json")


def scale_fit(
    base: BaseModel, times: Seconds, setup: Seconds, few: list[Sample], many: list[Sample], config: FitConfig
) -> float:
    """Seconds of a fit of many texts, from what each stage took for few: by the tokens that it works on, but for what
    passed before its work began."""

    def work(samples: list[Sample]) -> dict[str, float]:
        examples = [encode(base, sample, config) for sample in samples]
        held = min(config.holdout, max(1, len(samples) // 5))
        return estimate_work(examples[held:], examples[:held], config)

    less, more = work(few), work(many)
    return sum(setup.values()) + sum((times[stage] - setup[stage]) * more[stage] / less[stage] for stage in less)


def time_fit(base: BaseModel, model: str | None, sizes: Sizes, left: Callable[[], float]) -> dict:
    """Seconds of a fit of 40 texts: measured where that is left of SECONDS, else estimated from one of few texts.

    left: seconds that are left; whether a whole fit ends in them is told by the last fits here, else by the short one.
    """
    samples, config = Store().open(WRITER).history(), replace(pipeline.read_fit_config(), seed=0)
    expected, how = estimate_fit(samples, model, config), "estimated"
    if expected is None or sizes.quick or expected > left():
        few = samples[:: len(samples) // sizes.texts][: sizes.texts]
        expected = scale_fit(base, *measure_fit(few, model, config), few, samples, config)
    if not sizes.quick and expected < left():
        expected, how = sum(measure_fit(samples, model, config)[0].values()), "measured"
    return {"fit_40_s": round(expected, 1), "fit_40": how}


def measure_all(model: str | None, quick: bool, tell: Callable[[dict], None] = lambda figures: None) -> dict:
    """All figures. tell: is called with each part of them as soon as it is measured."""
    from cope_demo.fit.training import quiet_libraries

    quiet_libraries()
    begun, figures, sizes = time.monotonic(), {}, Sizes(quick)

    def note(part: dict) -> None:
        figures.update(part)
        tell(part)

    save_memory()
    # As in a server, nothing but the decoder keeps threads of its own (system/passing_threads.py).
    note({"cpu": run_in_passing_thread(describe_machine)})
    started = time.perf_counter()
    base = run_in_passing_thread(lambda: load_base(model))
    note({"model": base.name, "compute": base.compute, "load_s": round(time.perf_counter() - started, 1)})
    note({"float32_products": run_in_passing_thread(name_library)})
    decoding = run_in_passing_thread(lambda: Decoding(base, sizes))
    return_memory()
    note({"decoding": decoding.engine.describe()})
    note(decoding.measure_alone())
    size = count_read_bytes(base, decoding.loras[0])
    note({"read_mb": round(size / 1e6), "read_floor_ms": round(size / 1e6 / figures["cpu"]["read_gb_s"], 2)})
    note(decoding.measure_together())
    note({"memory_mb": round(psutil.Process().memory_info().rss / 1e6)})
    path = find_model(model)[2]
    note({"generate_ms": run_in_passing_thread(lambda: measure_formats(base, path, sizes.tokens))})
    note(compare_step(figures))
    left = SECONDS + begun
    note(run_in_passing_thread(lambda: time_fit(base, model, sizes, lambda: left - time.monotonic())))
    return figures


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)
