"""A model that is read from its quantized copy is the one that would have been quantized."""

import pytest
import torch

from cope_demo.model.quantized import KEPT, keep_quantized, load_quantized
from cope_demo.model.quiet_bitsandbytes import Linear4bit
from tests import tiny

CPU = torch.device("cpu")


@pytest.mark.parametrize("family", list(tiny.FAMILIES))
def test_the_copy_has_the_same_values(tmp_path, monkeypatch, family):
    folder = tmp_path / "model"
    tiny.make(folder, family)
    made = load_quantized(folder, CPU, torch.float32)
    keep_quantized(folder)
    # Nothing is quantized any more.
    monkeypatch.setattr("bitsandbytes.functional.quantize_4bit", pytest.fail)
    monkeypatch.setattr("bitsandbytes.nn.modules.Params4bit._quantize", pytest.fail)
    read = load_quantized(folder, CPU, torch.float32)
    found = [module for module in read.modules() if isinstance(module, Linear4bit)]
    expected = [module for module in made.modules() if isinstance(module, Linear4bit)]
    assert len(found) == len(expected) == 14
    for one, other in zip(found, expected, strict=True):
        assert one.compute_dtype == other.compute_dtype == torch.float32
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.weight.quant_state.absmax, other.weight.quant_state.absmax)
    others = zip(made.named_parameters(), read.named_parameters(), strict=True)
    assert all(name == same and torch.equal(one, two) for (name, one), (same, two) in others)
    ids = torch.arange(10, 30)[None]
    with torch.inference_mode():
        assert torch.equal(read(input_ids=ids).logits, made(input_ids=ids).logits)
    assert read.generation_config.eos_token_id == made.generation_config.eos_token_id
    keep_quantized(folder)
    assert [path.name for path in folder.glob(f"{KEPT}*")] == [KEPT]
