"""The lint's look at advisories: findings fail it, silence does not."""

import json
import subprocess

import pytest

from tests import audit

FINE = {"name": "gradio", "version": "6.31.0", "vulns": []}
BAD = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    "answers, code, says",
    [
        ([[FINE], [FINE, UNKNOWN]], 0, "1 packages checked, 0 found"),
        ([[FINE], [FINE, BAD, UNKNOWN]], 1, "Advisory PYSEC-1: old 1.0, mended in 1.1."),
        ([[BAD], [FINE, BAD]], 1, "2 packages checked, 1 found"),
        ([[UNKNOWN]], 0, "not checked"),  # the others are not asked for
        ([None], 0, "not checked"),
        ([[FINE], None], 0, "not checked"),
    ],
)
def test_outcomes(answers, code, says, monkeypatch, capsys):
    def run(command, **options):
        answer = answers.pop(0)
        text = "" if answer is None else json.dumps({"dependencies": answer})
        return subprocess.CompletedProcess(command, 1, text, "could not connect")

    monkeypatch.setattr(subprocess, "run", run)
    assert audit.main() == code and not answers
    assert says in capsys.readouterr().out
