"""What makes a fit on a CPU quick computes what it stands for: attention, adapters, shared prompts, the loss."""

import inspect
from importlib import import_module
from typing import NamedTuple

import pytest
import torch
from transformers import AttentionInterface, Trainer, TrainingArguments
from trl import DPOTrainer

from cope_demo.config import FitConfig
from cope_demo.fit import candidates
from cope_demo.fit.candidates import sample_candidates
from cope_demo.fit.dpo import BaseReferenceTrainer, TokenPair, train_dpo
from cope_demo.fit.examples import Example
from cope_demo.fit.oppu import LeanTrainer
from cope_demo.fit.response_logps import read_responses, response_logps
from cope_demo.fit.training import apply_new_adapter, save_adapter, use_one_gpu
from cope_demo.model import base_model
from cope_demo.model.adapters import Lora, apply_always
from cope_demo.model.attention import FAMILIES, NAME, grouped_attention
from cope_demo.model.base_model import load_base
from cope_demo.model.padding import pad_sequences
from cope_demo.model.token_tree import count_nodes
from cope_demo.model.unpacked import Unpacked
from tests import tiny

PAD = 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.make(tmp_path_factory.mktemp("fast") / "llama", "llama")


def plain_attention(family: str):
    return import_module(f"transformers.models.{family}.modeling_{family}").eager_attention_forward


@pytest.mark.parametrize("family", FAMILIES)
def test_these_families_have_the_plain_attention(family):
    assert inspect.getsource(plain_attention(family)) == inspect.getsource(plain_attention("llama"))


@pytest.mark.parametrize("length", [1, 7])
@pytest.mark.parametrize("masked", [False, True])
def test_grouped_attention_is_the_plain_one(length, masked):
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(3, 9, length, 16, generator=generator)
    key, value = torch.randn(2, 3, 3, 11, 16, generator=generator)
    mask = torch.zeros(3, 1, length, 11).masked_fill(torch.rand(3, 1, length, 11, generator=generator) < 0.3, -1e9)
    module = torch.nn.Module().eval()
    module.num_key_value_groups = 3
    given = (module, query, key, value, mask if masked else None, 0.25)
    assert torch.allclose(grouped_attention(*given)[0], plain_attention("llama")(*given)[0], atol=1e-6)
    assert NAME in AttentionInterface().valid_keys()


class Learned(NamedTuple):
    """What a step computes: logits without an adapter, and loss and gradients of a fresh one, all of them in a row."""

    logits: torch.Tensor
    loss: torch.Tensor
    gradients: torch.Tensor


def learn(base, ids) -> Learned:
    """The fresh adapter's B is not zero, and the step has the autocast of a fit."""
    bare = base.model(ids).logits
    torch.manual_seed(0)
    with apply_new_adapter(base, FitConfig(lora_rank=4)) as model:
        weights = [p for p in model.parameters() if p.requires_grad]
        for weight in weights:
            torch.nn.init.normal_(weight.data, std=0.1)
        with torch.autocast("cpu", torch.bfloat16, enabled=base.dtype == torch.bfloat16):
            logits = model(ids).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten())
        loss.backward()
        return Learned(bare, loss.detach(), torch.cat([weight.grad.flatten() for weight in weights]))


@pytest.mark.parametrize("worn", [False, True])
def test_adapters_in_place_learn_as_peft_has_them(folder, monkeypatch, worn):
    ids = torch.randint(10, 300, (2, 24), generator=torch.Generator().manual_seed(1))
    found = []
    for kept in (base_model.KEPT_BYTES, 0):  # 0: nothing is unpacked, so peft's own layers and the hooks work
        monkeypatch.setattr(base_model, "KEPT_BYTES", kept)
        base = load_base(folder, "cpu", trainable=True)
        layers = {path: m for path, m in base.model.named_modules() if path.endswith(("q_proj", "down_proj"))}
        assert all(isinstance(layer.forward, Unpacked) == bool(kept) for layer in layers.values())
        if worn:
            generator = torch.Generator().manual_seed(2)
            sizes = {path: (m.in_features, m.out_features) for path, m in layers.items()}
            pairs = {
                path: (torch.randn(4, wide, generator=generator) * 0.1, torch.randn(high, 4, generator=generator) * 0.1)
                for path, (wide, high) in sizes.items()
            }
            apply_always(base.model, Lora(pairs, 4), base.dtype)
        found.append(learn(base, ids))
    ours, pefts = found
    assert torch.cosine_similarity(ours.logits.float().flatten(), pefts.logits.float().flatten(), dim=0) > 0.999
    assert abs(ours.loss - pefts.loss) < 0.05
    assert torch.cosine_similarity(ours.gradients, pefts.gradients, dim=0) > 0.98
    assert abs(ours.gradients.norm() / pefts.gradients.norm() - 1) < 0.05


