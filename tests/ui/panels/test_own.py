"""How long a fit takes, in the preview of one's own texts."""

from dataclasses import asdict

import pytest

from cope_demo.config import FitConfig
from cope_demo.fit.speeds import record_speed
from cope_demo.texts.tasks import Sample
from cope_demo.ui.panels import own

TEXTS = "\n---\n".join(f"Text number {n} is about seams and needles." for n in range(6))


def test_a_host_that_has_fitted_nothing_names_no_time(own_data):
    assert "takes" not in own.preview(TEXTS, None, "free_writing")["summary"]


@pytest.mark.parametrize(
    "rate,words",
    [(0.01, "less than a minute"), (0.08, "about a minute"), (1.0, "about 12 minutes"), (15.0, "about 3 hours")],
)
def test_a_host_names_the_time_that_its_own_fits_took(own_data, rate, words):
    seconds = {"history": 3.0, "oppu": 100 * rate}
    record_speed([Sample("p" * 40, "x" * 60)], None, asdict(FitConfig()), seconds, {"history": 3.0})
    summary = own.preview(TEXTS, None, "free_writing")["summary"]
    assert summary.startswith("6 texts found, 6 kept.") and f"takes {words} here" in summary
    assert ("That is slow" in summary) == (rate >= 1.0)
    few = own.preview("\n---\n".join(TEXTS.split("\n---\n")[:4]), None, "free_writing")
    assert "takes" not in few["summary"]  # too few for a fit


def test_a_slow_host_says_so_before_its_first_fit_and_a_fast_one_nothing(own_data):
    summary = own.preview(TEXTS, None, "free_writing", pass_seconds=2.0)["summary"]
    assert "This server is slow" in summary and "a fit of yours may take about" in summary and "hours" in summary
    assert "slow" not in own.preview(TEXTS, None, "free_writing", pass_seconds=0.001)["summary"]
    seconds = {"history": 3.0, "oppu": 1.0}
    record_speed([Sample("p" * 40, "x" * 60)], None, asdict(FitConfig()), seconds, {"history": 3.0})
    assert "slow" not in own.preview(TEXTS, None, "free_writing", pass_seconds=2.0)["summary"]  # a fit has told better
