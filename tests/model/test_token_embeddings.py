"""Embeddings and head that lie in memory in bfloat16 say what they would say in float32."""

import json
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from cope_demo.model import token_embeddings
from cope_demo.model.base_model import load_base, prepare_training
from cope_demo.model.token_embeddings import list_embedding_weights
from tests import tiny


@pytest.fixture(params=[True, False], ids=["tied", "apart"])
def folder(request, tmp_path, monkeypatch):
    monkeypatch.setenv("COPE_COMPUTE", "float32")
    path = Path(tiny.make(tmp_path / "model"))
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": request.param}))
    return str(path)


def list_types(base) -> list[torch.dtype]:
    ends = base.model.get_input_embeddings(), base.model.get_output_embeddings()
    return [module.weight.dtype for module in ends]


@torch.inference_mode()
def read(base) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.arange(10, 40)[None]
    return base.model.get_input_embeddings()(ids), base.model(input_ids=ids).logits


def test_the_values_are_the_same_in_half_the_memory(folder):
    narrow, wide = load_base(folder, "cpu"), load_base(folder, "cpu", trainable=True)
    assert list_types(narrow) == [torch.bfloat16] * 2 and list_types(wide) == [torch.float32] * 2
    for one, other in zip(read(narrow), read(wide), strict=True):
        assert one.dtype == torch.float32 and torch.allclose(one, other, atol=1e-5, rtol=1e-5)


def test_the_head_is_a_loop_among_loops(folder, monkeypatch):
    """On some machines two at a time would end the process."""
    base, running = load_base(folder, "cpu"), []

    @contextmanager
    def note():
        running.append(True)
        yield

    monkeypatch.setattr(token_embeddings, "running_loops", note)
    base.model(torch.ones(1, 3, dtype=torch.long))
    assert running == [True]


def test_a_model_that_is_then_trained_has_them_in_float32(folder):
    base = load_base(folder, "cpu")
    expected = read(base)
    base = prepare_training(base)
    assert list_types(base) == [torch.float32] * 2
    for one, other in zip(read(base), expected, strict=True):
        assert torch.allclose(one, other, atol=1e-5, rtol=1e-5)
    hidden = torch.ones(1, 3, base.model.config.hidden_size, requires_grad=True)
    base.model.get_output_embeddings()(hidden).sum().backward()
    assert hidden.grad.abs().sum() > 0


def test_embeddings_that_do_more_than_look_up_stay_in_float32(tmp_path, monkeypatch):
    """Gemma's are multiplied by a number that bfloat16 would round."""
    monkeypatch.setenv("COPE_COMPUTE", "float32")
    base = load_base(str(tiny.make(tmp_path / "model", "gemma")), "cpu")
    assert list_embedding_weights(base.model) == [] and list_types(base) == [torch.float32] * 2
