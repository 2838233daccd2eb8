"""The type that this machine computes in: how it is decided, and that nothing computes in another."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Linear4bit
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import METHODS
from cope_demo.errors import CopeError
from cope_demo.fit import pipeline, tam
from cope_demo.fit.events import STAGES
from cope_demo.fit.examples import Example
from cope_demo.fit.response_logps import response_logps
from cope_demo.model import arithmetic, base_model
from cope_demo.model.adapters import TAM, apply_always, read_lora
from cope_demo.model.arithmetic import compute_dtype, native_bfloat16
from cope_demo.model.base_model import load_base
from cope_demo.model.unpacked import Unpacked
from cope_demo.paths import ROOT
from cope_demo.texts.lamp import OTHERS
from tests import tiny
from tests.decode import test_engine, test_engine_resume, test_forward, test_shared_pass
from tests.fit import test_pipeline
from tests.fit.test_tam import SMALL, others
from tests.model import test_adapter_slots, test_adapters, test_packed_products, test_products

CPU = torch.device("cpu")
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
"""Holds torch down to what it does on a CPU that has no more than AVX2."""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny.make(tmp_path_factory.mktemp("arithmetic") / "model")


def test_a_gpu_computes_in_bfloat16_and_a_cpu_where_it_is_native(monkeypatch):
    monkeypatch.delenv("COPE_COMPUTE", raising=False)
    for native, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(arithmetic, "native_bfloat16", lambda native=native: native)
        assert compute_dtype(CPU) == expected and compute_dtype(torch.device("cuda")) == torch.bfloat16


def test_the_environment_overrides_it_and_nonsense_is_refused(monkeypatch, path):
    for name, dtype in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        monkeypatch.setenv("COPE_COMPUTE", name)
        assert compute_dtype(CPU) == compute_dtype(torch.device("cuda")) == load_base(path, "cpu").dtype == dtype
    for wrong in ("half", "float16", "BFLOAT16"):
        monkeypatch.setenv("COPE_COMPUTE", wrong)
        with pytest.raises(CopeError, match=f"COPE_COMPUTE must be 'bfloat16' or 'float32'.*but is '{wrong}'"):
            load_base(path, "cpu")


@pytest.mark.parametrize(
    "held",
    [AVX2, {"ATEN_CPU_CAPABILITY": "avx2"}, {"ONEDNN_MAX_CPU_ISA": "AVX2"}, {"ONEDNN_MAX_CPU_ISA": "avx512_core_vnni"}],
    ids=["both", "torch", "onednn", "plain AVX512"],
)
def test_a_cpu_held_down_has_no_native_bfloat16(held):
    if os.uname().machine != "x86_64":
        pytest.skip("These limits are of x86.")
    code = "from cope_demo.model.arithmetic import *; print(compute_dtype(torch.device('cpu')))"
    env = {key: value for key, value in os.environ.items() if key != "COPE_COMPUTE"} | held
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=env, timeout=60)
    assert done.stdout.strip() == "torch.float32", done.stderr


def test_it_says_what_the_flags_of_the_cpu_say():
    if not os.path.exists("/proc/cpuinfo") or os.uname().machine != "x86_64":
        pytest.skip("The flags are read where Linux shows those of an x86 CPU.")
    if any(os.environ.get(name) for name in AVX2):
        pytest.skip("torch is held down here.")
    flags = set(open("/proc/cpuinfo").read().split("flags", 1)[1].split("\n")[0].split())
    assert native_bfloat16() == bool(flags & {"avx512_bf16", "amx_bf16"})


def bases(path, monkeypatch, **given):
    """The same model in both types."""
    for name in ("bfloat16", "float32"):
        monkeypatch.setenv("COPE_COMPUTE", name)
        yield load_base(path, "cpu", **given)


@pytest.mark.parametrize("stored", [torch.bfloat16, torch.float32], ids=str)
def test_the_4_bit_values_are_the_same_in_both_types(monkeypatch, tmp_path, stored):
    """Codes and scales, also of a model that is stored in more digits."""
    path = tiny.make(tmp_path / "model", dtype=stored)
    pairs = zip(*(base.model.named_modules() for base in bases(path, monkeypatch)), strict=True)
    layers = [(one, two) for (_, one), (_, two) in pairs if isinstance(one, Linear4bit)]
    assert len(layers) == 14
    for one, two in layers:
        state, other = one.weight.quant_state, two.weight.quant_state
        assert torch.equal(one.weight.data, two.weight.data) and torch.equal(state.absmax, other.absmax)
        values, exact = dequantize_4bit(one.weight.data, state), dequantize_4bit(two.weight.data, other)
        assert (values.dtype, exact.dtype) == (torch.bfloat16, torch.float32)
        assert torch.equal(values, exact.bfloat16())


def test_a_layer_in_float32_is_never_repacked_for_bfloat16(monkeypatch, path):
    *_, base = bases(path, monkeypatch)
    with torch.inference_mode():
        base.model(torch.tensor([[5, 6, 7]]))
    states = [m.weight.quant_state for m in base.model.modules() if isinstance(m, Linear4bit)]
    assert states and not any(getattr(state, "packing_format_for_cpu", False) for state in states)


def test_unpacked_weights_are_counted_in_their_own_size(monkeypatch, path):
    one = load_base(path, "cpu")
    parameters = sum(m.in_features * m.out_features for m in one.model.modules() if isinstance(m, Linear4bit))
    monkeypatch.setattr(base_model, "KEPT_BYTES", 2 * parameters)
    kept = [
        {isinstance(m.forward, Unpacked) for m in base.model.modules() if isinstance(m, Linear4bit)}
        for base in bases(path, monkeypatch, trainable=True)
    ]
    assert kept == [{True}, {False}]


LOADING = {
    *(
        "_to_copy",
        "empty",
        "ones",
        "lift_fresh",
        "detach",
        "alias",
        "view",
        "t",
        "copy_",
        "clone",
        "slice",
        "select",
        "_unsafe_view",
    ),
    *("normal_", "uniform_", "fill_", "quantize_4bit"),  # a model's weights, before and as they are read
    *("abs", "eq", "ne", "mul"),  # an adapter's: whether all are numbers, and its scaling
}
"""Operations on bfloat16 by which weights are made, stored and converted."""


class Watch(TorchDispatchMode):
    """Notes every operation that takes or gives bfloat16, but for LOADING."""

    def __init__(self):
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = func.__name__.split(".")[0]
        if name not in LOADING and any(getattr(x, "dtype", None) == torch.bfloat16 for x in tree_leaves((args, out))):
            self.seen.add(name)
        return out


@pytest.mark.parametrize("kept", [base_model.KEPT_BYTES, 0], ids=["unpacked once", "unpacked each time"])
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_nothing_computes_in_bfloat16_where_float32_is_asked_for(monkeypatch, tmp_path, path, name, kept):
    """A task adapter, a fit with it worn, candidates and report, and every method's decoding."""
    monkeypatch.setenv("COPE_COMPUTE", name)
    monkeypatch.setattr(base_model, "KEPT_BYTES", kept)
    (tmp_path / OTHERS).write_text(json.dumps(others()))
    fast = FitConfig(lora_rank=4, oppu_epochs=1, max_response_tokens=16, holdout=1)
    small = replace(SMALL, examples=8, validation=2)
    with Watch() as watch:
        tam.train_tam("news_headline", tmp_path, tmp_path / "tam", model=path, config=small)
        pipeline.prepare(tmp_path / "fit", tiny.samples(6), "free_writing", "ada", model=path, config=fast)
        for stage in STAGES[:-1]:
            pipeline.run_stage(stage, tmp_path / "fit", lambda event: None)
        base = load_base(path, "cpu", trainable=True)
        apply_always(base.model, read_lora(tmp_path / "tam", base.model), base.dtype)
        response_logps(base.model, [Example([5, 6], [7, 8])], 0)
        base = load_base(path, "cpu")
        folders = {"oppu": tmp_path / "fit" / "oppu", "cope": tmp_path / "fit" / "cope", TAM: tmp_path / "tam"}
        bank = make_bank(base, {name: read_lora(folder, base.model) for name, folder in folders.items()})
        config = DecodeConfig(max_new_tokens=3)
        alone = tuple(name for name, method in METHODS.items() if method.amateur != "others")
        list(Engine(base).decode([5, 6, 7], alone, bank, config))
        Engine(base).write([[5, 6], [7]], "cope", bank, config)
    assert ("mm" in watch.seen) == (name == "bfloat16")
    assert name == "bfloat16" or not watch.seen


def test_both_types_say_the_same_but_for_rounding(monkeypatch, path):
    ids = torch.randint(10, 300, (2, 24), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        one, two = (base.model(ids).logits.float().log_softmax(-1) for base in bases(path, monkeypatch))
    assert 0 < (one - two).abs().mean() < 0.1


def test_fit_decoding_and_adapters_hold_without_native_bfloat16():
    """Where this CPU has it, their tests run once more with torch held down to AVX2."""
    if not native_bfloat16() or os.environ.get("COPE_COMPUTE"):
        pytest.skip("This run is without native bfloat16 already, or its type was chosen by hand.")
    products = (test_packed_products, test_products, test_adapter_slots, test_adapters)
    modules = (*products, test_forward, test_shared_pass, test_engine, test_engine_resume, test_pipeline)
    files = [module.__file__ for module in modules]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | AVX2, timeout=600)
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout[-3000:]