@pytest.fixture(params=["tree", "padded"])
def base(request, folder):
    """A model that is trained, and the same as a family has it that reads no trees."""
    base = load_base(folder, "cpu", trainable=True)
    if request.param == "padded":
        base.model.set_attn_implementation("eager")
    return base


def test_the_loss_of_responses_is_the_loss_of_the_whole(base):
    generator = torch.Generator().manual_seed(3)
    ids, mask = torch.randint(10, 300, (3, 20), generator=generator), torch.ones(3, 20, dtype=torch.long)
    labels = ids.clone()
    for row, (start, end) in enumerate(((6, 20), (9, 14), (7, 17))):
        labels[row, :start] = labels[row, end:] = -100
        mask[row, end:] = 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    whole = base.model(**inputs, labels=labels, num_items_in_batch=29).loss
    lean = LeanTrainer.compute_loss(None, base.model, inputs | {"labels": labels}, num_items_in_batch=29)
    assert abs(lean - whole) < 1e-3 and LeanTrainer.compute_loss is not Trainer.compute_loss


def test_scores_are_those_of_each_text_alone(base):
    generator = torch.Generator().manual_seed(5)
    prompts = [torch.randint(10, 300, (length,), generator=generator).tolist() for length in (5, 12, 1, 9)]
    sizes = ((0, 6), (1, 3), (0, 2), (2, 1), (3, 8), (1, 7), (1, 3))
    examples = [Example(prompts[p], torch.randint(10, 300, (n,), generator=generator).tolist()) for p, n in sizes]
    calls, ticks = [], []
    note = base.model.model.register_forward_pre_hook(
        lambda module, args, given: calls.append(given["input_ids"].shape), with_kwargs=True
    )
    found = response_logps(base.model, examples, PAD, 40, ticks.append)
    note.remove()
    assert ticks[-1] == len(examples) and len(ticks) > 1
    assert max(rows * length for rows, length in calls) <= 40
    for example, computed in zip(examples, found, strict=True):
        ids = torch.tensor([example.prompt_ids + example.response_ids])
        logits = base.model(ids).logits[0, len(example.prompt_ids) - 1 : -1].float()
        truth = logits.log_softmax(-1)[range(len(computed)), example.response_ids]
        assert torch.allclose(computed, truth, atol=0.1)


@pytest.mark.parametrize("way", ["the decoder's forward pass", "generate"])
def test_candidates_have_the_log_probabilities_of_a_pass_over_the_whole_text(folder, monkeypatch, way):
    """K rows go on from each prompt, which is read once; some end early, and others take their places."""
    monkeypatch.setenv("COPE_COMPUTE", "float32")
    base = load_base(folder, "cpu", trainable=True)
    if way == "generate":
        monkeypatch.setattr(candidates, "make_forward", lambda base: None)
        settings = base.model.generation_config  # as a checkpoint may bring them; what is sampled is not theirs
        settings.repetition_penalty, settings.no_repeat_ngram_size = 1.5, 2
    base.end_ids = frozenset(range(60))  # most answers end before their limit
    generator = torch.Generator().manual_seed(4)
    tails = [torch.randint(10, 300, (length,), generator=generator).tolist() for length in (5, 12, 1, 3, 8)]
    examples = [Example([11, 12, *tail], [7] * (6 + n)) for n, tail in enumerate(tails)]
    config = FitConfig(candidates=3, candidate_temperature=1.5, sample_rows=6)
    found = [sample_candidates(base, examples, config, lambda event: None, batch_rows=6) for _ in range(2)]
    assert [[one.ids for one in many] for many in found[0]] == [[one.ids for one in many] for many in found[1]]
    answers = [(e, one) for e, many in zip(examples, found[0], strict=True) for one in many]
    assert len(answers) == 15 and len({len(one.ids) for _, one in answers}) > 3
    limits = {id(e): limit for e, limit in zip(examples, (7, 7, 9, 9, 10), strict=True)}
    for example, one in answers:
        ends = [token in base.end_ids for token in one.ids]
        assert not any(ends[:-1]) and (ends[-1] or len(ends) == limits[id(example)])
    truth = response_logps(base.model, [Example(e.prompt_ids, one.ids) for e, one in answers], PAD)
    for (_, one), computed in zip(answers, truth, strict=True):
        assert torch.allclose(one.logps, computed, atol=2e-3)


def test_a_prompt_is_kept_until_its_last_candidate_has_ended(folder, monkeypatch):
    """Of many long prompts with short answers as many are open as candidates run, more than a group has."""
    monkeypatch.setenv("COPE_COMPUTE", "float32")
    base = load_base(folder, "cpu", trainable=True)
    base.end_ids = frozenset(range(60))
    generator = torch.Generator().manual_seed(9)
    examples = [Example(torch.randint(10, 300, (50,), generator=generator).tolist(), [7] * 12) for _ in range(30)]
    config = FitConfig(candidates=3, candidate_temperature=1.5, sample_rows=6)
    found = sample_candidates(base, examples, config, lambda event: None, batch_rows=6)
    answers = [(e, one) for e, many in zip(examples, found, strict=True) for one in many]
    truth = response_logps(base.model, [Example(e.prompt_ids, one.ids) for e, one in answers], PAD)
    for (_, one), computed in zip(answers, truth, strict=True):
        assert torch.allclose(one.logps, computed, atol=2e-3)


