"""The CPU: its description, from what a kernel writes, the measured bandwidth, and how cores wait for each other."""

import os
import subprocess
import sys

import pytest

from cope_demo.paths import ROOT
from cope_demo.system.cpu import count_cores, describe_cpu, measure_reading

INTEL = "processor\t: 0\nmodel name\t: Some(R) CPU @ 2.0GHz\nflags\t\t: fpu avx2 fma avx512f avx512_bf16\n\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\nCPU part\t: 0xd40\n"


def test_the_model_and_the_flags_that_matter_are_named(tmp_path):
    for text, name, flags in (
        (INTEL * 2, "Some(R) CPU @ 2.0GHz", ["avx2", "fma", "avx512f", "avx512_bf16"]),
        (ARM, None, ["asimd", "i8mm", "bf16"]),
    ):
        (tmp_path / "cpuinfo").write_text(text)
        found = describe_cpu(tmp_path / "cpuinfo")
        assert found["flags"] == flags and found["cores"] == count_cores() >= 1
        assert found["model"] == name if name else found["model"]


def test_a_machine_without_that_file_has_a_name_all_the_same(tmp_path):
    found = describe_cpu(tmp_path / "none")
    assert found["model"] and found["flags"] == []


def test_reading_is_measured_in_gigabytes_a_second():
    assert 0.1 < measure_reading(1 << 24) < 5000


@pytest.mark.parametrize("own, used", [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7")], ids=["ours", "the user's"])
def test_how_long_cores_wait_awake_is_said_before_torch_is_imported(own, used):
    code = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch": print(os.environ.get("GOMP_SPINCOUNT"))
sys.meta_path.insert(0, Watch())
import cope_demo
cope_demo.load_base
"""
    env = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"} | own
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == [used]
