"""The decoder's forward pass for the families that nearly everybody uses, as a few matrix products a layer.

Llama, Mistral, Qwen2, Qwen3 and Gemma are one architecture: rotary attention with shared key heads, RMS norm and a
gated MLP. This file is that architecture for a batch of token rows of any sequences: row n is one token, and only
attention (attention.py) knows to which text it belongs. Adapters are added to each product for all rows at once
(model/adapter_slots.py). Whatever is built otherwise is decoded by the model's own modules; see general.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from cope_demo.model.adapter_slots import AdapterSlots
from cope_demo.model.calibration import ALWAYS, measure_few
from cope_demo.model.products import LayersProduct, make_head, make_product, release_scratch

from .attention import CpuPool, Heads, Layout, TorchPool
from .norms import add_and_normalize

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "gemma")
ROTARY = ("default", "linear", "llama3", "yarn")
"""Kinds of rotary positions that depend on the position alone."""
CALIBRATED = 8
"""Products that are measured together."""
PARTS = ("qkv", "out", "gate_up", "down")
"""The products of a layer, in the order in which adapter_slots.py numbers them."""


@dataclass(frozen=True)
class Layer:
    """One layer: its products, its norms' weights, its heads."""

    qkv: Callable
    out: Callable
    gate_up: Callable
    down: Callable
    before_attention: torch.Tensor
    before_mlp: torch.Tensor
    heads: Heads


