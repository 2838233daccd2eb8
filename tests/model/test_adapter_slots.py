"""Adapters in slots: what is added to a product is what the Lora's own matrices say, and slots are used again."""

import numpy as np
import pytest
import torch

from cope_demo.errors import CopeError
from cope_demo.model import adapter_slots
from cope_demo.model.adapter_slots import FIRST, RANK, AdapterSlots, DressedByTorch, DressedOnCpu, _Joined
from cope_demo.model.adapters import Lora

PRODUCTS = [[("q", 12, 10), ("k", 12, 6), ("v", 12, 6)], [("down", 20, 12)]]
CPU = torch.device("cpu")


def make_slots() -> AdapterSlots:
    return AdapterSlots(PRODUCTS, CPU, torch.float32)


def make_lora(seed: int, rank: int = 4, leave_out: str = "") -> Lora:
    random = torch.Generator().manual_seed(seed)
    layers = [layer for parts in PRODUCTS for layer in parts if layer[0] != leave_out]
    return Lora(
        {
            path: (torch.randn(rank, width, generator=random), torch.randn(outs, rank, generator=random))
            for path, width, outs in layers
        },
        rank,
    )


def add_exactly(product: int, x: torch.Tensor, y: torch.Tensor, worn: list[list[Lora]]) -> torch.Tensor:
    """Row by row and layer by layer."""
    y, start = y.clone(), 0
    for path, _, outs in PRODUCTS[product]:
        for row, loras in enumerate(worn):
            for lora in loras:
                if path in lora.weights:
                    down, up = lora.weights[path]
                    y[row, start : start + outs] += up @ (down @ x[row])
        start += outs
    return y


def dress_by_torch(slots: AdapterSlots, worn: np.ndarray) -> DressedByTorch:
    """As on a GPU."""
    used = np.unique(worn[worn >= 0])
    return DressedByTorch(_Joined(slots, used), torch.from_numpy((worn[:, :, None] == used).any(1)))


def list_worn(slots: AdapterSlots, worn: list[list[Lora]]) -> np.ndarray:
    """The slots of each row, int64 (N, W)."""
    found = [[slot for lora in loras for slot in slots.find(lora)] for loras in worn]
    width = max(map(len, found))
    return np.array([row + [-1] * (width - len(row)) for row in found], np.int64).reshape(len(worn), width)


def check(slots: AdapterSlots, worn: list[list[Lora]]) -> None:
    """Both ways of adding equal the adapters' own matrices."""
    numbers = list_worn(slots, worn)
    for product, parts in enumerate(PRODUCTS):
        x, y = torch.randn(len(worn), parts[0][1]), torch.randn(len(worn), sum(outs for _, _, outs in parts))
        exact = add_exactly(product, x, y, worn)
        assert not worn[0] or not torch.allclose(exact, y, atol=0.1)
        dressed = slots.dress(numbers)
        assert type(dressed) is DressedOnCpu
        assert torch.allclose(dress_by_torch(slots, numbers).add(product, x, y), exact, atol=1e-4)
        assert torch.allclose(dressed.add(product, x, y.clone()), exact, atol=1e-4)


def test_rows_of_different_people_get_their_own():
    one, two = make_lora(1), make_lora(2)
    check(make_slots(), [[one], [], [two], [one], [one, two]])


@pytest.mark.parametrize("rank", [1, RANK, RANK + 1, 3 * RANK - 1])
def test_every_rank_is_whole(rank):
    slots, lora, other = make_slots(), make_lora(1, rank), make_lora(2)
    assert len(slots.find(lora)) == -(-rank // RANK)
    check(slots, [[lora], [other], [other, lora], []])


def test_a_layer_without_an_adapter_gets_nothing():
    for path in ("q", "k", "v", "down"):
        check(make_slots(), [[make_lora(1, leave_out=path)], [make_lora(2)]])


def test_rows_without_adapters_are_left_alone():
    """Also before any adapter has come."""
    slots = make_slots()
    for _ in range(2):
        check(slots, [[], []])
        numbers = np.full((2, 1), -1, np.int64)
        x, y = torch.randn(2, 12), torch.randn(2, 22)
        for dressed in (slots.dress(numbers), dress_by_torch(slots, numbers)):
            assert torch.equal(dressed.add(0, x, y.clone()), y)
        slots.find(make_lora(1))


def test_what_is_filled_in_a_smaller_type_is_rounded_once():
    lora = make_lora(1)
    small = Lora({path: tuple(part.bfloat16() for part in parts) for path, parts in lora.weights.items()}, lora.rank)
    slots = make_slots()
    (slot,) = slots.find(small)
    assert torch.equal(slots.downs[1][slot, : lora.rank], small.weights["down"][0].float())


def test_an_adapter_is_found_again_while_it_lives():
    slots, lora = make_slots(), make_lora(1)
    assert slots.find(lora) == slots.find(lora) != slots.find(make_lora(1))


def test_slots_are_used_again_when_the_adapter_is_gone():
    slots, stays = make_slots(), make_lora(0, 2 * RANK)
    for seed in range(1, 12):
        lora = make_lora(seed, 2 * RANK if seed % 2 else 3, leave_out="k" if seed % 2 == 0 else "")
        check(slots, [[lora], [stays]])  # nothing of whoever had the slot before is left in it
        del lora
    assert len(slots.downs[0]) == FIRST and len(slots._free) == FIRST - 2


def test_more_slots_come_and_keep_what_is_in_the_others(monkeypatch):
    monkeypatch.setattr(adapter_slots, "FIRST", 4)
    slots, loras = make_slots(), [make_lora(seed) for seed in range(11)]
    for count in range(1, 12):
        check(slots, [[lora] for lora in loras[:count]])
    assert len({slots.find(lora) for lora in loras}) == 11


def test_who_finds_no_memory_takes_nobodys_slots(monkeypatch):
    slots, small = make_slots(), make_lora(1)
    slots.find(small)
    resize = slots._resize

    def refuse(count):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(slots, "_resize", refuse)
    with pytest.raises(RuntimeError):
        slots.find(make_lora(2, (FIRST + 3) * RANK))
    monkeypatch.setattr(slots, "_resize", resize)
    others = [make_lora(seed) for seed in range(3, 3 + FIRST - 1)]
    assert len({slots.find(lora) for lora in others}) == FIRST - 1 == len(slots.downs[0]) - 1
    check(slots, [[small], *([lora] for lora in others), [make_lora(2, (FIRST + 3) * RANK)]])


@pytest.mark.parametrize("fault", ["another shape", "another layer"])
def test_an_adapter_that_does_not_fit_is_refused_and_takes_no_slot(fault):
    slots, good = make_slots(), make_lora(1, 2 * RANK)
    slots.find(good)
    wrong = {"another shape": {"down": (torch.ones(4, 20), torch.ones(11, 4))}}
    wrong["another layer"] = {"lm_head": (torch.ones(4, 12), torch.ones(9, 4))}
    bad = Lora({**make_lora(2).weights, **wrong[fault]}, 4)
    free = len(slots._free)
    for _ in range(6):
        with pytest.raises(CopeError, match=f"changes {next(iter(wrong[fault]))}.*fit this user again"):
            slots.find(bad)
    assert len(slots._free) == free and len(slots.downs[0]) == FIRST
    check(slots, [[good], [make_lora(3)]])