def test_a_trainer_has_one_gpu_whatever_it_sees(tmp_path):
    settings = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    for seen, used in ((0, 0), (1, 1), (4, 1)):
        settings._n_gpu = seen
        assert use_one_gpu(settings).n_gpu == used


def test_the_head_never_sees_a_slice(folder):
    base = load_base(folder, "cpu")
    seen = []
    base.model.get_output_embeddings().register_forward_hook(lambda head, given, out: seen.append(given[0]))
    base.model(torch.ones(3, 9, dtype=torch.long), logits_to_keep=4)
    assert seen[0].shape[:2] == (3, 4) and seen[0].is_contiguous()


def test_what_texts_share_is_computed_once_with_the_same_losses_and_gradients(folder, monkeypatch):
    """In float32, where there is next to no rounding: pairs that share prompt and template, and padded rows of them."""
    monkeypatch.setenv("COPE_COMPUTE", "float32")
    template, prompts, answers = [11, 12, 13], ([14], [15, 16]), ([21, 22, 23, 2], [21, 24, 2], [25, 26], [27])
    texts = [Example(template + prompts[n % 2], answer) for n, answer in enumerate(answers)]
    rows = [e.prompt_ids + e.response_ids for e in texts]
    assert count_nodes([row[:-1] for row in rows]) == 12 < sum(map(len, rows)) / 2
    ids, mask = pad_sequences(rows, PAD, "right")
    labels, _ = pad_sequences([[-100] * len(e.prompt_ids) + e.response_ids for e in texts], -100, "right")
    found, seen = [], []
    for attention in (NAME, "eager"):
        base = load_base(folder, "cpu", trainable=True)
        base.model.set_attn_implementation(attention)
        base.model.model.layers[0].mlp.register_forward_hook(lambda *given: seen.append(given[1][0].shape[:2].numel()))
        torch.manual_seed(0)
        with apply_new_adapter(base, FitConfig()) as model:
            weights = [p for p in model.parameters() if p.requires_grad]
            for weight in weights:
                torch.nn.init.normal_(weight.data, std=0.1)
            logps = read_responses(model, ids, mask, labels)
            torch.stack([(n + 1) * (one**2).mean() for n, one in enumerate(logps)]).sum().backward()
            found.append((torch.cat(logps).detach(), torch.cat([p.grad.flatten() for p in weights])))
    (ours, gradient), (theirs, gradient_2) = found
    assert torch.allclose(ours, theirs, atol=1e-4)
    assert torch.allclose(gradient, gradient_2, rtol=1e-3, atol=1e-3 * float(gradient_2.abs().max()))
    assert seen == [12, ids.numel()]


@pytest.mark.parametrize("settings", [{}, {"dpo_sft_weight": 0.7}, {"dpo_token_beta": 2.0}])
def test_the_loss_of_pairs_is_trls(base, tmp_path, monkeypatch, settings):
    """trl's own loss, which scores prompts, too: the same number, margin and gradient."""
    generator = torch.Generator().manual_seed(6)

    def ids(length):
        return torch.randint(10, 300, (length,), generator=generator).tolist()

    pairs = [TokenPair(ids(p), ids(c), ids(r), -5.0 * c, -4.0 * r) for p, c, r in ((5, 9, 4), (12, 3, 7), (8, 1, 11))]
    found = []

    def compare(trainer):
        assert trainer.args.max_length is None  # a reference was scored on the whole
        batch = trainer.data_collator(list(trainer.train_dataset))
        for owner in (BaseReferenceTrainer, DPOTrainer):
            trainer.model.zero_grad()
            loss = owner.compute_loss(trainer, trainer.model, dict(batch))
            loss.backward()
            gradient = torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None])
            found.append((loss.item(), trainer._metrics["train"]["rewards/margins"][-1], gradient))

    monkeypatch.setattr(BaseReferenceTrainer, "train", compare)
    with apply_new_adapter(base, FitConfig()) as model:
        save_adapter(model, tmp_path / "oppu")
    config = FitConfig(**settings)
    train_dpo(base, tmp_path / "oppu", pairs, config, tmp_path / "cope", lambda event: None)
    (loss, margin, gradient), (loss_2, margin_2, gradient_2) = found
    assert loss == pytest.approx(loss_2, abs=1e-4)
    assert margin == pytest.approx(margin_2, abs=1e-2) or config.dpo_token_beta, "trl's margin is of sums in any case"
    assert torch.cosine_similarity(gradient, gradient_2, dim=0) > 0.999
    assert abs(gradient.norm() / gradient_2.norm() - 1) < 0.01 and gradient.norm() > 0
