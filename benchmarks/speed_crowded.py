"""A step while other programs keep cores busy: on all cores, and on as many as pay (decode/cores.py).

    python benchmarks/speed_crowded.py [--json] [--quick]

Three columns with full traces on the embedded model. The other programs count, each on a core of its own, at the same
priority. Both ways are taken in turns; a row's figures are medians of its decodings. Quick: shorter texts, one round.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from common import PROMPT, random_adapters, table

from cope_demo.config import DecodeConfig
from cope_demo.decode.cores import Cores
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS
from cope_demo.model.adapters import read_lora
from cope_demo.model.base_model import load_base
from cope_demo.system.passing_threads import run_in_passing_thread

TOKENS, ROUNDS = 150, 4
QUICK = 40, 1


class AllCores(Cores):
    """All of them, whatever a step takes."""

    def learn(self, rows: int, seconds: float) -> None:
        """Nothing follows."""


@contextmanager
def keeping_busy(programs: int) -> Iterator[None]:
    """So many other programs run meanwhile."""
    with ExitStack() as stack:
        for _ in range(programs):
            program = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(program.kill)
        yield


def load(folder: Path) -> tuple:
    """(engine, bank, prompt); every column writes all its tokens."""
    random_adapters(folder)
    base = load_base()
    base.end_ids = frozenset()
    bank = make_bank(base, {name: read_lora(folder / name, base.model) for name in ("oppu", "cope")})
    return Engine(base), bank, base.prompt_ids(PROMPT)


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    tokens, rounds = QUICK if quick else (TOKENS, ROUNDS)
    most = torch.get_num_threads()
    engine, bank, prompt = run_in_passing_thread(lambda: load(folder))

    def decode(count: int) -> float:
        """Milliseconds a step."""
        started = time.perf_counter()
        list(engine.decode(prompt, COLUMNS, bank, DecodeConfig(max_new_tokens=count)))
        return 1000 * (time.perf_counter() - started) / count

    decode(4)  # loops are compiled, layers are repacked
    for programs in range(most + 1):
        ways: dict[str, Cores] = {"all cores, ms": AllCores(most), "as many as pay, ms": Cores(most)}
        times: dict[str, list[float]] = {name: [] for name in ways}
        with keeping_busy(programs):
            for _ in range(rounds):
                for name, engine.shared.cores in ways.items():
                    times[name].append(decode(tokens))
        medians = {name: round(statistics.median(values), 1) for name, values in times.items()}
        yield {"busy cores": programs, **medians}


if __name__ == "__main__":
    table("A step while other programs keep cores busy", measure)
