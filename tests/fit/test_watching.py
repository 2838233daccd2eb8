"""Watching a model learn: what is seen, and that nobody's adapter is another one because somebody looked."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from transformers import PretrainedConfig

from cope_demo.config import FitConfig
from cope_demo.fit import pipeline, watching
from cope_demo.fit.examples import Example, encode
from cope_demo.fit.response_logps import response_logps
from cope_demo.fit.training import apply_new_adapter
from cope_demo.model.base_model import load_base
from cope_demo.reward import bits_per_token
from cope_demo.texts.tasks import Sample
from tests import tiny

QUICK = FitConfig(
    lora_rank=4, oppu_epochs=2, oppu_learning_rate=5e-3, oppu_batch=4, dpo_batch=4, max_response_tokens=24
)
STAGES = ("history", "oppu", "negatives", "dpo")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.make(tmp_path_factory.mktemp("watched") / "llama", "llama")


@pytest.fixture(scope="module")
def base(folder):
    return load_base(folder, "cpu", trainable=True)


def fit(folder, scratch, watch):
    """The scratch folder of a fit, and what was watched: (stage, step, steps, what)."""
    pipeline.prepare(scratch, tiny.samples(), "free_writing", "ada", model=folder, config=QUICK)
    events = []
    for stage in STAGES:
        pipeline.run_stage(stage, scratch, events.append, watch=watch)
    return [(e.stage, e.step, e.of, e.watched) for e in events if e.watched]


def test_looking_changes_no_bit_of_the_adapters_and_shows_what_was_not_trained_on(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "PATIENCE", 1e-9)  # every look, however slow the machine
    seen, unseen = fit(folder, tmp_path / "watched", True), fit(folder, tmp_path / "alone", False)
    for adapter in ("oppu", "cope"):
        one, two = ((tmp_path / name / adapter / "adapter_model.safetensors") for name in ("watched", "alone"))
        assert one.read_bytes() == two.read_bytes()
    assert unseen == []
    assert [(stage, step / of) for stage, step, of, _ in seen] == [
        ("oppu", 0), ("oppu", 1 / 4), ("oppu", 2 / 4), ("oppu", 1), ("dpo", 0.5), ("dpo", 1)
    ]  # fmt: skip
    (held,) = json.loads((tmp_path / "watched" / "split.json").read_text())["held_out"]
    for *_, watched in seen:
        assert tiny.samples()[held].response.startswith("".join(text for text, _ in watched["tokens"]))
        assert watched["prompt"] == tiny.samples()[held].prompt
    assert [bool(watched["written"]) for *_, watched in seen] == [True, True, True, True, False, True]
    means = [sum(bits for _, bits in watched["tokens"]) / len(watched["tokens"]) for *_, watched in seen]
    assert min(means[1:]) < means[0]  # the little that is to be learned


def watch_steps(monkeypatch, stage, steps, seconds) -> list[tuple[int, bool]]:
    """The steps at which a watch looks, and whether something was written, where a look takes `seconds` and a training
    step one."""
    clock = [0.0]

    def spend(*_):
        clock[0] += seconds
        return []

    monkeypatch.setattr(watching.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(watching, "score_sentence", spend)
    monkeypatch.setattr(watching, "write_greedily", spend)
    monkeypatch.setattr(watching, "cut_sentence", lambda base, text: text)
    base = SimpleNamespace(tokenizer=SimpleNamespace(decode=lambda *_, **options: "eleven"))
    events, model = [], torch.nn.Linear(1, 1)
    model.config = PretrainedConfig()
    watch = watching.Watch(base, [(Sample("p", "r"), Example([1], [2]))], stage, events.append)
    watch.on_train_begin(None, SimpleNamespace(global_step=0, max_steps=steps), None, model=model)
    for step in range(1, steps + 1):
        clock[0] += 1
        watch.on_step_end(None, SimpleNamespace(global_step=step, max_steps=steps), None, model=model)
    return [(event.step, event.watched["written"] is not None) for event in events]


@pytest.mark.parametrize(
    "stage,seconds,seen",
    [
        ("oppu", 0.1, [(0, True), (9, True), (18, True), (27, True)]),
        ("oppu", 0.5, [(0, True), (9, False), (18, False), (27, True)]),
        ("oppu", 2.0, [(0, True), (27, True)]),
        ("dpo", 0.1, [(13, False), (27, True)]),
    ],
)
def test_between_a_stage_s_ends_a_look_takes_a_small_part_of_the_time(monkeypatch, stage, seconds, seen):
    assert watch_steps(monkeypatch, stage, 27, seconds) == seen


def test_the_first_look_is_base_itself(base):
    """The numbers of a fresh adapter, which adds nothing, are those of the model without it."""
    sentence = watching.cut_sentence(base, encode(base, tiny.samples(1)[0], QUICK))
    bare = response_logps(base.model, [sentence], base.tokenizer.pad_token_id)[0]
    with apply_new_adapter(base, QUICK) as model:
        tokens = watching.score_sentence(model, base, sentence)
    assert sum(bits for _, bits in tokens) / len(tokens) == pytest.approx(bits_per_token(bare), abs=0.01)


def test_a_sentence_ends_where_it_ends_and_before_it_is_long(base):
    def pick(text):
        example = Example([1], base.response_ids(text))
        return base.tokenizer.decode(watching.cut_sentence(base, example).response_ids)

    assert pick("the ferry was late again. nobody said a word") == "the ferry was late again."
    long = "rain " * 60
    assert long.startswith(pick(long)) and len(base.text_ids(pick(long))) <= watching.SENTENCE


@pytest.mark.parametrize("kept", [0, 3, 14])
def test_what_was_written_before_changes_no_word_of_what_is_written_now(base, kept):
    prompt = base.prompt_ids("Write a post about number 3.")
    with torch.no_grad():
        new = watching.write_greedily(base.model, base, prompt)
        draft = [*new[:kept], *([7] * (len(new) - kept))]
        assert watching.write_greedily(base.model, base, prompt, draft) == new
        ids = torch.tensor([prompt])
        for token in new:  # word by word, without a cache
            assert int(base.model(ids).logits[0, -1].argmax()) == token
            ids = torch.cat([ids, torch.tensor([[token]])], 1)


def test_a_model_that_is_looked_at_goes_on_training(base):
    with apply_new_adapter(base, replace(QUICK, lora_dropout=0.5)) as model:
        model.train()
        with watching.reading(model):
            assert not model.training and not torch.is_grad_enabled()
        assert model.training
