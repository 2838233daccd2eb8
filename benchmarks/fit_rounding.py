"""How much a fit in float32 and one in bfloat16 differ: bits a token of held-out texts, for every sample user.

    python benchmarks/fit_rounding.py [USER ...] [--json] [--quick]

Each fit is a process of its own, with the same texts, settings and seed; the report's figures are those of the type
that it was fitted in. base is no fit: its numbers tell what the type does to scoring alone. Where bfloat16 is emulated,
its fits take hours. A user takes two fits, some minutes. Quick: one user, 10 of the texts.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from common import table

from cope_demo.config import FitConfig
from cope_demo.fit import pipeline
from cope_demo.fit.events import STAGES
from cope_demo.fit.training import quiet_libraries
from cope_demo.saved.store import Store

TYPES = ("float32", "bfloat16")
QUICK_TEXTS = 10
USERS = [name for name in sys.argv[1:] if not name.startswith("--") and "/" not in name]
sys.argv = [one for one in sys.argv if one not in USERS]


def fit_once(user_id: str, folder: Path, quick: bool) -> dict:
    """The report of a fit of a sample user's texts, in this process."""
    quiet_libraries()
    user = Store().open(user_id)
    config = FitConfig(**user.manifest["settings"])
    samples = user.history()[: QUICK_TEXTS if quick else None]
    pipeline.prepare(folder, samples, user.manifest["task"], user_id, config=config)
    for stage in STAGES[:-1]:
        pipeline.run_stage(stage, folder, lambda event: None)
    return json.loads((folder / "report.json").read_text())


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows: of each user both types, and how far they are apart."""
    users = USERS or [card.id for card in Store().samples()]
    apart: list[dict[str, float]] = []
    for user_id in users[: 1 if quick else None]:
        bits = []
        for name in TYPES:
            scratch = folder / f"{user_id}-{name}"
            command = [sys.executable, __file__, "--one", str(scratch), user_id, *(["--quick"] if quick else [])]
            env = {**os.environ, "COPE_COMPUTE": name, "COPE_DATA": str(folder)}
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
            report = json.loads(done.stdout.splitlines()[-1])
            bits.append(report["bits_per_token"])
            yield {"user": user_id, "type": name, **bits[-1], "seconds": round(sum(report["seconds"].values()))}
        apart.append({model: bits[1][model] - bits[0][model] for model in bits[0]})
        yield {"user": user_id, "type": "bfloat16 - float32", **{k: round(v, 4) for k, v in apart[-1].items()}}
    most = {model: max(abs(one[model]) for one in apart) for model in apart[0]}
    yield {"user": "all", "type": "largest difference", **{k: round(v, 4) for k, v in most.items()}}


if __name__ == "__main__":
    if "--one" in sys.argv:
        scratch = Path(sys.argv[2])
        print(json.dumps(fit_once(USERS[0], scratch, "--quick" in sys.argv)))
    else:
        table("Fits in float32 and in bfloat16", measure)
