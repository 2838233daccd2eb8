"""The command `bench` on a tiny model: all figures are there, are numbers, and hang together."""

import json

import pytest

from cope_demo.cli.commands import main
from tests import tiny


@pytest.fixture
def figures(tmp_path, own_data, monkeypatch, capsys):
    """What `bench --quick --json` writes, with what it has printed."""
    settings = {"lora_rank": 4, "oppu_epochs": 1, "max_response_tokens": 16, "candidates": 1}
    monkeypatch.setenv("COPE_FIT_CONFIG", json.dumps(settings))
    model, out = tiny.make(tmp_path / "model"), tmp_path / "bench.json"
    assert main(["bench", "--quick", "--model", model, "--json", str(out)]) == 0
    return json.loads(out.read_text()), capsys.readouterr().out


def test_every_figure_is_there_and_is_a_number(figures):
    found, shown = figures
    cpu, ways = found["cpu"], found["generate_ms"]
    assert cpu["model"] and isinstance(cpu["flags"], list) and isinstance(cpu["native_bfloat16"], bool)
    assert cpu["cores"] >= 1 and cpu["read_gb_s"] > 0
    assert list(ways) == ["nf4", "bfloat16", "float32"] and all(value > 0 for value in ways.values())
    names = "step_ms read_floor_ms fit_40_s first_token_ms tokens_per_s_alone tokens_per_s_20_visitors memory_mb"
    assert all(isinstance(found[name], float | int) and found[name] > 0 for name in names.split())
    assert found["fit_40"] == "estimated"
    assert found["step_over_generate"] == pytest.approx(found["step_ms"] / min(ways.values()), abs=0.01)
    assert found["memory_mb"] > 100 and found["first_token_20_visitors_ms"] >= found["first_token_ms"] / 2
    for words in (cpu["model"], f"{found['step_ms']} ms", f"{ways['float32']} ms", "estimated", "a second"):
        assert words in shown
