"""Fits on tiny models of four families, and the traps of training."""

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from peft import PeftModel
from safetensors.torch import load_file

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.errors import CopeError
from cope_demo.fit import pipeline
from cope_demo.fit.candidates import SamplingProcessor, sample_candidates
from cope_demo.fit.events import STAGES
from cope_demo.fit.examples import Example, encode
from cope_demo.fit.negatives import Candidate, select_rejected
from cope_demo.fit.response_logps import response_logps
from cope_demo.fit.training import Progress, apply_new_adapter
from cope_demo.model import base_model
from cope_demo.model.base_model import load_base
from cope_demo.saved.store import Store
from cope_demo.service.service import Service
from cope_demo.texts.tasks import Sample
from tests import tiny

FAST = FitConfig(
    lora_rank=4,
    oppu_epochs=2,
    oppu_learning_rate=5e-3,
    dpo_learning_rate=1e-3,
    oppu_batch=4,
    dpo_batch=16,
    beta=0.05,
    max_response_tokens=24,
    holdout=2,
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """family -> path of its tiny model."""
    folder = tmp_path_factory.mktemp("models")
    return {family: tiny.make(folder / family, family) for family in tiny.FAMILIES}


@pytest.mark.parametrize("family", list(tiny.FAMILIES))
def test_each_family_goes_through_fit_and_compare(models, family, tmp_path):
    events = []
    store = Store(tmp_path / "users")
    user = pipeline.fit_user(tiny.history(), "ada", model=models[family], config=FAST, store=store, emit=events.append)
    assert [stage for stage in STAGES if any(e.stage == stage for e in events)] == list(STAGES)
    sft = [e for e in events if e.stage == "oppu" and e.loss]
    assert sft[-1].loss < sft[0].loss and sft[-1].step == sft[-1].of
    assert all(e.margin is not None for e in events if e.stage == "dpo" and e.loss)
    assert events[-1].eta == 0
    base = load_base(models[family])
    assert PeftModel.from_pretrained(base.model, str(user.adapter("cope"))).peft_config["default"].r == 4
    settings = json.loads((user.adapter("cope") / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == family  # a name, and no path of this machine
    report = user.report
    assert report["train"] == 7 and report["held_out"] == 1
    assert len(set(report["bits_per_token"].values())) == 3 and set(report["pairs_right"]) == {"base", "oppu", "cope"}
    assert user.manifest["base"] == {"name": base.name, "identity": base.identity}
    service = Service(models[family], tmp_path / "users")
    config = DecodeConfig(max_new_tokens=6)
    *_, trace = service.compare("ada", "Write a post about soup.", config)
    assert [column.method for column in trace.columns] == ["greedy", "oppu", "cope"]
    assert all(column.tokens and column.stopped for column in trace.columns)


def run_stages(scratch, model, stages, config=FAST, emit=lambda event: None):
    if not (scratch / "request.json").exists():
        pipeline.prepare(scratch, tiny.samples(), "free_writing", "ada", model=model, config=config)
    for stage in stages:
        pipeline.run_stage(stage, scratch, emit)
    return scratch


class Fitted(NamedTuple):
    """A fit of the tiny Llama that is through all its stages: its folder, its events, and of each trainer the types of
    what it trained."""

    scratch: Path
    events: list
    trained: list

    def pairs(self) -> list[dict]:
        return [json.loads(line) for line in (self.scratch / "pairs.jsonl").read_text().split("\n") if line]


@pytest.fixture(scope="module")
def fitted(models, tmp_path_factory):
    """One fit for all tests that only look at it."""
    events, trained, begin = [], [], Progress.on_train_begin

    def note(self, args, state, control, model=None, **kwargs):
        trained.append({p.dtype for p in model.parameters() if p.requires_grad})
        begin(self, args, state, control, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setattr(Progress, "on_train_begin", note)
        scratch = tmp_path_factory.mktemp("fitted") / "fit"
        run_stages(scratch, models["llama"], STAGES[:-1], emit=events.append)
    return Fitted(scratch, events, trained)


def test_same_seed_same_adapters_bit_for_bit(models, fitted, tmp_path):
    two = run_stages(tmp_path / "same", models["llama"], STAGES[:-1])
    other = run_stages(tmp_path / "other", models["llama"], ["history", "oppu"], replace(FAST, seed=4))

    def read(scratch, adapter):
        return (scratch / adapter / "adapter_model.safetensors").read_bytes()

    assert read(fitted.scratch, "oppu") == read(two, "oppu") != read(other, "oppu")
    assert read(fitted.scratch, "cope") == read(two, "cope")
    assert (fitted.scratch / "pairs.jsonl").read_text() == (two / "pairs.jsonl").read_text()


def test_a_stage_with_output_is_not_run_again(models, fitted):
    before = {path: path.stat().st_mtime_ns for path in fitted.scratch.rglob("*.safetensors")}
    run_stages(fitted.scratch, models["llama"], STAGES[:-1])
    assert {path: path.stat().st_mtime_ns for path in fitted.scratch.rglob("*.safetensors")} == before


def test_what_a_stage_does_before_its_work_is_told_apart(fitted):
    times, setup = (json.loads((fitted.scratch / name).read_text()) for name in ("times.json", "setup.json"))
    assert set(times) == set(setup) == set(STAGES[:-1])
    assert all(0 <= setup[stage] <= times[stage] for stage in times)


def test_a_cancel_in_a_stage_leaves_no_half_output(models, tmp_path):
    def stop(event):
        if event.stage == "oppu" and event.step == 1:
            raise KeyboardInterrupt

    scratch = run_stages(tmp_path, models["llama"], ["history"])
    with pytest.raises(KeyboardInterrupt):
        pipeline.run_stage("oppu", scratch, stop)
    assert not (scratch / "oppu").exists()
    run_stages(scratch, models["llama"], ["oppu"])
    assert (scratch / "oppu" / "adapter_model.safetensors").exists()


def test_held_out_texts_are_not_trained_on(fitted):
    split = json.loads((fitted.scratch / "split.json").read_text())
    assert sorted(split["train"] + split["held_out"]) == list(range(8)) and split["held_out"]
    trained = [pair["chosen"] for pair in fitted.pairs() if pair["part"] == "train"]
    assert not set(trained) & {tiny.samples()[i].response for i in split["held_out"]}


@pytest.mark.parametrize("selection,pick", [("lowest", min), ("hardest", max)])
def test_the_rejected_candidate_is_chosen_by_implicit_reward(models, tmp_path, selection, pick):
    config = replace(FAST, selection=selection, candidates=3, candidate_temperature=1.0)
    scratch = run_stages(tmp_path, models["llama"], ["history", "oppu", "negatives"], config)
    pairs = [json.loads(line) for line in (scratch / "pairs.jsonl").read_text().split("\n") if line]
    for pair in pairs:
        assert len(pair["candidates"]) == 3
        assert pair["rejected_reward"] == pick(c["reward"] for c in pair["candidates"])


def test_what_base_alone_would_say_is_rejected_not_what_is_least_fluent():
    personal, generic = Candidate([1], logp_user=-3.0, logp_base=-3.5), Candidate([2], logp_user=-1.5, logp_base=-1.0)
    own = Candidate([3], logp_user=-1.0, logp_base=-3.0)
    for change, rejected in (({}, generic), ({"negatives_alpha": 0.1}, personal), ({"selection": "hardest"}, personal)):
        assert select_rejected([personal, generic], own, FitConfig(**change)) == [rejected]


def test_base_hears_its_own_candidates_right(models):
    """The log-probabilities noted while sampling are those of a pass over the finished answers."""
    base = load_base(models["llama"], "cpu", trainable=True)
    examples = [encode(base, sample, FAST) for sample in tiny.samples(6)]
    sampled = sample_candidates(base, examples, replace(FAST, candidates=2, candidate_temperature=0.8), lambda e: None)
    answers = [Example(e.prompt_ids, one.ids) for e, many in zip(examples, sampled, strict=True) for one in many]
    again = response_logps(base.model, answers, base.tokenizer.pad_token_id)
    for one, logps in zip((one for many in sampled for one in many), again, strict=True):
        assert one.logps.shape == logps.shape
        assert (one.logps - logps).abs().mean() < 0.15


def test_sampling_keeps_to_the_nucleus_and_to_its_shares():
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).repeat(4000, 1)
    torch.manual_seed(0)
    sampling = SamplingProcessor(temperature=0.5, top_p=0.9)
    drawn = sampling(torch.zeros(4000, 1, dtype=torch.long), logits).argmax(-1)
    shares = (logits[0] / 0.5).softmax(-1)  # 0.865, 0.117, 0.016, 0.002: two make up 0.9
    counts = drawn.bincount(minlength=4) / 4000
    assert counts[2] == counts[3] == 0
    assert counts[0] == pytest.approx(float(shares[0] / shares[:2].sum()), abs=0.02)
    greedy = SamplingProcessor(temperature=0, top_p=1.0)(torch.zeros(4000, 1, dtype=torch.long), logits)
    assert not greedy.argmax(-1).any()


def naive_logp(model, prompt_ids, response_ids):
    """Sum over the response of log pi, by a pass over the whole text."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt_ids + response_ids])).logits[0].float().log_softmax(-1)
    start = len(prompt_ids) - 1
    return sum(float(logits[start + n, token]) for n, token in enumerate(response_ids))


def test_the_dpo_reference_is_base_and_not_the_oppu_adapter(models, fitted):
    """At step 0 the margin is beta times r_user(chosen) - r_user(rejected) of OPPU over base, and not 0."""
    margin = next(e.margin for e in fitted.events if e.stage == "dpo" and e.loss is not None)
    base, other = load_base(models["llama"]), load_base(models["llama"])
    oppu = PeftModel.from_pretrained(other.model, str(fitted.scratch / "oppu")).eval()
    split = json.loads((fitted.scratch / "split.json").read_text())
    margins = []
    for index, pair in zip(split["train"], fitted.pairs(), strict=False):
        example = encode(base, tiny.samples()[index], FAST)
        rewards = [
            naive_logp(oppu, example.prompt_ids, ids) - naive_logp(base.model, example.prompt_ids, ids)
            for ids in (example.response_ids, pair["rejected_ids"])
        ]
        margins.append(FAST.beta * (rewards[0] - rewards[1]))
    expected = sum(margins) / len(margins)
    assert abs(expected) > 0.05
    assert margin == pytest.approx(expected, rel=0.1, abs=0.02)


def lora_gradient(base, ids):
    """The gradient of a fresh LoRA's B matrices on `ids`, as one vector."""
    torch.manual_seed(0)
    with apply_new_adapter(base, replace(FAST, lora_targets="q_proj,v_proj,o_proj")) as model:
        model.train()
        model(ids, labels=ids).loss.backward()
        return torch.cat([p.grad.flatten().float() for n, p in model.named_parameters() if "lora_B" in n])


def dequantize(base):
    """Puts plain linear layers with the dequantized weights in the place of the 4-bit ones."""
    from bitsandbytes.functional import dequantize_4bit

    for parent in list(base.model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Linear4bit):
                plain = torch.nn.Linear(child.in_features, child.out_features, bias=child.bias is not None)
                plain.weight.data = dequantize_4bit(child.weight.data, child.weight.quant_state).to(base.dtype)
                if child.bias is not None:
                    plain.bias.data = child.bias.data
                setattr(parent, name, plain.requires_grad_(False))
    return base


@pytest.mark.parametrize("kept", [base_model.KEPT_BYTES, 0], ids=["unpacked once", "unpacked each time"])
def test_gradients_are_true_after_a_generation(models, monkeypatch, kept):
    monkeypatch.setattr(base_model, "KEPT_BYTES", kept)
    ids = torch.randint(10, 300, (2, 32), generator=torch.Generator().manual_seed(1))
    truth = lora_gradient(dequantize(load_base(models["llama"], "cpu")), ids)
    base = load_base(models["llama"], "cpu", trainable=True)
    base.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=3, do_sample=False)
    assert torch.cosine_similarity(lora_gradient(base, ids), truth, dim=0) > 0.9


def test_weights_unpacked_once_give_the_same_results_bit_for_bit(models, monkeypatch):
    ids = torch.randint(10, 300, (2, 32), generator=torch.Generator().manual_seed(1))
    results = []
    for kept in (base_model.KEPT_BYTES, 0):
        monkeypatch.setattr(base_model, "KEPT_BYTES", kept)
        base = load_base(models["qwen"], "cpu", trainable=True)
        results.append(base.model(ids).logits.detach())
    assert torch.equal(*results)


def test_adapters_are_trained_in_float32_and_saved_in_bfloat16(fitted):
    assert fitted.trained == [{torch.float32}, {torch.float32}]
    one, two = (load_file(fitted.scratch / name / "adapter_model.safetensors") for name in ("oppu", "cope"))
    assert {tensor.dtype for tensor in (*one.values(), *two.values())} == {torch.bfloat16}
    assert any(not torch.equal(one[key], two[key]) for key in one)


def test_a_long_prompt_is_cut_and_never_dropped(models, tmp_path):
    long = [Sample("the ferry was late again " * 60, sample.response) for sample in tiny.samples()]
    history = replace(tiny.history(), samples=long)
    config = replace(FAST, max_prompt_tokens=64, oppu_epochs=1, oppu_batch=1)
    pipeline.prepare(tmp_path, history.samples, history.task, "ada", model=models["llama"], config=config)
    events = []
    for stage in ("history", "oppu"):
        pipeline.run_stage(stage, tmp_path, events.append)
    assert events[-1].of == 7  # seven texts in the training part, one a step
    base = load_base(models["llama"])
    example = encode(base, long[0], config)
    template = base.prompt_ids("")
    assert len(example.prompt_ids) <= 66 and example.prompt_ids[-1] == template[-1]


def test_settings_of_the_environment(monkeypatch):
    monkeypatch.setenv("COPE_FIT_CONFIG", '{"oppu_epochs": 1, "seed": 9}')
    assert (pipeline.read_fit_config().oppu_epochs, pipeline.read_fit_config().seed) == (1, 9)
    monkeypatch.setenv("COPE_FIT_CONFIG", '{"epochs": 1}')
    with pytest.raises(CopeError, match="'epochs'.*oppu_epochs"):
        pipeline.read_fit_config()
    monkeypatch.setenv("COPE_FIT_CONFIG", "[1]")
    with pytest.raises(CopeError, match="JSON object"):
        pipeline.read_fit_config()
