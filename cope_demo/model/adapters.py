"""LoRA adapters on disk and in memory: read and verify a PEFT folder, stack several, apply them row by row.

Decoding runs rows of different adapters through one set of weights. PEFT's mixed batch loops over adapters in every
layer; here all adapters of a request are concatenated along the rank, and a mask of shape (rows, ranks) switches them
on and off for each row. So a layer costs two small matmuls, whatever the number of adapters, and a user adapter stacked
on a task adapter is only a mask with both on.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from cope_demo.errors import CopeError, quote

from .float32_products import multiply

NO_ADAPTER = ()
"""The adapter names of a row that runs base alone."""
BARE = ("bare",)
"""The same of a row that runs base without even the task adapter that is otherwise part of it."""
OTHER = ("other",)
"""The same of a row that runs another person's model, in the place of base: their task's adapter and their own."""
TAM = "tam"
"""The name of the task adapter among a bank's adapters."""
OTHER_TAM, OTHER_COPE = "other-tam", "other-cope"
"""The names of another person's adapters among them."""


@dataclass(frozen=True)
class Lora:
    """One adapter. weights: module path -> (A (r, in), B (out, r)); B already carries the scaling."""

    weights: dict[str, tuple[torch.Tensor, torch.Tensor]]
    rank: int


def scale_lora(lora: Lora, factor: float) -> Lora:
    """The adapter with its effect on every layer multiplied; B is then float32."""
    return Lora({path: (down, factor * up.float()) for path, (down, up) in lora.weights.items()}, lora.rank)


def average_loras(loras: Sequence[Lora]) -> Lora:
    """The adapter whose product B A is the mean of these, of which there is at least one: their ranks side by side, at
    1/R. It costs what all of them cost, rank by rank; B is then float32."""
    weights = {}
    for path in sorted({path for lora in loras for path in lora.weights}):
        have = [lora.weights[path] for lora in loras if path in lora.weights]
        empty = sum(lora.rank for lora in loras if path not in lora.weights)
        downs, ups = [down.float() for down, _ in have], [up.float() / len(loras) for _, up in have]
        downs.append(downs[0].new_zeros(empty, downs[0].shape[1]))
        ups.append(ups[0].new_zeros(ups[0].shape[0], empty))
        weights[path] = torch.cat(downs, 0), torch.cat(ups, 1)
    return Lora(weights, sum(lora.rank for lora in loras))


def name_mean(name: str) -> str:
    """What a bank calls the mean of other people's adapters of that name."""
    return f"{name} of others"


def name_scaled(name: str) -> str:
    """What a bank calls the adapter of that name where it is multiplied (LoraBank.add_scaled)."""
    return f"{name} scaled"


class UnfitAdapter(CopeError):
    """An adapter that cannot be used. why: the reason as half a sentence, for whoever knows where it came from."""

    def __init__(self, why: str, message: str):
        super().__init__(message)
        self.why = why


def _damaged_error(folder: Path, why: str) -> UnfitAdapter:
    place = f"{folder.parent.name}/{folder.name}"
    return UnfitAdapter(why, f"The adapter in {place} is damaged ({why}): fit this user again.")


_OTHER_KINDS = (
    *("use_dora", "use_qalora", "use_bdlora", "rank_pattern", "alpha_pattern", "modules_to_save", "lora_bias"),
    *("fan_in_fan_out", "layer_replication", "alora_invocation_tokens", "trainable_token_indices", "target_parameters"),
    *("arrow_config", "kasa_config", "monteclora_config", "velora_config"),
)
"""Settings of peft's, of which each one makes a LoRA compute something else than x + B A x."""
_PLAIN_STARTS = (None, True, False, "gaussian", "orthogonal", "eva")
"""First weights that leave the base model as it is; others, such as "pissa", take something out of it."""


def _is_plain(settings: dict) -> bool:
    """Whether an adapter's settings are those of a plain LoRA."""
    return (
        settings.get("peft_type") == "LORA"
        and settings.get("bias", "none") == "none"
        and settings.get("init_lora_weights") in _PLAIN_STARTS
        and not any(settings.get(name) for name in _OTHER_KINDS)
    )


