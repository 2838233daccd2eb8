"""A random model of a 7B shape in NF4 on a GPU: three columns with traces, many visitors, against plain `generate`.

    python benchmarks/speed_gpu.py [--quick]

The weights are random, so the texts say nothing; shapes, formats and the work are those of Qwen2.5-7B-Instruct. All
times are of one run, taken in turns. Quick is a shape of a few megabytes, to try the script
without a GPU.
"""

import argparse
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from transformers import Qwen2Config, Qwen2ForCausalLM

from benchmarks.common import print_machine
from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS
from cope_demo.model.adapters import Lora
from cope_demo.model.base_model import BaseModel

SHAPE = dict(
    vocab_size=152064,
    hidden_size=3584,
    intermediate_size=18944,
    num_hidden_layers=28,
    num_attention_heads=28,
    num_key_value_heads=4,
    max_position_embeddings=32768,
    tie_word_embeddings=False,
)
SMALL = SHAPE | dict(
    vocab_size=4096, hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4
)
TOKENS, PROMPT, VISITORS, ROUNDS = 48, 45, 20, 2


class NoText:
    """Stands for a tokenizer where no text is looked at."""

    eos_token_id = pad_token_id = 0
    all_special_ids = (0,)
    chat_template = None

    def decode(self, ids, **_):
        """A letter for each token."""
        return "a" * len(ids)

    def __call__(self, text, **_):
        return {"input_ids": [1] * len(text)}


def make_base(shape: dict, device: torch.device) -> BaseModel:
    """A random model, its linear layers in NF4."""
    torch.manual_seed(0)
    with torch.device(device):
        torch.set_default_dtype(torch.bfloat16)
        model = Qwen2ForCausalLM(Qwen2Config(**shape)).eval()
        torch.set_default_dtype(torch.float32)
    for name, layer in list(model.named_modules()):
        if isinstance(layer, torch.nn.Linear) and name != "lm_head":
            bias = layer.bias is not None
            new = Linear4bit(layer.in_features, layer.out_features, bias, torch.bfloat16, quant_type="nf4")
            new.weight = Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4").to(device)
            if bias:
                new.bias = torch.nn.Parameter(layer.bias.data, requires_grad=False)
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, new.to(device))
    model.requires_grad_(False)
    base = BaseModel(model, NoText(), "random", "random@0", device, torch.bfloat16)
    base.__dict__.update(end_ids=frozenset(), prompt_beginning=[])
    return base


def make_lora(base: BaseModel, seed: int) -> Lora:
    """A random adapter of the default shape."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, layer in base.model.named_modules():
        if isinstance(layer, Linear4bit):
            down = torch.randn(8, layer.in_features, generator=generator).bfloat16()
            up = torch.randn(layer.out_features, 8, generator=generator).bfloat16() * 0.01
            weights[name] = (down, up)
    return Lora(weights, 8)


def median_seconds(ways: dict, rounds: int) -> dict[str, float]:
    """Median wall seconds of each way, in turns; one round warms up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, work in ways.items():
            torch.cuda.synchronize() if torch.cuda.is_available() else None
            started = time.perf_counter()
            work()
            torch.cuda.synchronize() if torch.cuda.is_available() else None
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(many) for name, many in times.items()}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a shape of a few megabytes")
    given = parser.parse_args()
    print_machine()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    started = time.perf_counter()
    base = make_base(SMALL if given.quick else SHAPE, device)
    engine = Engine(base)
    print(f"{name}, torch {torch.__version__}; model made in {time.perf_counter() - started:.0f} s", flush=True)
    banks = [
        make_bank(base, {kind: make_lora(base, 2 * n + k) for k, kind in enumerate(("oppu", "cope"))}) for n in range(5)
    ]
    prompts = [
        torch.randint(1, 4000, (PROMPT,), generator=torch.Generator().manual_seed(n)).tolist() for n in range(20)
    ]
    config = DecodeConfig(max_new_tokens=TOKENS)
    ids = torch.tensor([prompts[0]], device=device)

    def generate():
        base.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=TOKENS, pad_token_id=0
        )

    def decode(number=0, decoder=engine.run):
        request = engine.join(prompts[number], COLUMNS, banks[number % 5], config)
        return [time.perf_counter() for _ in decoder([request])]

    ways = {
        "plain generate": generate,
        "shared pass": decode,
        "model's own modules": lambda: decode(0, engine._general.run),
    }
    for way, seconds in median_seconds(ways, ROUNDS).items():
        print(f"  {way}: {1000 * seconds / TOKENS:.1f} ms a step", flush=True)
    firsts: list[float] = []

    def visit(number: int) -> None:
        firsts.append(decode(number)[0] - begun)

    begun = time.perf_counter()
    threads = [threading.Thread(target=visit, args=(number,)) for number in range(VISITORS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    spent = time.perf_counter() - begun
    rate = VISITORS * 3 * TOKENS / spent
    late = sorted(firsts)[18]
    print(f"  {VISITORS} visitors: first token at the 95th percentile {late:.2f} s; {rate:.0f} tokens/s in all")
    begun = time.perf_counter()
    decode()
    alone = 3 * TOKENS / (time.perf_counter() - begun)
    print(f"  one alone: {alone:.0f} tokens/s; together {rate / alone:.1f} times as many")
    user = torch.tensor([prompts[0]], device=device)
    with torch.no_grad():
        exact = base.model(user).logits[0, -1].float().log_softmax(-1)
    tokens = engine.score(prompts[0][:-1], prompts[0][-1:], "cope", make_bank(base, {"cope": Lora({}, 8)}), config)
    first = engine.score(prompts[0], [int(exact.argmax())], "cope", make_bank(base, {"cope": Lora({}, 8)}), config)
    print(
        f"  log-probability of the next token: ours {first[0].logp_base:.4f}, the modules' {float(exact.max()):.4f}",
        len(tokens),
    )
    if device.type == "cuda":
        print(f"  memory: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB at most", flush=True)


if __name__ == "__main__":
    main()
