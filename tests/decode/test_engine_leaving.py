"""A pass ends in its middle where nobody waits for it, and is the same where somebody does."""

import pytest

from cope_demo.system import wanted
from tests.decode.naive import CONFIG, PROMPT, run


def test_a_pass_that_nobody_waits_for_ends_in_its_middle(loaded, monkeypatch):
    prompt_ids, answer = loaded.base.prompt_ids(PROMPT), loaded.base.response_ids("the ferry was late")
    asked = []
    monkeypatch.setattr(wanted, "_is_wanted", lambda: asked.append(1) or len(asked) < 10)
    with pytest.raises(wanted.Unwanted):
        loaded.engine.score(prompt_ids, answer, "cope", loaded.bank, CONFIG)
    assert len(asked) == 10
    asked.clear()
    with pytest.raises(wanted.Unwanted):
        run(loaded)
    assert len(asked) == 10
    monkeypatch.undo()
    assert loaded.engine.score(prompt_ids, answer, "cope", loaded.bank, CONFIG)  # nothing of it is left in the model


def test_a_watched_pass_in_pieces_gives_the_same_numbers(loaded, monkeypatch):
    prompt_ids, answer = loaded.base.prompt_ids(PROMPT), loaded.base.response_ids("the ferry was late again")
    alone = loaded.engine.score(prompt_ids, answer, "cope", loaded.bank, CONFIG)
    monkeypatch.setattr(wanted, "_is_wanted", lambda: True)
    assert loaded.engine.score(prompt_ids, answer, "cope", loaded.bank, CONFIG) == alone
    monkeypatch.setattr("cope_demo.decode.leaving.PIECE", 2)
    pieces = loaded.engine.score(prompt_ids, answer, "cope", loaded.bank, CONFIG)
    for one, other in zip(pieces, alone, strict=True):
        assert one.id == other.id and one.logp_user == pytest.approx(other.logp_user, abs=1e-2)


def test_who_leaves_while_waiting_for_a_turn_never_begins(loaded, monkeypatch):
    monkeypatch.setattr(wanted, "_is_wanted", lambda: False)
    with loaded.engine._lock, pytest.raises(wanted.Unwanted):
        run(loaded)
