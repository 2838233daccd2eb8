"""Which families of language models can be a base: each goes through the whole way once, at a size of no use.

    python benchmarks/compatibility.py [FAMILY ...] [--lora-targets NAMES] [--quick]

Models with random weights and two layers are built from the installed transformers' own classes, with the embedded
model's tokenizer. Each is loaded in 4 bit; a person of six short texts is fitted (OPPU, negatives, DPO); three columns
are decoded; the engine's greedy text is compared with that of transformers' `generate`; and the fitted adapter's
log-probabilities as the engine computes them with peft's. All in float32 unless COPE_COMPUTE says otherwise: random
weights give near ties, which two ways of rounding to bfloat16 decide otherwise, and on a CPU the decoder is float32.
Prints docs/compatibility.md's table. About three minutes. Quick: the first two families.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from benchmarks.common import print_machine
from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS
from cope_demo.decode.trace import TokenEvent
from cope_demo.fit.examples import Example
from cope_demo.fit.pipeline import fit_user
from cope_demo.fit.response_logps import response_logps
from cope_demo.fit.training import apply_saved_adapter, quiet_libraries
from cope_demo.model.adapters import LoraBank, read_lora
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.model.embedded import embedded_folder
from cope_demo.saved.store import Store
from tests import tiny

WINDOW = dict(sliding_window=32)
EXPERTS = dict(num_local_experts=4, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=64)
FAMILIES = {
    # transformers' model_type: (name, settings beside tiny.SIZE)
    "llama": ("Llama", {}),
    "mistral": ("Mistral", WINDOW),
    "mixtral": ("Mixtral", EXPERTS),
    "qwen2": ("Qwen2, Qwen2.5", {}),
    "qwen3": ("Qwen3", {}),
    "qwen3_moe": ("Qwen3 MoE", EXPERTS),
    "gemma": ("Gemma", {}),
    "gemma2": ("Gemma 2", dict(query_pre_attn_scalar=16, **WINDOW)),
    "gemma3_text": ("Gemma 3 (text)", dict(query_pre_attn_scalar=16, **WINDOW)),
    "phi": ("Phi", {}),
    "phi3": ("Phi-3", {}),
    "gpt2": ("GPT-2", {}),
    "gptj": ("GPT-J", dict(rotary_dim=8)),
    "gpt_neox": ("GPT-NeoX, Pythia", {}),
    "opt": ("OPT", dict(word_embed_proj_dim=64, ffn_dim=128)),
    "falcon": ("Falcon", dict(new_decoder_architecture=True, num_kv_heads=2, head_dim=None)),
    "bloom": ("Bloom", {}),
    "olmo": ("OLMo", {}),
    "olmo2": ("OLMo 2", {}),
    "stablelm": ("StableLM", {}),
    "starcoder2": ("StarCoder 2", WINDOW),
    "granite": ("Granite", {}),
    "smollm3": ("SmolLM3", {}),
    "cohere": ("Command R (Cohere)", {}),
    "glm4": ("GLM-4", {}),
    "gpt_oss": ("gpt-oss", dict(EXPERTS, **WINDOW)),
    "lfm2": ("LFM2", dict(full_attn_idxs=[1])),
    "mamba": ("Mamba", dict(state_size=8, time_step_rank=16)),
}
FIT = FitConfig(
    lora_rank=4,
    max_prompt_tokens=64,
    max_response_tokens=16,
    holdout=1,
    oppu_epochs=1,
    oppu_batch=3,
    candidates=1,
    candidate_temperature=0.0,
    dpo_epochs=1,
    dpo_batch=3,
)
"""Two steps of each stage: six texts, one of them held out."""
PROMPT = "Write a post about the night bus."
TOKENS = 12
TOLERANCE = 0.3
"""Nats between two ways to the same log-probability, in bfloat16, too, which keeps 8 bits."""
STEPS = ("4 bit", "fit", "columns", "as `generate`", "as peft")


def make(folder: Path, family: str, tokenizer) -> str:
    """Saves a small random model of the family with the tokenizer; returns its path."""
    ids = dict(bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id)
    given = {
        **tiny.SIZE,
        **FAMILIES[family][1],
        **ids,
        "vocab_size": len(tokenizer),
        "pad_token_id": ids["eos_token_id"],
    }
    config = AutoConfig.for_model(family, **{name: value for name, value in given.items() if value is not None})
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    return tiny.save(model, tokenizer, folder)


def check_quantized(base: BaseModel) -> str:
    """Whether linear layers are in 4 bit."""
    from bitsandbytes.nn import Linear4bit  # after base_model, which spares us its announcement of a missing kernel

    layers = sum(isinstance(module, Linear4bit) for module in base.model.modules())
    return "yes" if layers else "no layer in 4 bit"


def check_columns(engine: Engine, folders: dict[str, Path]) -> str:
    """Whether three columns come out, each with its numbers."""
    bank = make_bank(engine.base, {name: read_lora(folder, engine.base.model) for name, folder in folders.items()})
    config = DecodeConfig(max_new_tokens=TOKENS, alternatives=2)
    decoded = engine.decode(engine.base.prompt_ids(PROMPT), COLUMNS, bank, config)
    events = [event for event in decoded if isinstance(event, TokenEvent)]
    numbers = [value for e in events for value in (e.token.logp_user, e.token.logp_base, e.token.score)]
    whole = {e.method for e in events} == set(COLUMNS) and all(map(torch.isfinite, map(torch.tensor, numbers)))
    return "yes" if whole else "numbers are missing"


def compare_with_generate(engine: Engine) -> str:
    """Whether base's greedy text is the one of transformers."""
    base, prompt = engine.base, engine.base.prompt_ids(PROMPT)
    config = DecodeConfig(max_new_tokens=TOKENS, alternatives=0, repetition_penalty=1.0, tau=0.0)
    bare = LoraBank({}, base.dtype, base.device)
    (ours,) = engine.write([prompt], "base", bare, config)
    ids = torch.tensor([prompt], device=base.device)
    with torch.inference_mode():
        out = base.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=TOKENS,
            do_sample=False,
            pad_token_id=base.tokenizer.pad_token_id,
            eos_token_id=sorted(base.end_ids),
        )
    theirs = out[0, len(prompt) :].tolist()
    same = next((n for n, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), len(theirs))
    return "yes" if ours == theirs else f"parts after {same} of {len(theirs)} tokens"


