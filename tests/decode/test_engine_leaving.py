"""Work ends where nobody waits for it, in the shared steps and in a pass by the model's own modules."""

import pytest

from cope_demo.decode.general import GeneralDecoder
from cope_demo.system import wanted
from tests.decode.naive import CONFIG, PROMPT, run
from tests.fits import eventually


@pytest.fixture
def general(loaded, monkeypatch):
    """The engine as it is for a model that the shared pass does not know."""
    monkeypatch.setattr(loaded.engine, "shared", None)
    return loaded


@pytest.mark.parametrize("left_after", [0, 1, 5])
def test_who_leaves_ends_the_work_within_a_step(loaded, monkeypatch, left_after):
    asked = []
    monkeypatch.setattr(wanted, "_is_wanted", lambda: asked.append(1) or len(asked) <= left_after)
    with pytest.raises(wanted.Unwanted):
        run(loaded)
    assert len(asked) == left_after + 1
    assert eventually(lambda: not loaded.engine.shared.is_busy())
    free = loaded.engine.shared.free_places()
    monkeypatch.undo()
    run(loaded)
    assert eventually(lambda: loaded.engine.shared.free_places() == free)


def test_a_score_that_nobody_waits_for_ends(loaded, monkeypatch):
    prompt_ids, answer = loaded.base.prompt_ids(PROMPT), loaded.base.response_ids("the ferry was late")
    monkeypatch.setattr(wanted, "_is_wanted", lambda: False)
    with pytest.raises(wanted.Unwanted):
        loaded.engine.score(prompt_ids, answer, "cope", loaded.bank, CONFIG)


def test_a_pass_that_nobody_waits_for_ends_in_its_middle(general, monkeypatch):
    prompt_ids, answer = general.base.prompt_ids(PROMPT), general.base.response_ids("the ferry was late")
    asked = []
    monkeypatch.setattr(wanted, "_is_wanted", lambda: asked.append(1) or len(asked) < 10)
    with pytest.raises(wanted.Unwanted):
        general.engine.score(prompt_ids, answer, "cope", general.bank, CONFIG)
    assert len(asked) == 10
    asked.clear()
    with pytest.raises(wanted.Unwanted):
        run(general)
    assert len(asked) == 10
    monkeypatch.setattr(wanted, "_is_wanted", None)
    assert general.engine.score(prompt_ids, answer, "cope", general.bank, CONFIG)  # nothing of it is left in the model


def test_a_watched_pass_in_pieces_gives_the_same_numbers(general, monkeypatch):
    prompt_ids, answer = general.base.prompt_ids(PROMPT), general.base.response_ids("the ferry was late again")
    alone = general.engine.score(prompt_ids, answer, "cope", general.bank, CONFIG)
    monkeypatch.setattr(wanted, "_is_wanted", lambda: True)
    assert general.engine.score(prompt_ids, answer, "cope", general.bank, CONFIG) == alone
    monkeypatch.setattr("cope_demo.decode.leaving.PIECE", 2)
    pieces = general.engine.score(prompt_ids, answer, "cope", general.bank, CONFIG)
    for one, other in zip(pieces, alone, strict=True):
        assert one.id == other.id and one.logp_user == pytest.approx(other.logp_user, abs=1e-2)


def test_who_leaves_while_waiting_for_a_turn_never_begins(general, monkeypatch):
    monkeypatch.setattr(wanted, "_is_wanted", lambda: False)
    decoder: GeneralDecoder = general.engine._general
    with decoder._lock, pytest.raises(wanted.Unwanted):
        run(general)
