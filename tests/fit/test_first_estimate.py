"""A first fit's time from a pass that was measured."""

import pytest

from cope_demo.config import FitConfig
from cope_demo.fit.eta import estimate_work
from cope_demo.fit.examples import Example
from cope_demo.fit.first_estimate import estimate_first_fit
from cope_demo.texts.tasks import Sample


def test_it_is_the_fit_s_work_at_the_speed_of_the_pass():
    config = FitConfig(holdout=1)
    texts = [Sample("p" * 80, "x" * 236)] * 4  # 20 tokens, and 59 with an end
    example = Example([0] * 20, [0] * 60)
    units = sum(estimate_work([example] * 3, [example], config).values())
    assert estimate_first_fit(texts, config, 0.002) == pytest.approx(0.002 * units)
