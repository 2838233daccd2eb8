"""Tiny random causal models of four families, made on the spot, with a tokenizer of their own."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
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
