"""Texts in tokens: what is cut, and what stands before an instruction where OPPU is fitted with retrieval."""

from dataclasses import replace

import pytest

from cope_demo.config import FitConfig
from cope_demo.decode.prompting import make_rag_prompt
from cope_demo.fit import examples, oppu, scratch
from cope_demo.fit.examples import encode, encode_retrieving
from cope_demo.model.base_model import load_base
from cope_demo.texts.tasks import Sample
from tests import tiny


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return load_base(tiny.make(tmp_path_factory.mktemp("tiny") / "model"), "cpu", trainable=True)


@pytest.fixture(autouse=True)
def nearness(monkeypatch):
    """The texts with the nearest numbers are the nearest ones, a text itself first of all."""
    monkeypatch.setattr(
        examples,
        "find_most_similar",
        lambda queries, texts, count: [
            sorted(range(len(texts)), key=lambda other: abs(other - number))[:count] for number in range(len(queries))
        ],
    )


SAMPLES = [Sample(f"Write about bus {number}.", f"the {number} was late") for number in range(4)]


@pytest.mark.parametrize("count", [1, 2])
def test_every_prompt_has_the_nearest_other_texts_before_it_and_never_its_own(base, count):
    found = encode_retrieving(base, SAMPLES, FitConfig(retrieval=count))
    near = {0: [1, 2], 1: [0, 2], 2: [1, 3], 3: [2, 1]}
    for number, example in enumerate(found):
        similar = [SAMPLES[other] for other in near[number][:count]]
        assert example.prompt_ids == base.prompt_ids(make_rag_prompt(SAMPLES[number].prompt, similar))
        assert example.response_ids == encode(base, SAMPLES[number], FitConfig()).response_ids


def test_the_limit_of_a_prompt_is_the_instructions_alone(base):
    config = replace(FitConfig(retrieval=1), max_prompt_tokens=16)
    long = [replace(sample, prompt=sample.prompt * 20) for sample in SAMPLES]
    plain, found = encode(base, long[0], config), encode_retrieving(base, long, config)[0]
    assert len(plain.prompt_ids) <= 16 < len(found.prompt_ids)
    assert "the 1 was late" in base.tokenizer.decode(found.prompt_ids)
    cut = base.tokenizer.decode(plain.prompt_ids).count("bus 0")
    assert 0 < cut < 20 and base.tokenizer.decode(found.prompt_ids).count("bus 0") == cut


def test_a_fit_reads_the_retrieved_texts_in_oppus_training_alone(base, tmp_path, monkeypatch):
    """And none of it is cut by the trainer."""
    monkeypatch.setattr(scratch, "_load_base_once", lambda model, task: base)
    settings = FitConfig(retrieval=2, max_prompt_tokens=16, lora_rank=2, oppu_epochs=1, oppu_batch=1)
    scratch.prepare(tmp_path, SAMPLES, "free_writing", "ada", config=settings)
    (tmp_path / "split.json").write_text('{"train": [0, 1, 3], "held_out": [2]}')
    context = scratch.StageContext(tmp_path, lambda event: None)
    given = context.examples("train", retrieving=True)
    text = "".join(base.tokenizer.decode(example.prompt_ids) for example in given)
    assert "the 2 was late" not in text and "the 3 was late" in text  # what is held out is in no prompt
    assert max(len(one.prompt_ids) for one in context.examples("train") + context.examples("held_out")) <= 16
    seen = []
    compute = oppu.read_responses
    monkeypatch.setattr(oppu, "read_responses", lambda *rest: seen.append(rest[1].shape[1]) or compute(*rest))
    oppu.train_oppu(base, given, settings, tmp_path / "oppu", lambda event: None)
    assert sorted(seen) == sorted(len(one.prompt_ids) + len(one.response_ids) for one in given)
