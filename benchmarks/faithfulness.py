"""How close the decoder's log-probabilities are to float32, over the texts of the lessons' saved comparisons.

    python benchmarks/faithfulness.py [--steps N] [--json]

The decoder reads each text as it was written: its prompt, then a token a step, the columns of a comparison side by side
with two rows each. The other side is transformers' own modules in float32 with the same NF4 values. Compared are the
tokens in V_head (tau 0.1) under the personal model, which are those that can be chosen, and the greedy token.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from cope_demo.decode.engine import Engine
from cope_demo.decode.general import GeneralDecoder
from cope_demo.decode.methods import METHODS
from cope_demo.decode.sequences import Piece, Places, assemble
from cope_demo.decode.sequences import Sequence as Text
from cope_demo.decode.work import find_loras
from cope_demo.model.adapters import NO_ADAPTER, LoraBank
from cope_demo.model.arithmetic import VARIABLE, native_bfloat16
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.model.compiling import running_loops
from cope_demo.reward import plausible_head
from cope_demo.saved.store import Store
from cope_demo.service.adapters_in_memory import AdaptersInMemory
from cope_demo.ui.panels.lessons import FOLDER, ORDER

STEPS = 500
"""Tokens of texts, of some 590 that there are."""
TAU = 0.1


def load_exact() -> BaseModel:
    """The embedded model in float32, its NF4 values unpacked."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "float32"
    try:
        return load_base(None, "cpu", trainable=True)
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def read_lesson(name: str) -> tuple[str, list[int], list[tuple[list[int], str]]]:
    """A lesson's user, the prompt's ids, and of each column its ids and its personal adapter."""
    lesson = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    trace = json.loads((FOLDER / "traces" / f"{name}.json").read_text("utf-8"))
    columns = []
    for column in trace["columns"]:
        method = lesson["columns"][column["method"]].get("of", column["method"])
        columns.append(([token["id"] for token in column["tokens"]], METHODS[method].adapter))
    return lesson["user"], trace["prompt_ids"], columns


@torch.inference_mode()
def follow(
    engine: Engine, prompt: list[int], columns: Sequence[tuple[list[int], str]], bank: LoraBank
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Logits (n, V) of each column's n tokens under its personal model and base, as the decoder has them."""
    forward = engine.shared.forward
    longest = len(prompt) + max(len(ids) for ids, _ in columns)
    places, pool = Places(2 * len(columns) * longest), forward.make_pool(2 * len(columns) * longest)
    texts, found = [], []
    for ids, adapter in columns:
        for names in ((adapter,), NO_ADAPTER):
            worn = tuple(slot for lora in find_loras(bank, names) for slot in forward.adapters.find(lora))
            texts.append(Text(worn, places.take(longest), pending=prompt + ids[:-1]))
            found.append([])
    count = len(prompt)
    while going := [text for text in texts if text.pending]:
        step = assemble([Piece(text, count, 1) for text in going], forward.device)
        with running_loops():
            logits = forward.run(step.ids, step.worn, step.layout, pool, step.wanted)
        for text, row in zip(going, logits, strict=True):
            found[texts.index(text)].append(row)
        count = 1
    both = [torch.stack(rows) for rows in found]
    return list(zip(both[0::2], both[1::2], strict=True))


def compare(names: Sequence[str], steps: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Of each column the float32 head (n, V) and both sides' log-probabilities (2, n, V), user and base."""
    engine, exact = Engine(load_base(None, "cpu")), load_exact()
    decoder = GeneralDecoder(exact)
    ours, theirs = AdaptersInMemory(), AdaptersInMemory()
    for name in names:
        user, prompt, columns = read_lesson(name)
        saved = Store().open(user)
        bank, exact_bank = ours.bank(saved, engine.base), theirs.bank(saved, exact)
        for (ids, adapter), pair in zip(columns, follow(engine, prompt, columns, bank), strict=True):
            count = min(len(ids), steps)
            logps = decoder.read(prompt, ids, [(adapter,), NO_ADAPTER], exact_bank).float().log_softmax(-1)
            head = torch.stack([plausible_head(row, TAU) for row in logps[0]])
            yield head[:count], torch.stack(pair).log_softmax(-1)[:, :count], logps[:, :count]
            steps -= count
            if not steps:
                return


def measure(names: Sequence[str] = ORDER, steps: int = STEPS) -> list[dict]:
    """The table's rows, one a model: nats of difference in the head, mean and maximum, and how often the greedy token
    is the same."""
    off: dict[str, list[torch.Tensor]] = {"personal": [], "base": []}
    same: dict[str, list[torch.Tensor]] = {"personal": [], "base": []}
    for head, ours, exact in compare(names, steps):
        for number, model in enumerate(off):
            off[model].append((ours[number] - exact[number]).abs()[head])
            same[model].append(ours[number].argmax(-1) == exact[number].argmax(-1))
    rows = []
    for model in off:
        differences, agreed = torch.cat(off[model]), torch.cat(same[model])
        rows.append(
            {
                "model": model,
                "steps": len(agreed),
                "tokens in the head": len(differences),
                "mean nats": round(float(differences.mean()), 5),
                "max nats": round(float(differences.max()), 4),
                "same greedy token %": round(100 * float(agreed.float().mean()), 2),
            }
        )
    return rows


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS, help=f"tokens of texts (default: {STEPS})")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    title = f"Against float32 ({'with' if native_bfloat16() else 'without'} native bfloat16)"
    rows = measure(steps=options.steps)
    if options.json:
        print(json.dumps({"title": title, "rows": rows}))
        return
    print(title)
    for row in rows:
        print("  " + "  ".join(f"{key}: {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
