"""bfloat16 against float32, on this CPU as it is and held down to AVX2, where bfloat16 is emulated.

    python benchmarks/arithmetic.py [--json] [--quick]

Each way is a process of its own: a training pass (forward and backward of 2 texts of 64 tokens, the second of two), and
in float32 a product of a layer's shape with 768 rows by each of torch's two libraries, the best of ten. Held down,
torch behaves as on a CPU without AVX512. Quick: texts of 16 tokens.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from common import seconds, table

from cope_demo.config import FitConfig
from cope_demo.fit.oppu import LeanTrainer
from cope_demo.fit.training import apply_new_adapter
from cope_demo.model.base_model import load_base
from cope_demo.model.float32_products import ask_onednn

AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
TOKENS, QUICK = 64, 16


def measure_once(folder: Path, quick: bool) -> dict:
    """The figures of this process."""
    tokens = QUICK if quick else TOKENS
    base = load_base(trainable=True)
    ids = torch.randint(1000, 40_000, (2, tokens), generator=torch.Generator().manual_seed(0))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    with apply_new_adapter(base, FitConfig()) as model:

        def train():
            with torch.autocast("cpu", torch.bfloat16, enabled=base.dtype == torch.bfloat16):
                LeanTrainer.compute_loss(None, model, dict(inputs)).backward()

        training = [seconds(train) for _ in range(2)][-1]
    found = {"training pass, ms": round(1000 * training)}
    return found | measure_products() if base.dtype == torch.float32 else found


def measure_products() -> dict:
    """GFLOP a second of float32 products as torch makes them, and by oneDNN."""
    x, weight = torch.ones(768, 576), torch.ones(1536, 576)
    ways = {"torch's product, GFLOP/s": lambda: x @ weight.t(), "oneDNN's": lambda: ask_onednn(x, weight)}
    work = 2 * len(x) * weight.numel() / 1e9
    return {name: round(work / min(seconds(way) for _ in range(10))) for name, way in ways.items()}


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows, each from a process of its own; float32 first, as it is quick everywhere."""
    for cpu, held in (("as it is", {}), ("held down to AVX2", AVX2)):
        for name in ("float32", "bfloat16"):
            done = subprocess.run(
                [sys.executable, __file__, "--one", *(["--quick"] if quick else [])],
                env={**os.environ, **held, "COPE_COMPUTE": name},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            yield {"CPU": cpu, "type": name, **json.loads(done.stdout.splitlines()[-1])}


if __name__ == "__main__":
    if "--one" in sys.argv:
        with tempfile.TemporaryDirectory() as scratch:
            print(json.dumps(measure_once(Path(scratch), "--quick" in sys.argv)))
    else:
        table("bfloat16 against float32", measure)
