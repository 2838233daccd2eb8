"""The lint's look at advisories: findings fail it, silence does not."""

import json
import subprocess
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cope_demo.paths import ROOT
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


def read_requirements(name: str) -> dict[str, Requirement]:
    """The requirements of a file, by their packages' names."""
    rows = [row.split("#")[0].strip() for row in (ROOT / name).read_text().splitlines()]
    return {canonicalize_name(found.name): found for found in map(Requirement, filter(None, rows))}


def test_no_version_with_an_advisory_that_we_know_of_can_be_installed():
    """The last with an advisory (CVE-2025-43859, CVE-2025-62727, CVE-2026-40347, CVE-2025-67221, CVE-2026-44431)."""
    bad = {"h11": "0.14.0", "starlette": "0.49.0", "python-multipart": "0.0.25", "orjson": "3.11.5", "urllib3": "2.6.3"}
    asked, exact = read_requirements("requirements.txt"), read_requirements("constraints.txt")
    for name, last in bad.items():
        assert not asked[name].specifier.contains(last) and not exact[name].specifier.contains(last)
        assert asked[name].specifier.contains(version(name))


def test_the_exact_versions_meet_the_requirements():
    exact = read_requirements("constraints.txt")
    for name, requirement in read_requirements("requirements.txt").items():
        (pinned,) = exact[name].specifier
        assert requirement.specifier.contains(pinned.version), name
