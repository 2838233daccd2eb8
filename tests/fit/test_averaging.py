"""The mean of several seeds' adapters, as one LoRA."""

from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from cope_demo.fit.averaging import SEED_STEP, WEIGHTS, join_adapters, take_part
from cope_demo.model.adapters import read_lora
from cope_demo.model.base_model import load_base
from tests import tiny
from tests.fit.test_pipeline import FAST, run_stages

STAGES = ["history", "oppu", "negatives", "dpo"]


def product(lora):
    return {path: up.float() @ down.float() for path, (down, up) in lora.weights.items()}


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    """A model; a fit of two seeds, its events, and the two fits of one seed each that it is made of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(tmp_path_factory.mktemp("data")))
        model, folder, events = tiny.make(tmp_path_factory.mktemp("model")), tmp_path_factory.mktemp("fits"), []
        config = replace(FAST, oppu_epochs=1)
        mean = run_stages(folder / "mean", model, STAGES, replace(config, seeds_averaged=2), events.append)
        # The texts held out follow from the seed: those of the second part are the first seed's.
        one = run_stages(folder / "0", model, STAGES[:2], config)
        two = folder / "1"
        run_stages(two, model, ["history"], replace(config, seed=SEED_STEP))
        (two / "split.json").write_bytes((one / "split.json").read_bytes())
        run_stages(two, model, ["oppu"])
    return model, mean, events, [one, two]


def test_the_adapter_is_the_mean_of_the_products_of_fits_with_seeds_of_their_own(fits):
    model, mean, _, parts = fits
    base = load_base(model, "cpu")
    whole = read_lora(mean / "oppu", base.model)
    one, two = (product(read_lora(part / "oppu", base.model)) for part in parts)
    assert whole.rank == 2 * FAST.lora_rank
    for path, found in product(whole).items():
        assert not torch.equal(one[path], two[path])
        assert torch.allclose(found, (one[path] + two[path]) / 2, atol=1e-6)


def test_peft_loads_the_means_and_dpo_has_moved_every_part(fits):
    model, mean, _, _ = fits
    base = load_base(model, "cpu")
    before, after = (load_file(mean / name / WEIGHTS) for name in ("oppu", "cope"))
    assert before.keys() == after.keys()
    up = next(name for name in before if ".lora_B." in name)
    for part in range(2):
        own = part * FAST.lora_rank, FAST.lora_rank
        assert not torch.equal(before[up].narrow(1, *own), after[up].narrow(1, *own))
    assert PeftModel.from_pretrained(base.model, str(mean / "cope")).peft_config["default"].r == 2 * FAST.lora_rank
    assert {path.name for path in mean.iterdir() if path.is_dir()} >= {"oppu", "cope"}
    assert not list(mean.glob("*.seeds"))


def test_a_part_is_taken_out_as_it_went_in(fits, tmp_path):
    _, _, _, parts = fits
    join_adapters([part / "oppu" for part in parts], tmp_path / "joined")
    for number, part in enumerate(parts):
        taken = take_part(tmp_path / "joined", number, FAST.lora_rank, tmp_path / str(number))
        one, two = load_file(taken / WEIGHTS), load_file(part / "oppu" / WEIGHTS)
        assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_progress_goes_once_from_the_first_step_to_the_last(fits):
    _, _, events, _ = fits
    for stage, steps in (("oppu", 4), ("dpo", 2)):  # seven texts in batches of 4 and 16, twice
        own = [event for event in events if event.stage == stage]
        assert {event.of for event in own} == {steps}
        assert [event.step for event in own] == sorted(event.step for event in own) and own[-1].step == steps
        assert sum(event.watched is not None for event in own) <= 4, "one of the fits is looked at"
