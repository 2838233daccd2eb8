"""The families of docs/compatibility.md: it names all that the script tries, and one of them goes the whole way."""

import importlib
import sys

import pytest
from transformers import AutoTokenizer

from cope_demo.base_model import embedded_folder
from cope_demo.config import ROOT


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("compatibility")
    sys.modules.pop("compatibility")


def test_the_page_has_a_row_for_every_family(script):
    page = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    for family, (name, _) in script.FAMILIES.items():
        assert f"| {name} (`{family}`) |" in page


def test_opt_goes_the_whole_way(script, tmp_path):
    """It hands its layers flattened batches, which no family of the other tests does."""
    tokenizer = AutoTokenizer.from_pretrained(str(embedded_folder()))
    assert script.row(tmp_path, "opt", tokenizer, script.FIT) == ["yes"] * len(script.STEPS)
