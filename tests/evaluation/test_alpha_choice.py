"""The alpha of a task, by the texts that fits have held out."""

import json

import pytest

from cope_demo.evaluation import alpha_choice
from cope_demo.evaluation.alpha_choice import choose_alpha, pick_alpha
from cope_demo.evaluation.evaluate import make_settings, prepare_measurement
from cope_demo.system.files import read_json
from cope_demo.texts.lamp import USERS, read_authors
from tests import tiny
from tests.evaluation.test_evaluate import TASK, author
from tests.fit.test_pipeline import FAST


def test_the_best_alpha_is_taken_and_of_equal_ones_the_smallest():
    shares = {0.0: [0.3, 0.5], 0.1: [0.4, 0.6], 0.3: [0.4, 0.6], 0.5: [0.5, 0.4]}
    found = pick_alpha(shares, (0.5, 0.3, 0.1, 0.0), texts=4)
    assert found.alpha == 0.1 and found.agreement[0.1] == pytest.approx(0.5) and found.texts == 4
    assert found.differences[0.1].mean == pytest.approx(0.1) and found.differences[0.0].ends == (0, 0)
    assert pick_alpha({0.0: [0.5], 0.1: [0.5]}, (0.1, 0.0), texts=1).alpha == 0


def test_the_texts_are_those_that_the_fits_held_out_and_no_queries(tmp_path, monkeypatch):
    monkeypatch.setenv("COPE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COPE_CACHE", str(tmp_path / "cache"))
    model = tiny.make(tmp_path / "model")
    (tmp_path / USERS).write_text(json.dumps([author(1), author(3)]))
    authors, read = read_authors(tmp_path, USERS), []
    run = prepare_measurement(make_settings(TASK, ["oppu", "cope"], 0, model, None, FAST))
    encode = alpha_choice.encode
    monkeypatch.setattr(
        alpha_choice, "encode", lambda base, sample, *rest: (read.append(sample), encode(base, sample, *rest))[1]
    )
    found = choose_alpha(run, authors, alphas=(0.0, 1.0))
    held = []
    for one in authors:
        samples = one.samples(run.task)
        held += [samples[n] for n in read_json(run.find_fit(samples) / "split.json")["held_out"]]
    assert read == held and found.texts == len(held) == 2
    assert set(found.agreement) == {0.0, 1.0} and all(0 <= share <= 1 for share in found.agreement.values())
    assert found.agreement[found.alpha] == max(found.agreement.values())
