"""Tiny random causal models of several families, made on the spot, with a tokenizer of their own."""

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GemmaConfig,
    GemmaForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from cope_demo.model.adapters import Lora
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.texts.history import History
from cope_demo.texts.tasks import Sample

CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SIZE: dict = dict(
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=512,
    initializer_range=0.3,  # spreads the logits, so that an argmax is no accident of rounding
)
"""The shape of every tiny model, of whatever family."""
FAMILIES = {
    "llama": (LlamaConfig, LlamaForCausalLM, True),
    "qwen": (Qwen2Config, Qwen2ForCausalLM, True),
    "gemma": (GemmaConfig, GemmaForCausalLM, False),
    "mistral": (MistralConfig, MistralForCausalLM, False),
}
"""family: (config, model, whether it has a chat template)"""

LINES = [
    "the ferry was late again and nobody said a word",
    "I put the kettle on and looked at the rain",
    "nobody asked the goose what it wanted",
    "the lamp in the hall has been out since march",
    "we counted the chairs twice and came to eleven",
    "my brother rang about the gutter again",
    "the bus driver had a cake on the dashboard",
    "soup on monday, soup on tuesday, a pie at last",
]


class Home(NamedTuple):
    """A tiny model's path, and the folder of users fitted on it."""

    model: str
    users_dir: Path


def samples(count: int = 8) -> list[Sample]:
    """Short free writing with instructions."""
    return [Sample(f"Write a post about number {i}.", f"{LINES[i % 8]} {i}.") for i in range(count)]


def history(count: int = 8) -> History:
    """`samples` as a History."""
    return History(samples(count), "free_writing", count)


def make(folder: Path, family: str = "llama", dtype: torch.dtype = torch.bfloat16) -> str:
    """Saves a tiny model of the family with its tokenizer into `folder`; returns the path as text."""
    config_class, model_class, chat = FAMILIES[family]
    tokenizer = _tokenizer(chat)
    torch.manual_seed(sum(map(ord, family)))
    config = config_class(
        vocab_size=len(tokenizer),
        **SIZE,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=family == "gemma",
    )
    return save(model_class(config).to(dtype), tokenizer, folder)


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> str:
    """Saves a model and its tokenizer; returns the folder's path as text."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def make_base(family: str = "llama", **settings) -> tuple[BaseModel, PreTrainedModel]:
    """A model of transformers' family in memory, its linear layers in NF4, and its twin: the same values in float32.

    settings: of its config, beside SIZE. Norms and biases are random, too, or a forward that forgets them would pass.
    """
    from bitsandbytes.functional import dequantize_4bit  # after base_model, which spares us its announcement
    from bitsandbytes.nn import Linear4bit

    torch.manual_seed(sum(map(ord, family)))
    tokenizer = _tokenizer(False)
    ids = dict(bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=0)
    config = AutoConfig.for_model(family, **{**SIZE, "vocab_size": len(tokenizer), **ids, **settings})
    twin = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval().requires_grad_(False)
    head = twin.get_output_embeddings()
    for weight in twin.parameters():
        if weight.ndim == 1:
            weight.add_(0.3 * torch.randn(weight.shape))
        elif weight is head.weight:
            weight.copy_(weight.bfloat16())  # as files have it
    model = deepcopy(twin)
    for name, layer in list(model.named_modules()):
        if isinstance(layer, torch.nn.Linear) and layer is not model.get_output_embeddings():
            shape = layer.in_features, layer.out_features, layer.bias is not None
            new = Linear4bit(*shape, compute_dtype=torch.float32, compress_statistics=False, quant_type="nf4")
            new.load_state_dict(layer.state_dict())
            model.set_submodule(name, new.to("cpu").requires_grad_(False))
            twin.get_submodule(name).weight.copy_(dequantize_4bit(new.weight.data, new.weight.quant_state))
    return BaseModel(model, tokenizer, family, f"{family}@0", torch.device("cpu"), torch.float32), twin


def make_lora(model: torch.nn.Module, seed: int, rank: int = 4, scale: float = 0.15, names: str = "") -> Lora:
    """A random adapter of a model's 4-bit layers, or of those whose path ends in one of `names`, joined by commas."""
    from bitsandbytes.nn import Linear4bit

    random = torch.Generator().manual_seed(seed)
    layers = {path: layer for path, layer in model.named_modules() if isinstance(layer, Linear4bit)}
    return Lora(
        {
            path: (
                scale * torch.randn(rank, layer.in_features, generator=random),
                scale * torch.randn(layer.out_features, rank, generator=random),
            )
            for path, layer in layers.items()
            if path.endswith(tuple(names.split(",")))
        },
        rank,
    )


def add_to(twin: PreTrainedModel, *loras: Lora) -> PreTrainedModel:
    """A copy of a float32 model with adapters in its weights."""
    model = deepcopy(twin)
    for lora in loras:
        for path, (down, up) in lora.weights.items():
            model.get_submodule(path).weight.add_(up.float() @ down.float())
    return model


@lru_cache
def _tokenizer(chat: bool) -> PreTrainedTokenizerFast:
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<pad>", "<bos>", "<eos>", "<|user|>", "<|assistant|>", "<|end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=384, special_tokens=special, initial_alphabet=alphabet)
    core.train_from_iterator(LINES + ["Write a post about number 0 1 2 3 4 5 6 7 8 9."], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<|end|>" if chat else "<eos>",
        extra_special_tokens=["<|user|>", "<|assistant|>", "<|end|>"],
    )
    tokenizer.chat_template = CHAT if chat else None
    return tokenizer


def save_random_fit(path: str, scratch: Path) -> BaseModel:
    """Writes what a fit of this model leaves, with random adapters and without its history; returns the model."""
    base = load_base(path, "cpu")
    model = get_peft_model(base.model, LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
    for kind in ("oppu", "cope"):
        model.save_pretrained(scratch / kind)
    for name in ("pairs.jsonl", "events.jsonl", "report.json"):
        (scratch / name).write_text("{}\n")
    return base
