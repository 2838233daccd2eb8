"""A column that goes on from given tokens: the same as if the method had chosen them."""

from dataclasses import replace

import pytest

from cope_demo.decode.methods import METHODS
from cope_demo.decode.token_text import TokenText
from cope_demo.decode.trace import Column
from tests.decode.naive import CONFIG, TOLERANCE, check_against_naive, check_same_up_to_ties, ids, run


@pytest.mark.parametrize("method", list(METHODS))
def test_resuming_a_column_s_own_text_gives_its_rest(loaded, method):
    whole = run(loaded, (method,))[method]
    for cut in (1, 2, 9, len(whole.tokens)):
        rest = run(loaded, (method,), written=ids(whole)[:cut])[method]
        expected = Column(method, whole.tokens[cut - 1 :], whole.stopped)
        check_same_up_to_ties(rest, expected)
        assert rest.tokens[0].text == whole.tokens[cut - 1].text and rest.stopped == whole.stopped


def test_resuming_draws_the_same_tokens(loaded):
    hot = replace(CONFIG, temperature=1.0, tau=0.3, seed=3)
    whole = run(loaded, ("cope",), hot)["cope"]
    rest = run(loaded, ("cope",), hot, written=ids(whole)[:7])["cope"]
    check_same_up_to_ties(rest, Column("cope", whole.tokens[6:]), config=hot)


@pytest.mark.parametrize("method", ["greedy", "cope"])
def test_another_token_is_continued_the_naive_way(loaded, method):
    whole = run(loaded, (method,))[method]
    before = ids(whole)[:5]
    other = next(a.id for a in whole.tokens[5].alternatives if a.id not in {whole.tokens[5].id, *loaded.base.end_ids})
    tokens = run(loaded, (method,), written=[*before, other])[method].tokens
    assert tokens[0].id == other and tokens[0].logp_user == pytest.approx(
        next(a.logp_user for a in whole.tokens[5].alternatives if a.id == other), abs=TOLERANCE
    )
    check_against_naive(loaded, method, CONFIG, tokens[1:], before=[*before, other])


def test_a_character_that_was_cut_in_two_is_finished(loaded):
    """The pieces before and after the cut join to the whole text, whatever bytes stand at the cut."""
    given = loaded.base.tokenizer("soup \u6c34 \U0001f9d1", add_special_tokens=False)["input_ids"]
    for cut in range(1, len(given) + 1):
        column = run(loaded, ("oppu",), written=given[:cut])["oppu"]
        shown = join_tokens(loaded.engine, given[: cut - 1]) + column.text
        kept = [token for token in [*given[: cut - 1], *ids(column)] if token not in loaded.base.end_ids]
        assert shown == loaded.base.tokenizer.decode(kept)


def join_tokens(engine, given):
    text = TokenText(engine.base.tokenizer)
    return "".join(text.add(token) for token in given)


def test_an_end_that_is_asked_for_ends_the_column(loaded):
    (end,) = loaded.base.end_ids
    column = run(loaded, ("cope",), written=[9, 8, end])["cope"]
    assert ids(column) == [end] and column.stopped == "eos" and column.text == ""