def compare_with_peft(path: str, folder: Path) -> str:
    """Whether the fitted adapter gives a text the same numbers in the engine as on peft's model.

    On a model that trains: peft around layers that bitsandbytes has packed for inference (see load_base)
    changes what these layers compute, with or without an adapter.
    """
    engine = Engine(load_base(path, trainable=True))
    base, text = engine.base, engine.base.response_ids(tiny.LINES[0])
    bank = make_bank(base, {"cope": read_lora(folder, base.model)})
    ours = engine.logps(base.prompt_ids(PROMPT), text, "cope", bank)
    with apply_saved_adapter(base, folder) as model:
        theirs = response_logps(model, [Example(base.prompt_ids(PROMPT), text)], base.tokenizer.pad_token_id)[0]
    apart = float((ours - theirs.cpu()).abs().max())
    return "yes" if apart <= TOLERANCE else f"{apart:.1f} nats apart"


def try_step(work: Callable[[], str]) -> str:
    """The step's verdict, or the first line of its error."""
    try:
        return work()
    except Exception as error:  # whatever a library raises is the table's cell
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:110]}"


def make_row(folder: Path, family: str, tokenizer, config: FitConfig) -> list[str]:
    """The verdicts of STEPS, the person fitted by `config`; a step that needs one that failed is left empty."""
    path = make(folder / family, family, tokenizer)
    made: dict[str, object] = {}

    def load() -> str:
        made["engine"] = Engine(load_base(path))
        return check_quantized(made["engine"].base)

    def fit() -> str:
        user = fit_user(tiny.history(6), "ada", model=path, config=config, store=Store(folder / f"users-{family}"))
        made["folders"] = {name: user.adapter(name) for name in ("oppu", "cope")}
        return "yes"

    verdicts = [try_step(load)]
    if "engine" not in made:
        return [*verdicts, "", "", "", ""]
    engine = made["engine"]
    verdicts.append(try_step(fit))
    fitted = "folders" in made
    verdicts.append(try_step(lambda: check_columns(engine, made["folders"])) if fitted else "")
    verdicts.append(try_step(lambda: compare_with_generate(engine)))
    verdicts.append(try_step(lambda: compare_with_peft(path, made["folders"]["cope"])) if fitted else "")
    return verdicts


def main() -> None:
    """Prints the table as Markdown."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("family", nargs="*", default=list(FAMILIES), help=f"of {', '.join(FAMILIES)} (default: all)")
    options.add_argument("--lora-targets", default=FIT.lora_targets, help="as in FitConfig (default: %(default)s)")
    options.add_argument("--quick", action="store_true", help="the first two of these families")
    given = options.parse_args()
    os.environ.setdefault("COPE_COMPUTE", "float32")
    config = replace(FIT, lora_targets=given.lora_targets)
    quiet_libraries()
    warnings.simplefilter("ignore")
    transformers.utils.logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    tokenizer, started = AutoTokenizer.from_pretrained(str(embedded_folder())), time.process_time()
    print_machine()
    print(f"| family (transformers {transformers.__version__}) | {' | '.join(STEPS)} |\n|{'---|' * (1 + len(STEPS))}")
    with tempfile.TemporaryDirectory() as folder:
        for family in given.family[: 2 if given.quick else None]:
            cells = make_row(Path(folder), family, tokenizer, config)
            cells = [f"{FAMILIES[family][0]} (`{family}`)", *(cell.replace("|", "/") for cell in cells)]
            print(f"| {' | '.join(cells)} |", flush=True)
    print(f"{time.process_time() - started:.0f} s of one core", file=sys.stderr)


if __name__ == "__main__":
    main()
