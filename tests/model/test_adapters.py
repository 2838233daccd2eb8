"""Adapters: read with suspicion, stacked on the LoRA side, worn row by row exactly as PEFT's mixed batch does."""

import json
import shutil

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from cope_demo.errors import CopeError
from cope_demo.model.adapters import NO_ADAPTER, Lora, LoraBank, LoraRows, read_lora
from cope_demo.model.base_model import load_base
from tests import tiny


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    """(model path, two adapter folders)"""
    folder = tmp_path_factory.mktemp("adapters")
    path = tiny.make(folder / "model")
    for number, (name, targets) in enumerate((("one", "all-linear"), ("two", ["q_proj", "down_proj"]))):
        torch.manual_seed(number)
        settings = LoraConfig(r=4 + 4 * number, lora_alpha=8, target_modules=targets, init_lora_weights=False)
        get_peft_model(load_base(path, "cpu").model, settings).save_pretrained(folder / name)
    return path, {name: folder / name for name in ("one", "two")}


def test_rows_equal_pefts_mixed_batch(setup):
    path, folders = setup
    ids = torch.randint(10, 300, (3, 12), generator=torch.Generator().manual_seed(0))
    mixed = PeftModel.from_pretrained(load_base(path, "cpu").model, str(folders["one"]), adapter_name="one")
    mixed.load_adapter(str(folders["two"]), adapter_name="two")
    mixed.eval()
    base = load_base(path, "cpu")
    bank = LoraBank({name: read_lora(where, base.model) for name, where in folders.items()}, base.dtype, base.device)
    rows = LoraRows(base.model)
    with torch.no_grad():
        expected = mixed(ids, adapter_names=["one", "__base__", "two"]).logits.float()
        rows.wear(bank, bank.mask([("one",), NO_ADAPTER, ("two",)]))
        logits = base.model(ids).logits.float()
        rows.wear(None, None)
        bare = base.model(ids).logits.float()
    assert (logits - expected).abs().mean() < 0.05
    assert torch.equal(logits[1], bare[1])
    assert (logits[0] - bare[0]).abs().mean() > 0.2 and (logits[2] - bare[2]).abs().mean() > 0.2


def test_a_layer_that_gets_its_batch_flattened_wears_the_same():
    """OPT's MLP hands its layers (B * T, in)."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 5))
    lora = Lora({"0": (torch.randn(2, 6), torch.randn(5, 2))}, 2)
    bank, rows, x = LoraBank({"one": lora}, torch.float32, torch.device("cpu")), LoraRows(model), torch.randn(3, 4, 6)
    rows.wear(bank, bank.mask([("one",), NO_ADAPTER, ("one",)]))
    with torch.no_grad():
        whole, flat = model(x), model(x.view(12, 6))
        rows.wear(None, None)
        assert torch.allclose(flat.view(3, 4, 5), whole) and torch.equal(whole[1], model(x)[1])
        assert not torch.allclose(whole[0], model(x)[0])


def test_stacked_adapters_add_up(setup):
    path, folders = setup
    base = load_base(path, "cpu")
    loras = {name: read_lora(where, base.model) for name, where in folders.items()}
    bank = LoraBank(loras, torch.float32, base.device)
    layer = "model.layers.0.self_attn.q_proj"
    x = torch.randn(1, 64)
    both = (x @ bank.down[layer]) * bank.mask([("one", "two")]) @ bank.up[layer]
    apart = sum(x @ loras[name].weights[layer][0].float().T @ loras[name].weights[layer][1].float().T for name in loras)
    assert torch.allclose(both, apart, atol=1e-5)


def copy(setup, tmp_path):
    return load_base(setup[0], "cpu").model, shutil.copytree(setup[1]["one"], tmp_path / "ada" / "cope")


def test_damaged_files_are_named(setup, tmp_path):
    model, folder = copy(setup, tmp_path)
    weights = folder / "adapter_model.safetensors"
    good = weights.read_bytes()
    for bad in (good[: len(good) // 2], b"", b"\xff" * 64):
        weights.write_bytes(bad)
        with pytest.raises(CopeError, match="ada/cope is damaged.*fit this user again"):
            read_lora(folder, model)
    weights.unlink()
    with pytest.raises(CopeError, match="damaged"):
        read_lora(folder, model)


def test_other_shapes_and_numbers_are_refused(setup, tmp_path):
    model, folder = copy(setup, tmp_path)
    file = folder / "adapter_model.safetensors"
    good = load_file(file)
    key = next(iter(good))
    for change in (good[key][:, :-1].contiguous(), torch.full_like(good[key], torch.nan)):
        save_file({**good, key: change}, file)
        with pytest.raises(CopeError, match="does not fit the model|not numbers"):
            read_lora(folder, model)
    save_file({name: tensor for name, tensor in good.items() if name != key}, file)
    with pytest.raises(CopeError, match="damaged"):
        read_lora(folder, model)


def test_only_plain_lora_is_read(setup, tmp_path):
    model, folder = copy(setup, tmp_path)
    config = json.loads((folder / "adapter_config.json").read_text())
    for change in ({"use_dora": True}, {"peft_type": "LOHA"}, {"bias": "all"}):
        (folder / "adapter_config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(CopeError, match="not a plain LoRA"):
            read_lora(folder, model)
