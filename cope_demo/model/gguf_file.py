"""Base models as GGUF files: dequantized once into the cache, as a Hugging Face folder that is loaded like any other.

Which families and quantizations can be read is transformers' business; what it cannot is refused with its name. A
model's identity is the name in its file and the file's hash, so whatever the file is called, adapters meet the weights
that they were fitted on.
"""

import json
from pathlib import Path

import psutil
import torch

from cope_demo.errors import CopeError, quote
from cope_demo.paths import cache_dir
from cope_demo.system.files import make_folder, read_json, sha256_file

from .quantized import keep_quantized

MAGIC = b"GGUF"
LOADED_BYTES = 5
"""What dequantizing takes at its peak, in bytes a weight: float32, and the tensor that is being read."""


def is_gguf(model: str) -> bool:
    """Whether a model is named as a GGUF file."""
    return model.lower().endswith(".gguf") or Path(model).is_file()


def find_gguf(path: Path) -> tuple[str, str, Path]:
    """A GGUF file's name for its model, its SHA-256, and its folder in the cache, where it is dequantized to once.

    Raises CopeError for a file that is not there, is no GGUF, or that transformers cannot read.
    """
    if not path.is_file():
        raise CopeError(f"There is no GGUF file {quote(str(path))}: name one that is here, a model folder or a hub id.")
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise CopeError(f"{path.name} is no GGUF file: name one, a model folder or a hub id.")
    sha256 = sha256_file(path)
    folder = cache_dir() / "models" / f"{path.stem}-{sha256[:12]}"
    if not (folder / "done.json").is_file():
        name = _check_readable(path)
        try:
            dequantize_gguf(path, folder, sha256, name)
        except (ValueError, KeyError, NotImplementedError, RuntimeError, TypeError, IndexError) as error:
            why = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:160]}"
            raise CopeError(
                f"{path.name} could not be read by transformers ({why}); name the model's folder or hub id instead."
            ) from error
    return read_json(folder / "done.json")["name"], sha256, folder


def dequantize_gguf(path: Path, folder: Path, sha256: str, name: str) -> None:
    """Writes the model of a GGUF file in bfloat16 and in 4 bit, its tokenizer and its name into `folder`, which appears
    when it is whole."""
    make_folder(folder, lambda part: _dequantize(path, part, sha256, name))


def _dequantize(path: Path, folder: Path, sha256: str, name: str) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    # Packed GGUF weights cannot be saved again, so they are unpacked to float32 first.
    model = AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    )
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.to(torch.bfloat16).save_pretrained(folder)
    del model  # before it is loaded once more
    tokenizer.save_pretrained(folder)
    keep_quantized(folder)
    (folder / "done.json").write_text(json.dumps({"gguf_sha256": sha256, "name": name}))


def _check_readable(path: Path) -> str:
    """The model's name. Raises CopeError for a family or a quantization that transformers cannot read, or without the
    memory for it."""
    from gguf import GGUFReader
    from gguf.quants import _type_traits as quantized
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    try:
        reader = GGUFReader(path)
        family = str(reader.fields["general.architecture"].contents())
        named = reader.fields.get("general.name")
    except (ValueError, KeyError, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise CopeError(f"{path.name} is damaged ({type(error).__name__}): download it again.") from error
    known = {name.replace("_", "") for name in GGUF_SUPPORTED_ARCHITECTURES} - {"general", "tokenizer"}
    if family.replace("_", "").replace("-", "") not in known:
        raise CopeError(
            f"transformers reads no GGUF file of the family {quote(family)}; it knows {', '.join(sorted(known))}. Name "
            "the model's folder or hub id instead."
        )
    plain = ("F32", "F16")
    odd = sorted({t.tensor_type.name for t in reader.tensors if t.tensor_type not in quantized} - set(plain))
    if odd:
        names = ", ".join(sorted([*plain, *(one.name for one in quantized)]))
        raise CopeError(f"{path.name} is quantized as {odd[0]}, which cannot be read; of GGUF are {names}.")
    need = LOADED_BYTES * sum(int(tensor.n_elements) for tensor in reader.tensors)
    free = psutil.virtual_memory().available
    if need > free:
        raise CopeError(
            f"Dequantizing {path.name} takes about {need / 1e9:.1f} GB of memory, once, and {free / 1e9:.1f} GB are "
            "free: do it on a larger machine and bring its folder of COPE_CACHE/models along, or take a smaller model."
        )
    return "-".join(str(named.contents()).split())[:80] if named else path.stem
