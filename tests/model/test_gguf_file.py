"""A base model given as a GGUF file: read once, known by its contents, and refused with a sentence."""

import json
import shutil

import gguf
import numpy
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from cope_demo.errors import CopeError
from cope_demo.model import gguf_file
from cope_demo.model.base_model import load_base
from tests import tiny

NAMES = {
    "model.embed_tokens": "token_embd",
    "lm_head": "output",
    "model.norm": "output_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "post_attention_layernorm": "ffn_norm",
    "input_layernorm": "attn_norm",
}


def write_gguf(folder: str, path, family: str = "qwen2", quantized=None) -> None:
    """The tiny model of a folder as a GGUF file."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    config, writer = model.config, gguf.GGUFWriter(path, family)
    writer.add_name("Tiny Qwen")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10_000.0)
    words = tokenizer.convert_ids_to_tokens(range(config.vocab_size))
    words[tokenizer.pad_token_id] = "<|endoftext|>"  # Qwen's own, which would be added
    special = set(tokenizer.all_special_ids)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([3 if number in special else 1 for number in range(len(words))])
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_chat_template(tokenizer.chat_template)
    for name, weight in model.state_dict().items():
        base, kind = name.rsplit(".", 1)
        for ours, theirs in NAMES.items():
            base = base.replace(ours, theirs)
        values = weight.float().numpy()
        if values.ndim == 2 and quantized:
            values = gguf.quants.quantize(values.astype(numpy.float32), quantized)
            writer.add_tensor(f"{base.replace('model.layers', 'blk')}.{kind}", values, raw_dtype=quantized)
        else:
            writer.add_tensor(f"{base.replace('model.layers', 'blk')}.{kind}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("gguf")
    folder = tiny.make(root / "folder", "qwen")
    write_gguf(folder, root / "small.gguf")
    return root


@pytest.fixture(autouse=True)
def own_cache(made, monkeypatch):
    monkeypatch.setenv("COPE_CACHE", str(made / "cache"))


def test_a_gguf_file_is_the_model_that_it_was_made_of(made, monkeypatch):
    base = load_base(str(made / "small.gguf"))
    assert base.name == "Tiny-Qwen" and base.identity.startswith("Tiny-Qwen@")
    other = load_base(str(made / "folder"))
    text = "we counted the chairs twice"
    assert base.prompt_ids(text) == other.prompt_ids(text) and base.end_ids
    ids = torch.tensor([base.prompt_ids(text)])
    with torch.inference_mode():
        mine, theirs = (one.model(ids).logits.float().log_softmax(-1) for one in (base, other))
    assert torch.allclose(mine, theirs, atol=1e-3)  # the same weights, and so the same NF4

    monkeypatch.setattr(gguf_file, "dequantize_gguf", pytest.fail)
    assert load_base(str(made / "small.gguf")).identity == base.identity


def test_a_quantized_file_is_dequantized(made):
    write_gguf(str(made / "folder"), made / "q8.gguf", quantized=gguf.GGMLQuantizationType.Q8_0)
    _, _, folder = gguf_file.find_gguf(made / "q8.gguf")
    mine, own = (AutoModelForCausalLM.from_pretrained(path).state_dict() for path in (folder, made / "folder"))
    assert mine.keys() == own.keys()
    for name, weight in own.items():
        assert torch.allclose(mine[name].float(), weight.float(), atol=0.01), name


def test_its_identity_does_not_hang_on_its_name(made):
    shutil.copy(made / "small.gguf", made / "renamed")
    assert load_base(str(made / "renamed")).identity == load_base(str(made / "small.gguf")).identity


def test_what_cannot_be_read_is_named(made, tmp_path, monkeypatch):
    def sentence(name: str) -> str:
        with pytest.raises(CopeError) as caught:
            gguf_file.find_gguf(tmp_path / name)
        return str(caught.value)

    assert "There is no GGUF file" in sentence("none.gguf")
    (tmp_path / "text.gguf").write_text("not a model")
    assert "text.gguf is no GGUF file" in sentence("text.gguf")
    (tmp_path / "cut.gguf").write_bytes((made / "small.gguf").read_bytes()[:900])
    assert "cut.gguf is damaged" in sentence("cut.gguf")
    write_gguf(str(made / "folder"), tmp_path / "other.gguf", family="rwkv7")
    assert "no GGUF file of the family 'rwkv7'; it knows" in sentence("other.gguf")
    write_gguf(str(made / "folder"), tmp_path / "big.gguf", quantized=gguf.GGMLQuantizationType.Q8_0)
    monkeypatch.setattr(gguf_file, "LOADED_BYTES", 10**9)
    assert "Dequantizing big.gguf takes about" in sentence("big.gguf")
    monkeypatch.setattr(gguf.quants, "_type_traits", {})
    assert "big.gguf is quantized as Q8_0, which cannot be read; of GGUF are F16, F32." in sentence("big.gguf")
    assert not list((made / "cache" / "models").glob("*big*"))
