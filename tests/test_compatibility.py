"""The families of docs/compatibility.md: it names all that the script tries, and two of them go the whole way."""

import importlib
import sys

import pytest
from transformers import AutoTokenizer

from cope_demo.model.embedded import embedded_folder
from cope_demo.paths import ROOT


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("compatibility")
    sys.modules.pop("compatibility")


def test_the_page_has_a_row_for_every_family(script):
    page = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    for family, (name, _) in script.FAMILIES.items():
        assert f"| {name} (`{family}`) |" in page


@pytest.mark.parametrize("family", ["opt", "gpt_oss"])
def test_odd_families_go_the_whole_way(script, tmp_path, family):
    """OPT hands its layers flattened batches, gpt-oss routes tokens to experts: no family of the other tests does."""
    tokenizer = AutoTokenizer.from_pretrained(str(embedded_folder()))
    assert script.make_row(tmp_path, family, tokenizer, script.FIT) == ["yes"] * len(script.STEPS)