def read_lora(folder: Path, model: torch.nn.Module) -> Lora:
    """Reads a PEFT LoRA folder (adapter_config.json, adapter_model.safetensors) and checks it against the model.

    Raises UnfitAdapter when a file is missing or unreadable, of another kind than plain LoRA, or of other shapes than
    the model's layers.
    """
    try:
        settings = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        tensors = load_file(folder / "adapter_model.safetensors")
        rank, lora_alpha = int(settings["r"]), float(settings["lora_alpha"])
        scaling = lora_alpha / (rank**0.5 if settings.get("use_rslora") else rank)
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError, SafetensorError) as error:
        raise _damaged_error(folder, f"its files cannot be read: {type(error).__name__}") from error
    if not _is_plain(settings):
        why = "it is not a plain LoRA"
        raise UnfitAdapter(why, f"The adapter in {folder.name} cannot be used, as {why}: fit this user again.")
    modules = dict(model.named_modules())
    weights = {}
    for key, down in tensors.items():
        if not key.endswith(".lora_A.weight"):
            continue
        path = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        up = tensors.get(key.replace(".lora_A.", ".lora_B."))
        module = modules.get(path)
        fits = (
            up is not None
            and module is not None
            and tuple(down.shape) == (rank, getattr(module, "in_features", -1))
            and tuple(up.shape) == (module.out_features, rank)
        )
        if not fits:
            raise _damaged_error(folder, f"its layer {quote(path)} does not fit the model")
        if down.dtype not in _FLOATS or up.dtype not in _FLOATS:
            raise _damaged_error(folder, f"its layer {path} is in {down.dtype}")
        up = up * scaling
        if not (torch.isfinite(down).all() and torch.isfinite(up).all()):
            raise _damaged_error(folder, f"its layer {path} holds values that are not numbers")
        weights[path] = (down, up)
    if not weights or len(tensors) != 2 * len(weights):
        raise _damaged_error(folder, "layers are missing")
    return Lora(weights, rank)


_FLOATS = (torch.float32, torch.bfloat16, torch.float16)


class LoraBank:
    """Several adapters of one model, concatenated along the rank, of which each row of a batch has some.

    loras: name -> Lora; every row has the one called TAM, as it is part of base. Memory: the adapters' own size in
    the compute dtype, once down and up are asked for.
    """

    def __init__(self, loras: dict[str, Lora], dtype: torch.dtype, device: torch.device):
        self.loras, self.dtype, self.device = loras, dtype, device
        self.columns: dict[str, slice] = {}
        self._scaled: tuple[tuple[str, float], LoraBank] | None = None
        start = 0
        for name, lora in loras.items():
            self.columns[name] = slice(start, start + lora.rank)
            start += lora.rank
        self.ranks = start

    def list_worn(self, names: tuple[str, ...]) -> list[str]:
        """The names of all adapters of such a row. NO_ADAPTER has TAM at most, BARE none, OTHER only another's."""
        if names == BARE:
            return []
        if names == OTHER:
            return [name for name in (OTHER_TAM, OTHER_COPE) if name in self.loras]
        return [TAM, *names] if TAM in self.loras else list(names)

    def add_scaled(self, name: str, factor: float) -> "LoraBank":
        """These adapters, and the one of this name once more, multiplied, under name_scaled(name).

        The last one that was asked for is kept, so that many requests share it.
        """
        if self._scaled is None or self._scaled[0] != (name, factor):
            loras = {**self.loras, name_scaled(name): scale_lora(self.loras[name], factor)}
            self._scaled = (name, factor), LoraBank(loras, self.dtype, self.device)
        return self._scaled[1]

    def take(self, names: Collection[str]) -> "LoraBank":
        """The bank of these adapters alone, and of TAM; whoever needs few of many multiplies fewer ranks with it."""
        loras = {name: lora for name, lora in self.loras.items() if name in names or name == TAM}
        return LoraBank(loras, self.dtype, self.device)

    @cached_property
    def down(self) -> dict[str, torch.Tensor]:
        """Every layer's A of all adapters side by side: path -> (in, R)."""
        return {path: self._join(path, 0) for path in self._paths}

    @cached_property
    def up(self) -> dict[str, torch.Tensor]:
        """Every layer's B of all adapters side by side: path -> (R, out)."""
        return {path: self._join(path, 1) for path in self._paths}

    @property
    def _paths(self) -> list[str]:
        return sorted({path for lora in self.loras.values() for path in lora.weights})

    def _join(self, path: str, which: int) -> torch.Tensor:
        size = next(lora.weights[path][which].shape for lora in self.loras.values() if path in lora.weights)
        parts = []
        for lora in self.loras.values():
            empty = torch.zeros((lora.rank, size[1]) if which == 0 else (size[0], lora.rank), dtype=torch.float32)
            parts.append(lora.weights[path][which].float() if path in lora.weights else empty)
        return torch.cat(parts, which).t().contiguous().to(self.device, self.dtype)

    def mask(self, rows: list[tuple[str, ...]]) -> torch.Tensor:
        """(rows, R): 1 where the row has the rank's adapter. See list_worn."""
        mask = torch.zeros(len(rows), self.ranks, dtype=self.dtype, device=self.device)
        for row, names in enumerate(rows):
            for name in self.list_worn(names):
                mask[row, self.columns[name]] = 1
        return mask


