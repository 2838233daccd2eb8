"""What the tables share: the machine's line, rows that are printed as they come, medians, and adapters of the default
shape."""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cope_demo  # noqa: F401  before torch, as in the app: it says how OpenMP waits

# isort: split
import torch
from peft import get_peft_model

from cope_demo.cli.bench import describe_machine
from cope_demo.config import FitConfig
from cope_demo.fit.training import make_lora_settings, quiet_libraries, save_adapter
from cope_demo.model.base_model import load_base

PROMPT = "Write a post about the night bus and the people who take it."


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def medians(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median wall seconds of each way, taken in turns so that a drifting machine hits all alike; one round warms up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, work in ways.items():
            spent = seconds(work)
            if turn:
                times[name].append(spent)
    return {name: statistics.median(values) for name, values in times.items()}


def random_adapters(folder: Path) -> dict[str, Path]:
    """Two adapters of the default shape with random weights, as a fit leaves them."""
    base = load_base(trainable=True)
    paths = {}
    for number, name in enumerate(("oppu", "cope")):
        torch.manual_seed(number)
        model = get_peft_model(base.model, make_lora_settings(FitConfig()))
        for key, value in model.named_parameters():
            if "lora_B" in key:
                value.data.normal_(0, 0.01)
        save_adapter(model, folder / name)
        paths[name] = folder / name
        base.model = model.unload()
        base.model.__dict__.pop("peft_config", None)
    return paths


def print_machine() -> None:
    """The same as the first line of a table."""
    cpu = describe_machine()
    flags = " ".join(cpu["flags"]) or "flags unknown"
    bfloat16 = "native" if cpu["native_bfloat16"] else "emulated"
    print(
        f"{cpu['model']}, {cpu['cores']} cores, reads {cpu['read_gb_s']} GB/s; {flags}; torch uses {cpu['torch']}, "
        f"bfloat16 is {bfloat16}",
        flush=True,
    )


def table(title: str, measure: Callable[[Path, bool], Iterable[dict]]) -> None:
    """Prints the rows of `measure` as they come, after the machine's line; with --json all as one line of JSON.

    measure: is called with a scratch folder and whether the person wants a quick look (--quick).
    """
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--quick", action="store_true", help="less of everything: a look at the order of magnitude")
    options = parser.parse_args()
    quiet_libraries()
    if not options.json:
        print(title)
        print_machine()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in measure(Path(folder), options.quick):
            rows.append(row)
            if not options.json:
                print("  " + "  ".join(f"{key}: {value}" for key, value in row.items()), flush=True)
    if options.json:
        print(json.dumps({"title": title, "quick": options.quick, "cpu": describe_machine(), "rows": rows}))
