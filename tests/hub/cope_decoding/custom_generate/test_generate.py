"""CoPe by `model.generate(custom_generate=...)`, run as transformers runs it: the same tokens as the engine's."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import make_bank
from cope_demo.model.adapters import TAM, read_lora
from cope_demo.model.base_model import load_base
from cope_demo.paths import ROOT
from cope_demo.saved.citation import BIBTEX
from cope_demo.saved.store import Store
from tests import tiny
from tests.decode.naive import TIE, Loaded, load, run, save_random_adapters

FOLDER = ROOT / "cope_demo" / "hub" / "cope_decoding"
CONFIG = DecodeConfig(alpha=0.3, tau=0.1, repetition_penalty=1.2, max_new_tokens=24)
PROMPTS = ["Hi", "Write a post about the ferry.", "Write a post about the harbour, the ferry, the swan and the soup."]


@pytest.fixture(scope="module", autouse=True)
def exact():
    """float32 on every machine, but for the 16 bits of the engine's keys and values: only a tie tells the two apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_COMPUTE", "float32")
        yield


@pytest.fixture(scope="module")
def loaded(exact, tmp_path_factory) -> Loaded:
    """A tiny model in the engine, with two random adapters."""
    folder = tmp_path_factory.mktemp("generate")
    path = tiny.make(folder / "model")
    return load(path, save_random_adapters(path, folder, ("task", "cope")))


@pytest.fixture(scope="module")
def personal(loaded) -> PeftModel:
    """The same weights and adapters in peft's hands; CoPe's adapter is the active one."""
    model = PeftModel.from_pretrained(load_base(loaded.path, "cpu").model, str(loaded.folders["cope"]), "cope")
    model.load_adapter(str(loaded.folders["task"]), "task")
    return model.eval()


def write(model, base, prompts=PROMPTS[:1], config=CONFIG, **options) -> list[list[int]]:
    """The tokens of the answers, each with its end token, as `generate` gives them for a batch padded on the left."""
    asked = [base.prompt_ids(prompt) for prompt in prompts]
    longest, pad = max(map(len, asked)), base.tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(one)) + one for one in asked])
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in asked])
    settings = {"alpha": config.alpha, "tau": config.tau, "repetition_penalty": config.repetition_penalty}
    settings |= {"max_new_tokens": config.max_new_tokens, "do_sample": config.temperature > 0}
    settings |= {"eos_token_id": sorted(base.end_ids), "pad_token_id": pad}
    if config.temperature:
        settings |= {"temperature": config.temperature, "seed": config.seed}
    settings |= {"custom_generate": str(FOLDER), "trust_remote_code": True, **options}
    rows = model.generate(input_ids=ids, attention_mask=mask, **settings)[:, longest:].tolist()
    ends = [next((n + 1 for n, token in enumerate(row) if token in base.end_ids), len(row)) for row in rows]
    return [row[:end] for row, end in zip(rows, ends, strict=True)]


def check_same(ids: list[int], tokens, least: int) -> None:
    """The engine's tokens, up to a tie that rounding decides, and at least so many of them."""
    same = next((n for n, (one, token) in enumerate(zip(ids, tokens, strict=False)) if one != token.id), None)
    if same is None:
        assert len(ids) == len(tokens)
        return
    rivals = {a.id: a.score for a in tokens[same].alternatives}
    assert same >= least and abs(rivals[ids[same]] - rivals[tokens[same].id]) < TIE, (same, ids, tokens)


@pytest.mark.parametrize(
    "settings",
    [{}, {"alpha": 1.0, "repetition_penalty": 1.0}, {"alpha": 0.0}, {"tau": 1.0}, {"tau": 0.0, "alpha": 0.5}],
)
def test_the_same_tokens_as_the_engine(loaded, personal, settings):
    config = replace(CONFIG, **settings)
    for prompt in PROMPTS:
        (ids,) = write(personal, loaded.base, [prompt], config)
        check_same(ids, run(loaded, ("cope",), config, prompt)["cope"].tokens, least=8)


def test_a_batch_is_written_as_the_engine_writes_it(loaded, personal):
    texts = write(personal, loaded.base, PROMPTS)
    batch = loaded.engine.write([loaded.base.prompt_ids(prompt) for prompt in PROMPTS], "cope", loaded.bank, CONFIG)
    assert len({tuple(text) for text in texts}) == 3
    for prompt, ids, engines in zip(PROMPTS, texts, batch, strict=True):
        tokens = run(loaded, ("cope",), CONFIG, prompt)["cope"].tokens
        check_same(ids, tokens, least=8)
        check_same(list(engines), tokens, least=8)


def test_a_sampled_batch_is_drawn_as_the_engine_draws_it(loaded, personal):
    config = replace(CONFIG, temperature=0.6, tau=0.001, seed=7)
    batch = [loaded.base.prompt_ids(prompt) for prompt in PROMPTS]
    texts = write(personal, loaded.base, PROMPTS, config)
    assert texts == [list(text) for text in loaded.engine.write(batch, "cope", loaded.bank, config)]
    assert texts != write(personal, loaded.base, PROMPTS, replace(config, seed=8))
    assert texts != write(personal, loaded.base, PROMPTS)
    alone = [write(personal, loaded.base, [prompt], config)[0] for prompt in PROMPTS]
    assert alone == texts


