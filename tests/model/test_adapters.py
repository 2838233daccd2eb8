"""Adapters: checked when read, stacked on the LoRA side, applied row by row exactly as PEFT's mixed batch does."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from cope_demo.errors import CopeError
from cope_demo.model.adapters import NO_ADAPTER, TAM, Lora, LoraBank, LoraRows, average_loras, read_lora, scale_lora
from cope_demo.model.base_model import load_base
from tests import tiny


class Saved(NamedTuple):
    """A tiny model's path, and the folders of two adapters on it by name."""

    model: str
    adapters: dict[str, Path]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Saved:
    folder = tmp_path_factory.mktemp("adapters")
    path = tiny.make(folder / "model")
    for number, (name, targets) in enumerate((("one", "all-linear"), ("two", ["q_proj", "down_proj"]))):
        torch.manual_seed(number)
        settings = LoraConfig(r=4 + 4 * number, lora_alpha=8, target_modules=targets, init_lora_weights=False)
        get_peft_model(load_base(path, "cpu").model, settings).save_pretrained(folder / name)
    return Saved(path, {name: folder / name for name in ("one", "two")})


def test_rows_equal_pefts_mixed_batch(saved):
    ids = torch.randint(10, 300, (3, 12), generator=torch.Generator().manual_seed(0))
    bare = load_base(saved.model, "cpu").model
    mixed = PeftModel.from_pretrained(bare, str(saved.adapters["one"]), adapter_name="one")
    mixed.load_adapter(str(saved.adapters["two"]), adapter_name="two")
    mixed.eval()
    base = load_base(saved.model, "cpu")
    loras = {name: read_lora(where, base.model) for name, where in saved.adapters.items()}
    bank = LoraBank(loras, base.dtype, base.device)
    rows = LoraRows(base.model)
    with torch.no_grad():
        expected = mixed(ids, adapter_names=["one", "__base__", "two"]).logits.float()
        rows.apply(bank, bank.mask([("one",), NO_ADAPTER, ("two",)]))
        logits = base.model(ids).logits.float()
        rows.apply(None, None)
        bare = base.model(ids).logits.float()
    assert (logits - expected).abs().mean() < 0.05
    assert torch.equal(logits[1], bare[1])
    assert (logits[0] - bare[0]).abs().mean() > 0.2 and (logits[2] - bare[2]).abs().mean() > 0.2


def test_a_layer_that_gets_its_batch_flattened_has_the_same():
    """OPT's MLP hands its layers (B * T, in)."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 5))
    lora = Lora({"0": (torch.randn(2, 6), torch.randn(5, 2))}, 2)
    bank, rows, x = LoraBank({"one": lora}, torch.float32, torch.device("cpu")), LoraRows(model), torch.randn(3, 4, 6)
    rows.apply(bank, bank.mask([("one",), NO_ADAPTER, ("one",)]))
    with torch.no_grad():
        whole, flat = model(x), model(x.view(12, 6))
        rows.apply(None, None)
        assert torch.allclose(flat.view(3, 4, 5), whole) and torch.equal(whole[1], model(x)[1])
        assert not torch.allclose(whole[0], model(x)[0])


def test_stacked_adapters_add_up(saved):
    base = load_base(saved.model, "cpu")
    loras = {name: read_lora(where, base.model) for name, where in saved.adapters.items()}
    bank = LoraBank(loras, torch.float32, base.device)
    layer = "model.layers.0.self_attn.q_proj"
    x = torch.randn(1, 64)
    both = (x @ bank.down[layer]) * bank.mask([("one", "two")]) @ bank.up[layer]
    apart = sum(x @ loras[name].weights[layer][0].float().T @ loras[name].weights[layer][1].float().T for name in loras)
    assert torch.allclose(both, apart, atol=1e-5)


def test_a_bank_of_few_adapters_adds_the_same():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 5))
    names = (TAM, "other", "own")
    loras = {name: Lora({"0": (torch.randn(2, 6), torch.randn(5, 2))}, 2) for name in names}
    whole = LoraBank(loras, torch.float32, torch.device("cpu"))
    few, rows, x, said = whole.take({"own", ""}), LoraRows(model), torch.randn(2, 4, 6), []
    assert list(few.columns) == [TAM, "own"] and few.ranks == 4
    with torch.no_grad():
        for bank in (whole, few):
            rows.apply(bank, bank.mask([("own",), NO_ADAPTER]))
            said.append(model(x))
        rows.apply(None, None)
        assert torch.allclose(*said, atol=1e-6) and not torch.allclose(said[0], model(x), atol=0.1)


@pytest.fixture
def model(saved):
    """The tiny model, loaded."""
    return load_base(saved.model, "cpu").model


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    """A copy of an adapter, to damage."""
    return shutil.copytree(saved.adapters["one"], tmp_path / "ada" / "cope")


def test_damaged_files_are_named(model, folder):
    weights = folder / "adapter_model.safetensors"
    good = weights.read_bytes()
    for bad in (good[: len(good) // 2], b"", b"\xff" * 64):
        weights.write_bytes(bad)
        with pytest.raises(CopeError, match="ada/cope is damaged.*fit this user again"):
            read_lora(folder, model)
    weights.unlink()
    with pytest.raises(CopeError, match="damaged"):
        read_lora(folder, model)


def test_other_shapes_and_numbers_are_refused(model, folder):
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


def test_only_plain_lora_is_read(model, folder):
    config = json.loads((folder / "adapter_config.json").read_text())
    for change in ({"use_dora": True}, {"peft_type": "LOHA"}, {"bias": "all"}):
        (folder / "adapter_config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(CopeError, match="not a plain LoRA"):
            read_lora(folder, model)


def test_adapters_are_multiplied_and_averaged_by_their_products(saved):
    base = load_base(saved.model, "cpu")
    one, two = (read_lora(saved.adapters[name], base.model) for name in ("one", "two"))  # two has fewer layers
    mean = average_loras([one, two])
    assert mean.rank == 12 and set(mean.weights) == set(one.weights) > set(two.weights)

    def change(lora, path):
        down, up = lora.weights[path] if path in lora.weights else (torch.zeros(1, 1), torch.zeros(1, 1))
        return up.float() @ down.float()

    for path, (down, up) in mean.weights.items():
        assert down.shape[0] == up.shape[1] == 12
        assert torch.allclose(up @ down, (change(one, path) + change(two, path)) / 2, atol=1e-6)
        assert torch.allclose(change(scale_lora(one, 1.5), path), 1.5 * change(one, path), atol=1e-6)