class Forward:
    """The forward pass of one model, on its device. Raises ValueError for a model that is built otherwise.

    model: a transformers causal LM. dtype: of the rows between layers. by_layers: multiply by the layers' own forward,
    as for a model that is trained, whose layers keep their weights unpacked and add the task's adapter.
    """

    def __init__(self, model: torch.nn.Module, dtype: torch.dtype, by_layers: bool = False):
        check_architecture(model)
        self._product = LayersProduct if by_layers else make_product
        self.model, self.dtype = model, dtype
        self.device = next(model.parameters()).device
        core = model.model
        self.embedding = core.embed_tokens.weight
        self.scale = float(getattr(core.embed_tokens, "scalar_embed_scale", 1))
        self.epsilon = float(model.config.rms_norm_eps)
        self.activate = core.layers[0].mlp.act_fn
        self.layers = [self._read_layer(layer) for layer in core.layers]
        self.last_norm = self._read_norm(core.norm)
        head = model.get_output_embeddings()
        self.head = LayersProduct([head]) if by_layers else make_head(head)
        self.few = self._calibrate()
        self.adapters = AdapterSlots(_list_products(model), self.device, dtype)
        self._turns = torch.empty(2, 0, self.layers[0].heads.width, device=self.device, dtype=torch.float32)

    def _calibrate(self) -> tuple[int, int]:
        """Up to how many rows layers and head are multiplied in place on this machine; (0, 0) where they never are."""
        layers = [layer.gate_up for layer in self.layers]
        found = []
        for products in (layers, [self.head]):
            plain = not isinstance(products[0], LayersProduct)
            found.append(measure_few(products[:CALIBRATED]) if plain else 0)
        for layer in self.layers:
            for product in (layer.qkv, layer.out, layer.gate_up, layer.down):
                product.few = found[0]
        self.head.few = found[1]
        release_scratch()  # a head takes more of it in this measurement than it may ever again
        return found[0], found[1]

    def describe(self) -> str:
        """How this machine computes, in a few words."""
        if isinstance(self.layers[0].gate_up, LayersProduct):
            return f"by the layers' own products, rows in {str(self.dtype).removeprefix('torch.')}"
        layers, head = ("in place" + f" up to {few} rows, else unpacked" * (few < ALWAYS) for few in self.few)
        return f"NF4 multiplied {layers}; the head {head}; all in float32"

    def make_pool(self, places: int) -> CpuPool | TorchPool:
        """Memory for the keys and values of so many tokens."""
        heads = self.layers[0].heads
        if self.device.type == "cpu":
            return CpuPool(len(self.layers), places, heads)
        return TorchPool(len(self.layers), places, heads, self.device, self.dtype)

    @torch.inference_mode()
    def run(
        self, ids: torch.Tensor, worn: np.ndarray, layout: Layout, pool: CpuPool | TorchPool, wanted: torch.Tensor
    ) -> torch.Tensor:
        """Reads N tokens, and returns the logits (len(wanted), V) of the rows in `wanted`, float32.

        ids: int64 (N,). worn: int64 (N, W), the slots of each row's adapters, -1 for none. layout: see attention.py.
        """
        rows = torch.nn.functional.embedding(ids, self.embedding).to(self.dtype) * self.scale
        turn, dressed = self._turn(layout.positions), self.adapters.dress(worn)
        x = torch.nn.functional.rms_norm(rows, rows.shape[-1:], self.layers[0].before_attention, self.epsilon)
        following = [layer.before_attention for layer in self.layers[1:]] + [self.last_norm]
        for number, (layer, after) in enumerate(zip(self.layers, following, strict=True)):

            def multiply(part: str, x: torch.Tensor, layer=layer, number=number) -> torch.Tensor:
                return dressed.add(len(PARTS) * number + PARTS.index(part), x, getattr(layer, part)(x))

            attended = multiply("out", pool.attend(number, layer.heads, multiply("qkv", x), turn, layout))
            x = add_and_normalize(rows, attended, layer.before_mlp, self.epsilon)
            gate, up = multiply("gate_up", x).chunk(2, -1)
            x = add_and_normalize(rows, multiply("down", self.activate(gate) * up), after, self.epsilon)
        return self.head(x[wanted]).float()

    def _turn(self, positions: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines of rotary positions, (N, width) each, as the model's own module makes them."""
        reached = int(positions.max()) + 1
        if reached > self._turns.shape[1]:
            every = torch.arange(2 * reached, device=self.device)[None]
            exact = torch.empty(0, device=self.device, dtype=torch.float32)
            self._turns = torch.stack([part[0] for part in self.model.model.rotary_emb(exact, every)])
        where = torch.from_numpy(positions).to(self.device)
        return self._turns[0, where], self._turns[1, where]

    def _read_norm(self, norm: torch.nn.Module) -> torch.Tensor:
        weight = norm.weight.float()
        return (weight + 1 if self.model.config.model_type == "gemma" else weight).to(self.dtype)

    def _read_layer(self, layer: torch.nn.Module) -> Layer:
        own, mlp, config = layer.self_attn, layer.mlp, self.model.config
        norms = [getattr(own, name, None) for name in ("q_norm", "k_norm")]
        heads = Heads(
            config.num_attention_heads,
            config.num_key_value_heads,
            own.head_dim,
            own.scaling,
            _find_window(own, config),
            *(None if norm is None else self._read_norm(norm) for norm in norms),
            self.epsilon,
        )
        return Layer(
            self._product([own.q_proj, own.k_proj, own.v_proj]),
            self._product([own.o_proj]),
            self._product([mlp.gate_proj, mlp.up_proj]),
            self._product([mlp.down_proj]),
            self._read_norm(layer.input_layernorm),
            self._read_norm(layer.post_attention_layernorm),
            heads,
        )


def _find_window(attention: torch.nn.Module, config) -> int | None:
    """How many tokens a layer sees, or None for all. Mistral's layers have no attribute of their own for it."""
    return config.sliding_window if config.model_type == "mistral" else getattr(attention, "sliding_window", None)


_CHILDREN = {
    "": {"model", "lm_head"},
    "model": {"embed_tokens", "layers", "norm", "rotary_emb"},
    "model.layers.*": {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"},
    "model.layers.*.self_attn": {"q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm"},
    "model.layers.*.mlp": {"gate_proj", "up_proj", "down_proj", "act_fn"},
}


def check_architecture(model: torch.nn.Module) -> None:
    """Raises ValueError that says what this file does not know of the model."""
    config = model.config
    if config.model_type not in FAMILIES:
        raise ValueError(f"its family is {config.model_type}")
    rotary = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if rotary not in ROTARY:
        raise ValueError(f"its rotary positions are of the kind {rotary}")
    for path, module in model.named_modules():
        known = _CHILDREN.get(re.sub(r"\.\d+", ".*", path))
        more = known and {name for name, _ in module.named_children()} - known
        if more:
            raise ValueError(f"it has {', '.join(sorted(more))} in {path or 'the model'}")


def is_known(model: torch.nn.Module) -> bool:
    """Whether this file knows how the model is built."""
    try:
        check_architecture(model)
    except ValueError:
        return False
    return True


def _list_products(model: torch.nn.Module) -> list[list[tuple[str, int, int]]]:
    """For every product, in the order of PARTS in each layer: path, in and out of its layers."""
    found = []
    for number in range(len(model.model.layers)):
        attention, mlp = f"model.layers.{number}.self_attn", f"model.layers.{number}.mlp"
        for paths in (
            [f"{attention}.{name}_proj" for name in "qkv"],
            [f"{attention}.o_proj"],
            [f"{mlp}.gate_proj", f"{mlp}.up_proj"],
            [f"{mlp}.down_proj"],
        ):
            layers = [(path, model.get_submodule(path)) for path in paths]
            found.append([(path, layer.in_features, layer.out_features) for path, layer in layers])
    return found
