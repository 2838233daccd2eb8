"""A tiny model with two adapters, loaded once a module."""

import pytest
import torch
from peft import LoraConfig, get_peft_model

from cope_demo.model.base_model import load_base
from tests import tiny
from tests.decode.naive import Loaded, load


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Loaded:
    """A tiny model with two different random adapters."""
    folder = tmp_path_factory.mktemp("tiny")
    path = tiny.make(folder / "model")
    folders = {}
    for number, name in enumerate(("oppu", "cope")):
        torch.manual_seed(number)
        settings = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
        model = get_peft_model(load_base(path, "cpu").model, settings)
        for key, value in model.named_parameters():
            if "lora_" in key:
                value.data.normal_(0, 0.15)
        model.save_pretrained(folder / name)
        folders[name] = folder / name
    return load(path, folders)
