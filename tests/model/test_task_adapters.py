"""A task adapter is part of base: in fits, as DPO's reference, in sampling the candidates, and as the amateur."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from cope_demo.config import DecodeConfig
from cope_demo.decode import prompting
from cope_demo.decode.methods import COLUMNS
from cope_demo.errors import CopeError
from cope_demo.fit import pipeline, tam
from cope_demo.fit.dpo import TokenPair, train_dpo
from cope_demo.fit.events import STAGES, FitEvent
from cope_demo.fit.examples import Example, encode
from cope_demo.fit.oppu import train_oppu
from cope_demo.fit.response_logps import response_logps
from cope_demo.fit.training import apply_saved_adapter
from cope_demo.model import task_adapters
from cope_demo.model.base_model import load_base
from cope_demo.saved.store import Store
from cope_demo.service.offered import explain_left_out
from cope_demo.service.service import Service
from cope_demo.texts.lamp import OTHERS
from cope_demo.texts.tasks import find_task
from tests import tiny
from tests.fit.test_pipeline import FAST
from tests.fit.test_tam import SMALL, others

TASK = "news_headline"


@dataclass(frozen=True)
class Fitted:
    """A tiny model, a data folder with its task adapter and a user fitted on both, and the fit's folder and events."""

    model: str
    data: Path
    scratch: Path
    events: list[FitEvent]


@pytest.fixture(scope="module")
def fit(tmp_path_factory) -> Fitted:
    root = tmp_path_factory.mktemp("stacked")
    model, data = tiny.make(root / "model"), root / "data"
    (root / "others").mkdir()
    (root / "others" / OTHERS).write_text(json.dumps(others()))
    task = find_task(TASK)
    samples = [task.sample({"text": tiny.LINES[i], "title": f"{tiny.LINES[-i - 1][:20]} {i}"}) for i in range(8)]
    events = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(data))
        patch.setenv("COPE_COMPUTE", "float32")
        tam.train_tam(TASK, root / "others", data / "task_adapters" / TASK, model=model, config=SMALL)
        pipeline.prepare(root / "scratch", samples, TASK, "ada", model=model, config=FAST)
        for stage in STAGES[:-1]:
            pipeline.run_stage(stage, root / "scratch", events.append)
        (root / "scratch" / "events.jsonl").write_text("")
        Store(data / "users").publish(root / "scratch", "ada", pipeline.make_manifest(root / "scratch"))
    return Fitted(model, data, root / "scratch", events)


@pytest.fixture
def fitted(fit, monkeypatch) -> Fitted:
    """The fit, its data folder being COPE_DATA; in float32, as in bfloat16 sampling and scoring round otherwise."""
    monkeypatch.setenv("COPE_DATA", str(fit.data))
    monkeypatch.setenv("COPE_COMPUTE", "float32")
    return fit


def by_peft(model: str, *folders):
    """The model with these adapters on at once, as PEFT itself stacks them."""
    base = load_base(model)
    stacked = PeftModel.from_pretrained(base.model, str(folders[0]), adapter_name="0")
    for number, folder in enumerate(folders[1:], 1):
        stacked.load_adapter(str(folder), adapter_name=str(number))
    stacked.base_model.set_adapter([str(number) for number in range(len(folders))])
    return stacked.eval()


def logps(model, prompt_ids, response_ids):
    with torch.no_grad():
        logits = model(torch.tensor([prompt_ids + response_ids])).logits[0].float().log_softmax(-1)
    start = len(prompt_ids) - 1
    return torch.stack([logits[start + n, token] for n, token in enumerate(response_ids)])


