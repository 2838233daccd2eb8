"""The real thing: a fit and a comparison on the embedded model, and its decoding against the naive way."""

from dataclasses import replace

import pytest
import torch

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.cores import Cores
from cope_demo.decode.methods import COLUMNS
from cope_demo.decode.trace import Column
from cope_demo.fit import pipeline
from cope_demo.paths import SAMPLE_USERS
from cope_demo.saved.store import Store
from cope_demo.service.service import Service
from cope_demo.texts.history import parse_history
from tests.decode.naive import TOLERANCE, Loaded, check_against_naive, check_same_up_to_ties, load, run

PROMPT = "Write a post about the night bus."


def test_a_fit_on_pasted_text_makes_the_model_sound_like_the_person(tmp_path):
    pasted = "\n---\n".join((SAMPLE_USERS / "ines" / "texts.txt").read_text("utf-8").split("\n---\n")[:12])
    history = parse_history(pasted)
    assert len(history.samples) == 12 and history.warnings
    config = replace(FitConfig(), oppu_epochs=1, max_response_tokens=32, candidates=1, holdout=2)
    store = Store(tmp_path / "users")
    user = pipeline.fit_user(history, store.new_id(), config=config, store=store)
    bits = user.report["bits_per_token"]
    assert bits["oppu"] < bits["base"] - 0.1 and bits["cope"] < bits["base"] - 0.1
    *_, trace = Service(users_dir=tmp_path / "users").compare(user.id, PROMPT, DecodeConfig(max_new_tokens=16))
    texts = {column.method: column.text for column in trace.columns}
    assert all(texts.values()) and texts["greedy"] != texts["cope"]


@pytest.fixture(scope="module")
def ines() -> Loaded:
    """A sample user's adapters on the embedded model."""
    user = Store().open("ines")
    loaded = load(None, {kind: user.adapter(kind) for kind in ("oppu", "cope")})
    user.check_base(loaded.base.identity, loaded.base.name)
    return loaded


@pytest.mark.parametrize("method", COLUMNS)
def test_decoding_equals_the_naive_way(ines, method):
    config = DecodeConfig(alpha=0.3, max_new_tokens=12)
    column = run(ines, config=config, prompt=PROMPT)[method]
    check_against_naive(ines, method, config, column.tokens, PROMPT)


def test_contrast_changes_what_is_written(ines):
    texts = {
        alpha: run(ines, ("cope",), DecodeConfig(alpha=alpha, max_new_tokens=24), PROMPT)["cope"].text
        for alpha in (0.0, 0.6)
    }
    assert texts[0.0] != texts[0.6]


def test_going_on_from_another_token_equals_the_naive_way(ines):
    config = DecodeConfig(alpha=0.3, max_new_tokens=10)
    whole = run(ines, ("cope",), config, PROMPT)["cope"]
    before, chosen = [token.id for token in whole.tokens[:4]], whole.tokens[4]
    same = run(ines, ("cope",), config, PROMPT, [*before, chosen.id])["cope"]
    check_same_up_to_ties(same, Column("cope", whole.tokens[4:]), tie=TOLERANCE, config=config)
    other = next(a.id for a in chosen.alternatives if a.id not in {chosen.id, *ines.base.end_ids})
    tokens = run(ines, ("cope",), config, PROMPT, [*before, other])["cope"].tokens
    assert tokens[0].id == other
    written = [*before, other]
    check_against_naive(ines, "cope", config, tokens[1:], PROMPT, written)


def test_one_core_writes_what_two_write(ines, monkeypatch):
    shared, before = ines.engine.shared, torch.get_num_threads()
    monkeypatch.setattr(Cores, "learn", lambda cores, rows, seconds: None)
    written, config = [], DecodeConfig(max_new_tokens=12)
    try:
        for count in (2, 1):
            monkeypatch.setattr(shared, "cores", Cores(count))
            written.append(run(ines, config=config, prompt=PROMPT))
            assert shared.cores.count == count
    finally:
        torch.set_num_threads(before)
    for method, column in written[0].items():
        check_same_up_to_ties(column, written[1][method], config=config)