def test_padding_changes_nothing_where_positions_are_learned(loaded):
    torch.manual_seed(0)
    size = dict(n_embd=64, n_layer=2, n_head=4, n_positions=128, initializer_range=0.3, bos_token_id=1, eos_token_id=2)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=loaded.base.vocabulary, **size))
    settings = LoraConfig(r=4, target_modules=["c_attn"], fan_in_fan_out=True, init_lora_weights=False)
    model = get_peft_model(model, settings).eval()
    texts = write(model, loaded.base, PROMPTS)
    assert texts == [write(model, loaded.base, [prompt])[0] for prompt in PROMPTS]


def test_without_a_seed_torch_draws(loaded, personal):
    config = replace(CONFIG, temperature=1.0, tau=0.02)

    def draw(number):
        torch.manual_seed(number)
        return write(personal, loaded.base, PROMPTS, config, seed=None)

    assert draw(1) == draw(1) != draw(2)


def test_a_task_adapter_is_part_of_both(loaded, personal):
    loras = {name: read_lora(loaded.folders[name], loaded.base.model) for name in loaded.folders}
    both = replace(loaded, bank=make_bank(loaded.base, {TAM: loras["task"], "cope": loras["cope"]}))
    tokens = run(both, ("cope",), CONFIG, PROMPTS[1])["cope"].tokens
    names = {"expert": ["task", "cope"], "amateur": "task"}
    (ids,) = write(personal, loaded.base, PROMPTS[1:2], **names)
    check_same(ids, tokens, least=8)
    assert ids != write(personal, loaded.base, PROMPTS[1:2])[0]
    assert ids != write(personal, loaded.base, PROMPTS[1:2], expert=["task", "cope"])[0]


def test_the_model_is_left_as_it_was(loaded, personal):
    layers = [module for module in personal.modules() if hasattr(module, "lora_A")]

    def describe():
        flags = [weight.requires_grad for weight in personal.parameters()]
        return flags, [(layer.active_adapters, layer.disable_adapters) for layer in layers]

    personal.requires_grad_(False)  # as a model for inference is loaded
    before = describe()
    write(personal, loaded.base, expert="task")
    assert describe() == before and before[1][0] == (["cope"], False)
    with pytest.raises(RuntimeError):
        write(personal, loaded.base, streamer=Broken())
    assert describe() == before


class Broken:
    """A streamer that fails."""

    def put(self, ids):
        raise RuntimeError


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"alpha": 3}, "alpha must be a number from 0 to 2"),
        ({"tau": "much"}, "tau must be a number from 0 to 1"),
        ({"num_beams": 4}, "leave num_beams at 1"),
        ({"expert": "nobody"}, "no adapter 'nobody'; this model has cope, task"),
        ({"amateur": ["cope", "x"]}, "no adapter 'x'"),
    ],
)
def test_what_will_not_do_is_refused(loaded, personal, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        write(personal, loaded.base, **options)


def test_a_model_without_adapters_or_without_a_base_is_refused(loaded, personal):
    with pytest.raises(ValueError, match="no adapters to contrast"):
        write(load_base(loaded.path, "cpu").model, loaded.base)
    with personal.disable_adapter(), pytest.raises(ValueError, match="switched off"):
        write(personal, loaded.base)
    plain = AutoModelForCausalLM.from_pretrained(loaded.path, dtype=torch.float32)
    merged = PeftModel.from_pretrained(plain, str(loaded.folders["cope"]))
    merged.merge_adapter()
    with pytest.raises(ValueError, match="merged"):
        write(merged, loaded.base)


def test_the_same_on_the_embedded_model():
    user = Store().open("ines")
    ines = load(None, {"cope": user.adapter("cope")})
    model = PeftModel.from_pretrained(load_base(device="cpu").model, str(user.adapter("cope"))).eval()
    config = replace(CONFIG, max_new_tokens=16)
    (ids,) = write(model, ines.base, ["Write a post about the night bus."], config)
    check_same(ids, run(ines, ("cope",), config, "Write a post about the night bus.")["cope"].tokens, least=8)


def test_the_file_stands_alone(tmp_path):
    """It knows nothing of this project: it is imported where the project is not."""
    shutil.copy(FOLDER / "custom_generate" / "generate.py", tmp_path)
    alone = [sys.executable, "-I", "-c", "import sys; sys.path.insert(0, '.'); import generate; print(*sys.modules)"]
    done = subprocess.run(alone, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "generate" in done.stdout.split() and "cope_demo" not in done.stdout


def test_the_readme_is_a_card_with_a_reference_and_an_example_that_runs(loaded, tmp_path, monkeypatch, capsys):
    card = (FOLDER / "README.md").read_text("utf-8")
    assert "\n- custom_generate\n" in card.split("---")[1] and BIBTEX.strip() in card
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]
    code = re.sub(r"BASE = .*", f"BASE = {loaded.path!r}", code).replace("owner/cope-decoding", str(FOLDER))
    monkeypatch.chdir(loaded.folders["cope"].parent)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert capsys.readouterr().out.strip() and names["ids"].shape[1] > names["asked"]["input_ids"].shape[1]
