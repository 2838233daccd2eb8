"""The table of preference settings: what it makes of the lines."""

import json
from dataclasses import replace

import pytest

from benchmarks.preference_sweep import SETTINGS, list_adapters, measure_authors, table
from cope_demo.config import FitConfig


def row(author: str, setting: str, own: float, other: float, right: int) -> dict:
    """A line of an author with one text of 10 tokens, of which base says -30 nats."""
    logps = {name: [own if name == author else other] for name in ("ann", "bob")}
    rules = ("plain", "alpha 0.1", "alpha 0.3", "alpha 0.5")
    return {
        **{"task": "t", "setting": setting, "adapter": "oppu" if setting == "OPPU" else "cope", "author": author},
        **{"logps": logps, "base": [-30.0], "tokens": [10], "right": {rule: [right] for rule in rules}, "ends": [-1.0]},
    }


FIRST = {"ann": row("ann", "OPPU", -20, -25, 4), "bob": row("bob", "OPPU", -22, -19, 2)}


def test_an_author_is_found_where_no_stranger_knows_the_text_better():
    found = {name: values.tolist() for name, values in measure_authors(FIRST, FIRST)}
    assert found["own, nats"] == pytest.approx([-2.0, -2.2]) and found["strangers', nats"] == pytest.approx(
        [-1.9, -2.5]
    )
    assert found["margin"] == pytest.approx([-0.1, 0.3]) and found["found"] == found["in pairs"] == [0, 1]
    assert found["right, plain"] == pytest.approx([0.4, 0.2]) and found["its end, nats"] == [-1, -1]


def test_the_table_says_the_difference_from_oppu(tmp_path, capsys):
    better = [row(name, "all pairs", one["logps"][name][0] + 1, -30, 5) for name, one in FIRST.items()]
    half = row("ann", "hardest", -20, -20, 1)
    rows = [*FIRST.values(), *better, half]
    (tmp_path / "out").write_text("".join(json.dumps(one) + "\n" for one in rows))
    table(tmp_path / "out")
    lines = capsys.readouterr().out.strip().split("\n")
    assert [line.split(" | ")[0] for line in lines[4:]] == ["| OPPU, 2 authors", "| all pairs, 2 authors"]
    assert lines[5].split(" | ")[1] == "-2.000 (+0.100, +0.100)"


def test_settings_are_settings_and_only_some_change_oppu():
    for change in SETTINGS.values():
        replace(FitConfig(), **change)
    assert [name for name in SETTINGS if "oppu" in list_adapters(name)] == ["one held out", "3 seeds", "384 tokens"]
