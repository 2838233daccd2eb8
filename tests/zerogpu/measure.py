"""What calls take where GPUs are lent, against what they ask for: `python -m tests.zerogpu.measure [--quick]`.

A random model of the shape of Qwen2.5-7B-Instruct, the app as the platform runs it, workers forked onto the GPU: a fit
of 40 texts of 60 tokens, comparisons of 80 tokens in new and in idle workers, a score. The figures belong in
cope_demo/model/lent_speed.py. Needs 40 GB of disk and a GPU; quick is a shape of a few megabytes, to try the script
without one.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from benchmarks.speed_gpu import SHAPE, SMALL
from cope_demo.texts.tasks import Sample
from tests import tiny

from .running import RunningApp, run_app, start_fit, wait_for_end

TEXTS, TOKENS, LENGTH = 40, 60, 80
_CONTROL = ["<pad>", "<unk>", "<|user|>", "<|assistant|>", "<|end|>"]


def make_random(folder: Path, shape: dict) -> str:
    """Saves a random model of this shape, its tokenizer's words being w0 and so on; returns the folder as text."""
    words = [*_CONTROL, *(f"w{n}" for n in range(shape["vocab_size"] - len(_CONTROL)))]
    core = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "<|end|>"}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, **special, extra_special_tokens=["<|user|>", "<|assistant|>"]
    )
    tokenizer.chat_template = tiny.CHAT.replace("|>{{", "|> {{").replace("}}<|", "}} <|")
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = Qwen2ForCausalLM(Qwen2Config(**shape, pad_token_id=0, eos_token_id=words.index("<|end|>")))
    torch.set_default_dtype(torch.float32)
    return tiny.save(model.cpu(), tokenizer, folder)


def make_texts(count: int, tokens: int) -> list[Sample]:
    """Texts of words that the large model's tokenizer has."""
    draw = random.Random(0)
    texts = [" ".join(f"w{draw.randrange(4000)}" for _ in range(tokens)) for _ in range(count)]
    return [Sample(f"w1 w2 w3 w{n}", text) for n, text in enumerate(texts)]


def show(app: RunningApp, what: str, more: str = "") -> None:
    """A line on the last call."""
    asked, spent = app.lender.spent[-1]
    print(f"  {what}: asked for {asked} s, took {spent:.2f} s{more}", flush=True)


def measure(app: RunningApp, quick: bool) -> None:
    """Prints a line a call."""
    client = app.visit("ada")
    fit = start_fit(client, make_texts(8, 12) if quick else make_texts(TEXTS, TOKENS))
    status = wait_for_end(client, fit, 400)
    show(app, f"a fit of {8 if quick else TEXTS} texts, {status['state']} {status['error'] or ''}")
    length = 20 if quick else LENGTH
    for reuse in (False, False, True, True):
        app.lender.reuse, started, first, last = reuse, time.monotonic(), None, None
        asked = {"user": fit["user"], "prompt": "w5 w6 w7", "secret": fit["secret"], "max_new_tokens": length}
        for step in client.submit(**asked, api_name="/compare"):
            first, last = first or time.monotonic() - started, step
        steps = max(len(column["tokens"]) for column in last["columns"])
        rate = 1000 * (time.monotonic() - started - first) / steps
        more = f", first token after {first:.2f} s, {rate:.0f} ms a step of {steps}"
        show(app, f"a comparison, {'the worker kept' if reuse else 'a new worker'}", more)
    client.predict(user=fit["user"], prompt="w5 w6", text="w1 w2 " * 30, secret=fit["secret"], api_name="/score")
    show(app, "a score of 60 tokens")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a shape of a few megabytes")
    quick = parser.parse_args().quick
    print(
        torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU", f"torch {torch.__version__}", flush=True
    )
    with tempfile.TemporaryDirectory() as place:
        folder, started = Path(place), time.monotonic()
        model = make_random(folder / "model", SMALL if quick else SHAPE)
        print(f"  the model was made in {time.monotonic() - started:.0f} s", flush=True)
        started = time.monotonic()
        with run_app(folder, model, {"lora_rank": 4} if quick else {}) as app:
            print(f"  the app started in {time.monotonic() - started:.0f} s", flush=True)
            measure(app, quick)


if __name__ == "__main__":
    main()
