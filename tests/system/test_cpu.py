"""The description of the CPU, from what a kernel writes, and the measured bandwidth."""

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
