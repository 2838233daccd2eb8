"""The base that a process keeps for its workers: found where it is, and trained for one task after another."""

import pytest
import torch

from cope_demo.model import base_model, resident
from cope_demo.model.task_adapters import TaskAdapter
from tests import tiny

IDS = torch.tensor([[5, 6, 7, 8]])


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A kept tiny model."""
    monkeypatch.setattr(resident, "_kept", None)
    assert resident.find_base() is None and resident.find_trainable_base() is None
    assert resident.count_kept_bytes() == 0
    return resident.keep_base(tiny.make(tmp_path / "model"))


def test_it_is_found_as_it_was_loaded(kept):
    found = resident.find_base()
    assert found.model is kept.model and found.identity == kept.identity and found.device == torch.device("cpu")
    assert 10_000 < resident.count_kept_bytes() < 1_000_000


@pytest.mark.parametrize("unpacked", [True, False])
def test_it_is_trained_for_one_task_after_another(kept, monkeypatch, unpacked):
    if not unpacked:
        monkeypatch.setattr(base_model, "KEPT_BYTES", 0)
    loras = {"a": tiny.make_lora(kept.model, 1), "b": tiny.make_lora(kept.model, 2)}
    monkeypatch.setattr(base_model, "read_lora", lambda folder, model: loras[folder])
    made = {task: TaskAdapter(task, task, task) for task in loras}
    monkeypatch.setattr(base_model, "find_task_adapter", lambda task, identity: made.get(task))

    def read(task: str | None) -> torch.Tensor:
        base = resident.find_trainable_base(task)
        assert base.trains and base.tam == made.get(task) and base.model is kept.model
        with torch.no_grad():
            return base.model(IDS).logits

    plain, a, b = read(None), read("a"), read("b")
    assert not torch.allclose(a, plain, atol=0.1) and not torch.allclose(a, b, atol=0.1)
    assert torch.equal(read("a"), a) and torch.equal(read(None), plain)
