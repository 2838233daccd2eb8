"""A step and a fit while other programs keep cores busy.

    python benchmarks/speed_crowded.py [--json] [--quick]

The other programs count, each on a core of its own, at the usual priority. A step: three columns with full traces on
the embedded model, on all cores and on as many as pay (decode/cores.py), both in turns, medians of their decodings. A
fit: 12 texts in a process of its own at the priority of a visitor's fit, with GNU OpenMP's own patience and with ours
(cope_demo/__init__.py); it is ended after PATIENCE seconds. Quick: shorter texts, one round, a fit of 6 texts.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from common import PROMPT, random_adapters, table

from cope_demo.config import DecodeConfig
from cope_demo.decode.cores import Cores
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS
from cope_demo.jobs.stage_process import yield_to_others
from cope_demo.model.adapters import read_lora
from cope_demo.model.base_model import load_base
from cope_demo.paths import ROOT, SAMPLE_USERS
from cope_demo.system.passing_threads import run_in_passing_thread

TOKENS, ROUNDS, TEXTS = 100, 3, 12
QUICK = 40, 1, 6
PATIENCE = 100
SPINS = {"fit as OpenMP waits, s": "300000", "fit as we wait, s": "1000"}


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


def fit(folder: Path, texts: int, spins: str) -> str:
    """Seconds of a whole fit of so many of Ines's texts, or that it took too long."""
    history = folder / "history.txt"
    own = (SAMPLE_USERS / "ines" / "texts.txt").read_text("utf-8").split("\n---\n")
    history.write_text("\n---\n".join(own[:texts]), "utf-8")
    command = [sys.executable, "-m", "cope_demo", "fit", "--user", "me", "--history", str(history)]
    started = time.perf_counter()
    try:
        subprocess.run(
            [*command, "--users-dir", str(folder / f"users-{started}")],
            env={**os.environ, "GOMP_SPINCOUNT": spins},
            preexec_fn=yield_to_others,
            start_new_session=True,
            capture_output=True,
            cwd=ROOT,
            check=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return f"over {PATIENCE}"
    return f"{time.perf_counter() - started:.1f}"


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows."""
    tokens, rounds, texts = QUICK if quick else (TOKENS, ROUNDS, TEXTS)
    engine, bank, prompt = run_in_passing_thread(lambda: load(folder))
    most = engine.shared.cores.most

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
    for programs in range(most):
        with keeping_busy(programs):
            yield {"busy cores": programs, **{name: fit(folder, texts, spins) for name, spins in SPINS.items()}}


if __name__ == "__main__":
    table("A step and a fit while other programs keep cores busy", measure)
