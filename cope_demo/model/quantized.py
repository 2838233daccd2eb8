"""Models in NF4, quantized by bitsandbytes when transformers loads them, or read from a copy that is quantized already.

The copy lies beside the weights of a model that this project has converted (gguf_file.py). Its codes and scales are the
same; reading them takes a third of a second where quantizing 135M weights takes two.
"""

import warnings
from pathlib import Path

import torch

from cope_demo.system.files import make_folder

from .quiet_bitsandbytes import Linear4bit

KEPT = "cope-nf4"
"""The copy's folder, in the model's."""


def load_quantized(folder: str | Path, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    """The causal language model of a folder in NF4; its other weights in bfloat16.

    dtype: what its 4-bit layers compute in. On CUDA it is always quantized there. Raises OSError, ValueError or
    KeyError for a folder that transformers cannot read.
    """
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    kept = Path(folder) / KEPT
    options: dict = dict(dtype=torch.bfloat16, device_map={"": device}, use_safetensors=True)
    if device.type == "cpu" and kept.is_dir():
        folder = kept
    else:
        nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
        options["quantization_config"] = nf4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AutoModelForCausalLM.from_pretrained(folder, **options).eval()
    for layer in model.modules():
        if isinstance(layer, Linear4bit):
            layer.compute_dtype = dtype
    return model


def keep_quantized(folder: Path) -> None:
    """Writes the quantized copy of a model, unless it is there."""
    cpu = torch.device("cpu")
    make_folder(folder / KEPT, lambda part: load_quantized(folder, cpu, torch.bfloat16).save_pretrained(part))
