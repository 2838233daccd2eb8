"""bfloat16 against float32, on this CPU as it is and held down to AVX2, where bfloat16 is emulated.

    python benchmarks/arithmetic.py [--json]

Each way is a process of its own: a training pass (forward and backward of 2 texts of 64 tokens, the second of two),
then a step of three columns with full traces, the median of 16. Held down, torch behaves as on a CPU without AVX512;
bitsandbytes goes by its own flags, so there its repacking for AVX512-BF16 is switched off as well.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from common import PROMPT, random_adapters, seconds, table

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS
from cope_demo.fit.oppu import LeanTrainer
from cope_demo.fit.training import apply_new_adapter
from cope_demo.model.adapters import read_lora
from cope_demo.model.arithmetic import native_bfloat16
from cope_demo.model.base_model import load_base

AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
STEPS = 16


def measure_once(folder: Path) -> dict:
    """The figures of this process."""
    folders = random_adapters(folder)
    base = load_base(trainable=True)
    ids = torch.randint(1000, 40_000, (2, 64), generator=torch.Generator().manual_seed(0))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    with apply_new_adapter(base, FitConfig()) as model:

        def train():
            with torch.autocast("cpu", torch.bfloat16, enabled=base.dtype == torch.bfloat16):
                LeanTrainer.compute_loss(None, model, dict(inputs)).backward()

        training = [seconds(train) for _ in range(2)][-1]
    base = load_base()
    if not native_bfloat16():
        for layer in base.model.modules():
            layer.support_avx512bf16_for_cpu = False
    engine = Engine(base)
    bank = make_bank(base, {name: read_lora(path, base.model) for name, path in folders.items()})
    request = engine.join(base.prompt_ids(PROMPT), COLUMNS, bank, DecodeConfig(max_new_tokens=80))
    for _ in range(3):
        engine.step(request)
    step = statistics.median(seconds(lambda: engine.step(request)) for _ in range(STEPS))
    return {"training pass, ms": round(1000 * training), "step of three columns, ms": round(1000 * step)}


def measure(folder: Path) -> list[dict]:
    """The table's rows, each from a process of its own."""
    rows = []
    for cpu, held in (("as it is", {}), ("held down to AVX2", AVX2)):
        for name in ("bfloat16", "float32"):
            done = subprocess.run(
                [sys.executable, __file__, "--one"],
                env={**os.environ, **held, "COPE_COMPUTE": name},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            rows.append({"CPU": cpu, "type": name, **json.loads(done.stdout.splitlines()[-1])})
    return rows


if __name__ == "__main__":
    if "--one" in sys.argv:
        with tempfile.TemporaryDirectory() as scratch:
            print(json.dumps(measure_once(Path(scratch))))
    else:
        table("bfloat16 against float32", measure)
