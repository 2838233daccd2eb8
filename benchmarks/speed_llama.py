"""A step of three columns against a token of llama.cpp, in turns on the same GGUF file with as many threads.

    LLAMA_PYTHON=/path/to/venv/bin/python python benchmarks/speed_llama.py [--json] [--quick]

llama.cpp writes one text, greedily; a step of ours is one token of each of three columns under two adapters, with full
traces (cli/bench.py). LLAMA_PYTHON is the Python of an environment that has the package llama-cpp-python, which nothing
here requires; without it this Python is asked. The package builds llama.cpp from source, for the CPU at hand. Weights
stay as the file has them: repacked for AMX, release 0.3.36 ended with a segmentation fault.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import torch
from common import table

from cope_demo.cli.bench import PROMPTS, Decoding, Sizes
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.model.embedded import EMBEDDED_FILE, EMBEDDED_PACKAGE
from cope_demo.system.files import find_packaged_file
from cope_demo.system.memory import save_memory
from cope_demo.system.passing_threads import run_in_passing_thread

NO_LLAMA = (
    "llama.cpp was not measured, as {python} has no package llama-cpp-python: install it into an environment of its "
    "own, and name that environment's Python in LLAMA_PYTHON."
)
CODE = """
import sys, time
from itertools import islice
import llama_cpp
defaults = llama_cpp.llama_cpp.llama_model_default_params
def keep_weights():
    settings = defaults()
    settings.use_extra_bufts = False
    return settings
llama_cpp.llama_cpp.llama_model_default_params = keep_weights
file, threads, tokens, *ids = sys.argv[1:]
model = llama_cpp.Llama(file, n_ctx=512, n_threads=int(threads), n_threads_batch=int(threads), verbose=False)
print("ready", flush=True)
for _ in sys.stdin:
    model.reset()
    times = []
    for _ in islice(model.generate([int(id) for id in ids], temp=0.0), int(tokens)):
        times.append(time.perf_counter())
    print(1000 * (times[-1] - times[0]) / (len(times) - 1), flush=True)
"""
"""Writes as many tokens for every line that it reads, and says the milliseconds of one."""


@contextmanager
def start_llama(python: str, base: BaseModel, tokens: int) -> Iterator:
    """A function that measures llama.cpp's milliseconds a token. Ends the program where the package is not there."""
    if subprocess.run([python, "-c", "import llama_cpp"], capture_output=True).returncode:
        sys.exit(NO_LLAMA.format(python=python))
    file = find_packaged_file(EMBEDDED_PACKAGE, EMBEDDED_FILE)
    given = [file, torch.get_num_threads(), tokens, *base.prompt_ids(PROMPTS[0])]
    command = [python, "-c", CODE, *map(str, given)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:

        def measure() -> float:
            process.stdin.write("\n")
            return float(process.stdout.readline())

        process.stdout.readline()
        yield measure


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows, one a round, and their medians."""
    save_memory()
    base = run_in_passing_thread(load_base)
    decoding = run_in_passing_thread(lambda: Decoding(base, Sizes(quick)))
    tokens, found = 8 if quick else 32, []
    with start_llama(os.environ.get("LLAMA_PYTHON") or sys.executable, base, tokens) as measure_llama:
        decoding.write(4)  # loops are compiled
        for number in range(2 if quick else 6):
            run = decoding.write(tokens)
            found.append((1000 * (run[-1] - run[0]) / (tokens - 1), measure_llama()))
            yield make_row(f"round {number + 1}", *found[-1])
    yield make_row("median", *map(median, zip(*found, strict=True)))


def make_row(name: str, step: float, token: float) -> dict:
    """One row. step, token: milliseconds of ours and of llama.cpp."""
    times = {"three columns, ms a step": round(step, 1), "llama.cpp, ms a token": round(token, 1)}
    return {"what": name, "threads": torch.get_num_threads(), **times, "ratio": round(step / token, 2)}


if __name__ == "__main__":
    table("Three columns against llama.cpp", measure)
