"""The real thing: a fit and a comparison on the embedded model, and its decoding against the naive way."""

from dataclasses import replace

import pytest

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS
from cope_demo.decode.trace import Column
from cope_demo.fit import pipeline
from cope_demo.model.adapters import read_lora
from cope_demo.model.base_model import load_base
from cope_demo.model.embedded import embedded_folder
from cope_demo.paths import SAMPLE_USERS
from cope_demo.saved.store import Store
from cope_demo.service.service import Service
from cope_demo.texts.history import parse_history
from tests.decode.test_engine import TOLERANCE, check_against_naive, run, same_up_to_ties

PROMPT = "Write a post about the night bus."


def test_a_fit_on_pasted_text_makes_the_model_sound_like_the_person(tmp_path):
    pasted = "\n---\n".join((SAMPLE_USERS / "ines" / "texts.txt").read_text("utf-8").split("\n---\n")[:12])
    history = parse_history(pasted)
    assert len(history.samples) == 12 and history.warnings
    config = replace(FitConfig(), oppu_epochs=1, max_response_tokens=64, candidates=1, holdout=2)
    store = Store(tmp_path / "users")
    user = pipeline.fit_user(history, store.new_id(), config=config, store=store)
    bits = user.report["bits_per_token"]
    assert bits["oppu"] < bits["base"] - 0.1 and bits["cope"] < bits["base"] - 0.1
    *_, trace = Service(users_dir=tmp_path / "users").compare(user.id, PROMPT, DecodeConfig(max_new_tokens=16))
    texts = {column.method: column.text for column in trace.columns}
    assert all(texts.values()) and texts["greedy"] != texts["cope"]


@pytest.fixture(scope="module")
def ines():
    """(engine, bank, adapter folders) of a sample user."""
    base = load_base(device="cpu")
    user = Store().open("ines")
    user.check_base(base.identity, base.name)
    folders = {kind: user.adapter(kind) for kind in ("oppu", "cope")}
    return Engine(base), make_bank(base, {kind: read_lora(path, base.model) for kind, path in folders.items()}), folders


@pytest.mark.parametrize("method", COLUMNS)
def test_decoding_equals_the_naive_way(ines, method):
    engine, bank, folders = ines
    config = DecodeConfig(alpha=0.3, max_new_tokens=12)
    column = run(engine, bank, config=config, prompt=PROMPT)[method]
    check_against_naive(str(embedded_folder()), folders, method, config, column.tokens, PROMPT)


def test_contrast_changes_what_is_written(ines):
    engine, bank, _ = ines
    texts = {
        alpha: run(engine, bank, ("cope",), DecodeConfig(alpha=alpha, max_new_tokens=24), PROMPT)["cope"].text
        for alpha in (0.0, 0.6)
    }
    assert texts[0.0] != texts[0.6]


def test_going_on_from_another_token_equals_the_naive_way(ines):
    engine, bank, folders = ines
    config = DecodeConfig(alpha=0.3, max_new_tokens=10)
    whole = run(engine, bank, ("cope",), config, PROMPT)["cope"]
    before, chosen = [token.id for token in whole.tokens[:4]], whole.tokens[4]
    same = run(engine, bank, ("cope",), config, PROMPT, [*before, chosen.id])["cope"]
    same_up_to_ties(same, Column("cope", whole.tokens[4:]), tie=TOLERANCE, config=config)
    other = next(a.id for a in chosen.alternatives if a.id not in {chosen.id, *engine.base.end_ids})
    tokens = run(engine, bank, ("cope",), config, PROMPT, [*before, other])["cope"].tokens
    assert tokens[0].id == other
    written = [*before, other]
    check_against_naive(str(embedded_folder()), folders, "cope", config, tokens[1:], PROMPT, written)
