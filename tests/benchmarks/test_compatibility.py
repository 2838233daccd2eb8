"""The families of docs/compatibility.md: it names all that the script tries, and two of them go the whole way."""

import pytest
from transformers import AutoTokenizer

from benchmarks import compatibility
from cope_demo.model.embedded import embedded_folder
from cope_demo.paths import ROOT


def test_the_page_has_a_row_for_every_family():
    page = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    for family, (name, _) in compatibility.FAMILIES.items():
        assert f"| {name} (`{family}`) |" in page


@pytest.mark.parametrize("family", ["opt", "gpt_oss"])
def test_odd_families_go_the_whole_way(tmp_path, family):
    """OPT hands its layers flattened batches, gpt-oss routes tokens to experts: no family of the other tests does."""
    tokenizer = AutoTokenizer.from_pretrained(str(embedded_folder()))
    assert compatibility.make_row(tmp_path, family, tokenizer, compatibility.FIT) == ["yes"] * len(compatibility.STEPS)