def test_the_manifest_names_it_and_training_had_it_active(fitted):
    model, data = fitted.model, fitted.data
    manifest = Store(data / "users").open("ada").manifest
    digest = json.loads((data / "task_adapters" / TASK / "tam.json").read_text())["adapter_sha256"]
    assert manifest["task_adapter"] == {"task": TASK, "sha256": digest}
    ids = torch.randint(10, 300, (1, 20), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        adapted = load_base(model, trainable=True, task=TASK).model(ids).logits.float()
        expected = by_peft(model, data / "task_adapters" / TASK)(ids).logits.float()
        bare = load_base(model, trainable=True).model(ids).logits.float()
    assert (adapted - expected).abs().mean() < 0.25 * (adapted - bare).abs().mean()


def test_the_dpo_reference_is_base_with_the_task_adapter(fitted):
    model, scratch = fitted.model, fitted.scratch
    margin = next(e.margin for e in fitted.events if e.stage == "dpo" and e.loss is not None)
    split = json.loads((scratch / "split.json").read_text())
    samples = [json.loads(line) for line in (scratch / "history.jsonl").read_text().split("\n") if line]
    pairs = [json.loads(line) for line in (scratch / "pairs.jsonl").read_text().split("\n") if line]
    adapted, bare = load_base(model, trainable=True, task=TASK), load_base(model, trainable=True)
    chosen = [encode(adapted, tam.Sample(**samples[index]), FAST) for index in split["train"]]
    rejected = [Example(e.prompt_ids, p["rejected_ids"]) for e, p in zip(chosen, pairs, strict=False)]

    def sums(lm):
        """log pi of all chosen and then of all rejected texts, in nats."""
        found = response_logps(lm, chosen + rejected, adapted.tokenizer.pad_token_id, 1024)
        return torch.stack([values.sum() for values in found])

    def against(reference):
        gains = FAST.beta * (user - sums(reference.model))
        return float((gains[: len(chosen)] - gains[len(chosen) :]).mean())

    with apply_saved_adapter(adapted, scratch / "oppu") as stacked:
        user = sums(stacked)
    # How far the wrong reference is off depends on the rejected texts, which rounding lets be sampled otherwise.
    assert margin == pytest.approx(against(adapted), abs=1e-3) and abs(margin - against(bare)) > 0.02


def test_columns_stack_the_personal_adapter_on_the_task_adapter(fitted, monkeypatch):
    model, data, scratch = fitted.model, fitted.data, fitted.scratch
    monkeypatch.setattr(prompting, "find_most_similar", lambda queries, texts, count: [[3, 1]])
    prompt = find_task(TASK).prompt("the goose stood on the ramp")
    methods, service = (*COLUMNS, "base", "rag"), Service(model, data / "users")
    *_, trace = service.compare("ada", prompt, DecodeConfig(max_new_tokens=6), methods)
    tam_folder = data / "task_adapters" / TASK
    reference, bare = by_peft(model, tam_folder), load_base(model)
    assert "base" not in explain_left_out(service.store.open("ada"))
    for column in trace.columns:
        ids = [token.id for token in column.tokens]
        prompt_ids = trace.prompt_ids if column.prompt is None else bare.prompt_ids(column.prompt)
        without = column.method in ("base", "rag")
        user = by_peft(model, tam_folder, scratch / ("oppu" if column.method == "oppu" else "cope"))
        for model_, name in ((user, "logp_user"), (bare.model if without else reference, "logp_base")):
            seen = torch.tensor([getattr(token, name) for token in column.tokens])
            assert (seen - logps(model_, prompt_ids, ids)).abs().max() < (0.4 if without else 0.15)


def test_without_its_task_adapter_a_user_is_refused_with_the_remedy(fitted, tmp_path, monkeypatch):
    model, data = fitted.model, fitted.data
    shutil.copytree(data / "users", tmp_path / "users")
    monkeypatch.setenv("COPE_DATA", str(tmp_path))
    with pytest.raises(CopeError, match="task adapter of news_headline that is not here: put it back"):
        next(Service(model).compare("ada", "a goose"))
    shutil.copytree(data / "task_adapters", tmp_path / "task_adapters")
    assert next(Service(model).compare("ada", "a goose")).task == TASK
    path = tmp_path / "task_adapters" / TASK / task_adapters.WEIGHTS
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CopeError, match="news_headline is damaged: train it again"):
        next(Service(model).compare("ada", "a goose"))


def test_the_adapter_of_another_base_model_is_not_taken(fitted, tmp_path):
    other = tiny.make(tmp_path / "other", "qwen")
    assert load_base(other, task=TASK).tam is None
    assert load_base(fitted.model, task="scholarly_title").tam is None
    assert load_base(fitted.model, task=TASK).tam.task == TASK


@pytest.mark.parametrize("stage", ["oppu", "dpo"])
def test_on_a_task_adapter_both_stages_have_their_own_rate(fitted, tmp_path, monkeypatch, stage):
    class Seen(Exception):
        pass

    def seen(trainer):
        raise Seen(trainer.args.learning_rate)

    stacked = {"oppu": FAST.stacked_learning_rate, "dpo": FAST.dpo_stacked_learning_rate}[stage]
    for task, rate in ((None, getattr(FAST, f"{stage}_learning_rate")), (TASK, stacked)):
        base = load_base(fitted.model, trainable=True, task=task)
        example = encode(base, find_task(TASK).sample({"text": "A swan.", "title": "Swan"}), FAST)
        pair = TokenPair(example.prompt_ids, example.response_ids, example.response_ids, -1.0, -1.0)
        if stage == "dpo" and not task:
            train_oppu(base, [example], FAST, tmp_path / "oppu", lambda event: None)
        monkeypatch.setattr(f"cope_demo.fit.{stage}.train", seen)
        with pytest.raises(Seen, match=f"^{rate}$"):
            if stage == "oppu":
                train_oppu(base, [example], FAST, tmp_path / "oppu", lambda event: None)
            else:
                train_dpo(base, tmp_path / "oppu", [pair], FAST, tmp_path / "cope", lambda event: None)
