"""Three columns with full traces, against one plain greedy `generate` and against the reference way.

    python benchmarks/speed_decode.py [--json] [--quick]

The reference way is that of the paper's code: two bfloat16 models (base, and the user's with the adapter merged), and
greedy, OPPU and CoPe one after the other, each with a cache. Times are medians of rounds taken in turns in one process;
memory is each way's own growth of resident memory in a fresh process, from before the weights to the end of a decoding.
Quick: 16 tokens, one round, one process.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import torch
from common import PROMPT, medians, random_adapters, table
from peft import PeftModel
from transformers import AutoModelForCausalLM, DynamicCache

from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS
from cope_demo.model.adapters import read_lora
from cope_demo.model.base_model import load_base
from cope_demo.model.embedded import embedded_folder
from cope_demo.reward import cope_scores
from cope_demo.system.memory import return_memory, save_memory
from cope_demo.system.passing_threads import run_in_passing_thread

TOKENS, ROUNDS = 80, 5
QUICK = 16, 1


def ours(folder: Path, tokens: int):
    """(three columns with traces, plain generate) on one 4-bit model, as callables."""
    base = load_base()
    base.end_ids = frozenset()  # every column writes all its tokens, or the ways would not compare
    engine = Engine(base)
    bank = make_bank(base, {name: read_lora(folder / name, base.model) for name in ("oppu", "cope")})
    prompt = base.prompt_ids(PROMPT)
    config = DecodeConfig(max_new_tokens=tokens)
    ids = torch.tensor([prompt])

    def columns():
        return list(engine.decode(prompt, COLUMNS, bank, config))

    def generate():
        return base.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            pad_token_id=0,
        )

    return columns, generate


def reference(folder: Path, tokens: int):
    """Greedy, OPPU, then CoPe with two bfloat16 models, as a callable."""
    source = str(embedded_folder())

    def load():
        return AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16).eval()

    base = load()
    user = PeftModel.from_pretrained(load(), str(folder / "cope")).merge_and_unload()
    prompt = torch.tensor([load_base_prompt()])

    @torch.inference_mode()
    def decode(*models):
        caches = [DynamicCache(config=model.config) for model in models]
        ids, written = prompt, []
        for _ in range(tokens):
            logps = [
                model(ids, past_key_values=cache, logits_to_keep=1).logits[:, -1].float().log_softmax(-1)
                for model, cache in zip(models, caches, strict=True)
            ]
            score = logps[0] if len(logps) == 1 else cope_scores(*logps, 0.1, 0.1)
            ids = score.argmax(-1, keepdim=True)
            written.append(int(ids))
        return written

    return lambda: (decode(base), decode(user), decode(user, base))


def load_base_prompt() -> list[int]:
    """The prompt's tokens without loading the 4-bit model."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(embedded_folder()))
    turns = [{"role": "user", "content": PROMPT}]
    return tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True, return_dict=False)


def grown_megabytes(way: str, folder: Path) -> float:
    """Resident memory that a way adds in a fresh process, in MB."""
    code = (
        "import sys; sys.path.insert(0, 'benchmarks'); import speed_decode; from pathlib import Path;"
        f"print(speed_decode.growth('{way}', Path({str(folder)!r})))"
    )
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def growth(way: str, folder: Path) -> float:
    """What `grown_megabytes` runs: MB of resident memory after one decoding, less those before the weights."""
    save_memory()
    before = psutil.Process().memory_info().rss
    load = (lambda: ours(folder, TOKENS)[0]) if way == "ours" else (lambda: reference(folder, TOKENS))
    decode = run_in_passing_thread(load)  # held: the models live in it
    decode()
    return_memory()
    return (psutil.Process().memory_info().rss - before) / 1e6


def measure(folder: Path, quick: bool) -> Iterator[dict]:
    """The table's rows; memory first, which takes one decoding each."""
    tokens, rounds = QUICK if quick else (TOKENS, ROUNDS)
    run_in_passing_thread(lambda: random_adapters(folder))
    if not quick:
        memory = {}
        for way in ("ours", "reference"):
            memory[way] = grown_megabytes(way, folder)
            yield {"way": way, "memory MB": round(memory[way])}
        yield {"way": "ours against the reference", "memory share": round(memory["ours"] / memory["reference"], 2)}
    columns, generate = run_in_passing_thread(lambda: ours(folder, tokens))
    in_turn = run_in_passing_thread(lambda: reference(folder, tokens))
    ways = {
        "generate": lambda: run_in_passing_thread(generate),
        "ours": columns,
        "reference": lambda: run_in_passing_thread(in_turn),
    }
    times = medians(ways, rounds)
    names = {
        "generate": "one plain greedy generate, 4 bit",
        "ours": "three columns with full traces, 4 bit",
        "reference": "reference: two bfloat16 models in turn",
    }
    for way, name in names.items():
        step, share = 1000 * times[way] / tokens, times[way] / times["generate"]
        yield {"way": name, "ms a token": round(step, 1), "times generate": round(share, 2)}
    yield {"way": "ours against the reference", "speed-up": round(times["reference"] / times["ours"], 2)}


if __name__ == "__main__":
    table("Decoding", measure)
