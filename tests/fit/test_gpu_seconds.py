"""How long a fit asks for a lent GPU."""

import pytest

from cope_demo.config import FitConfig
from cope_demo.fit.gpu_seconds import MARGIN, estimate_gpu_seconds
from cope_demo.fit.speeds import count_characters, record_speed
from cope_demo.model.lent_speed import BYTES, START
from cope_demo.texts.tasks import Sample


def make_texts(count: int, characters: int = 240) -> list[Sample]:
    """Texts of about 60 tokens each."""
    return [Sample("Write a post about the ferry and the rain.", "a" * characters)] * count


USUAL = FitConfig()


def estimate(texts: list[Sample], config: FitConfig = USUAL, size: float = BYTES) -> float:
    return estimate_gpu_seconds(texts, "large", config, int(size))


def test_more_work_takes_longer(own_data):
    usual = estimate(make_texts(40))
    assert 5 < estimate(make_texts(5)) < usual < 30
    assert estimate(make_texts(40, 900)) > usual < estimate(make_texts(40), size=2 * BYTES)
    assert (
        estimate(make_texts(40), FitConfig(candidates=9)) > usual < estimate(make_texts(40), FitConfig(oppu_epochs=9))
    )
    assert estimate(make_texts(40), FitConfig(candidate_temperature=0)) < usual
    assert estimate(make_texts(40), size=BYTES / 10) > 0.7 * usual, "a step of few rows is launching"


def test_what_was_measured_here_is_believed_more(own_data):
    texts, config = make_texts(20), FitConfig()
    seconds = {"history": 0.0, "oppu": 3.0, "negatives": 5.0, "dpo": 1.0, "report": 1.0}
    record_speed(texts, "large", vars(config), seconds, {})
    assert estimate(texts) == pytest.approx(START + MARGIN * 10)
    double = count_characters(make_texts(40), config) / count_characters(texts, config)
    assert estimate(make_texts(40)) == pytest.approx(START + MARGIN * 10 * double)