class Removable(Protocol):
    """What was added to a model and can be taken off again."""

    def remove(self) -> None:
        """Takes it off."""


def apply_always(model: torch.nn.Module, lora: Lora, dtype: torch.dtype) -> list[Removable]:
    """Makes the adapter part of the model, for training and scoring: its layers add it until all of these are removed.

    dtype: what the model computes in.
    """
    from .unpacked import Fixed, Unpacked  # brings peft, which decoding does not need

    modules = dict(model.named_modules())
    device = next(model.parameters()).device
    parts: list[Removable] = []
    for path, (down, up) in lora.weights.items():
        down, up = (tensor.to(device, dtype) for tensor in (down, up))
        if isinstance(modules[path].forward, Unpacked):
            parts.append(Fixed(modules[path].forward, (down, up)))
            continue
        hook = modules[path].register_forward_hook(
            lambda module, inputs, output, down=down, up=up: (
                output + torch.nn.functional.linear(torch.nn.functional.linear(inputs[0].to(down.dtype), down), up)
            )
        )
        parts.append(hook)
    return parts


class LoraRows:
    """Adds each row's adapters to the outputs of a model's linear layers, as `apply` sets them. Not thread-safe.

    Only the layers that some bank names are hooked, once; with no bank applied a layer's output is untouched.
    """

    def __init__(self, model: torch.nn.Module):
        self._modules = dict(model.named_modules())
        self._hooked: set[str] = set()
        self._bank: LoraBank | None = None
        self._mask: torch.Tensor | None = None

    def apply(self, bank: LoraBank | None, mask: torch.Tensor | None) -> None:
        """From now on row i of every batch gets the adapters that mask[i] switches on. None: base alone."""
        self._bank, self._mask = bank, None if mask is None else mask.unsqueeze(1)
        for path in bank.down if bank else ():
            if path not in self._hooked:
                self._hooked.add(path)
                self._modules[path].register_forward_hook(self._hook(path))

    def _hook(self, path: str):
        def add(module, inputs, output):
            bank = self._bank
            if bank is None or path not in bank.down:
                return output
            x = inputs[0].to(bank.dtype)  # (B, T, in), or (B * T, in) in a family that flattens its batch, as OPT
            inner = multiply(x.reshape(-1, x.shape[-1]), bank.down[path].t())
            inner.view(len(self._mask), -1, bank.ranks).mul_(self._mask)  # (B, T, R)
            return output + multiply(inner, bank.up[path].t()).view_as(output)

        return add
