"""What a host remembers of its fits, and the time of another one that follows from it."""

from dataclasses import asdict, replace

import pytest

from cope_demo.config import FitConfig
from cope_demo.fit.speeds import FILE, KEPT, estimate_fit, record_speed
from cope_demo.texts.tasks import Sample

CONFIG = FitConfig(seed=3)
TEXTS = [Sample("Write a post about soup.", "x" * 176)] * 10  # 200 characters each
SECONDS = {"history": 3.0, "oppu": 31.0, "negatives": 50.5, "dpo": 15.5, "report": 5.0}
SETUP = {"history": 3.0, "oppu": 1.0, "negatives": 0.5, "dpo": 0.5, "report": 0.0}


def record(folder, factor=1):
    seconds, setup = ({stage: factor * spent for stage, spent in many.items()} for many in (SECONDS, SETUP))
    record_speed(TEXTS, None, asdict(CONFIG), seconds, setup, folder)


def test_nothing_is_said_before_the_first_fit_of_this_model_and_these_settings(tmp_path):
    assert estimate_fit(TEXTS, None, CONFIG, tmp_path / "none") is None
    record(tmp_path)
    assert estimate_fit(TEXTS, "another/model", CONFIG, tmp_path) is None
    assert estimate_fit(TEXTS, None, replace(CONFIG, oppu_epochs=9), tmp_path) is None
    assert estimate_fit([], None, CONFIG, tmp_path) is None
    (tmp_path / FILE).write_text("{broken")
    assert estimate_fit(TEXTS, None, CONFIG, tmp_path) is None


def test_the_same_texts_take_the_same_time_and_others_by_their_characters(tmp_path):
    record(tmp_path)
    other_seed = replace(CONFIG, seed=4, oppu_learning_rate=2e-3)
    assert estimate_fit(TEXTS, None, other_seed, tmp_path) == pytest.approx(105)
    assert estimate_fit(TEXTS * 4, None, CONFIG, tmp_path) == pytest.approx(5 + 4 * 100)
    long = [Sample("p" * 24, "x" * 100_000)] * 10
    longest = 24 + 4 * CONFIG.max_response_tokens  # a fit cuts it
    assert estimate_fit(long, None, CONFIG, tmp_path) == pytest.approx(5 + 100 * longest / 200)


def test_the_median_of_the_last_fits_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("COPE_MODEL", "some/model")
    for factor in (100, 1, 1, 2, 3, 3):
        record(tmp_path, factor)
    assert KEPT == 5 and estimate_fit(TEXTS, "some/model", CONFIG, tmp_path) == pytest.approx(2 * 105)


def test_no_count_of_the_texts_is_kept(tmp_path):
    record(tmp_path)
    first = (tmp_path / FILE).read_text()
    twice = {stage: 2 * spent - SETUP[stage] for stage, spent in SECONDS.items()}
    record_speed(TEXTS * 2, None, asdict(CONFIG), twice, SETUP, tmp_path)
    one, two = (tmp_path / FILE).read_text().split('"per_character"')[1:]
    assert "0.05" in first and one.split()[1] == two.split()[1]
