"""The decoder against a naive one written here (separate models, no cache, no batch), and its identities."""

import math
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from cope_demo.decode import shared_pass
from cope_demo.decode.methods import COLUMNS, METHODS
from cope_demo.decode.token_text import TokenText
from cope_demo.decode.trace import Alternative, Column, TraceToken
from cope_demo.decode.tracing import OTHER_ALPHAS
from cope_demo.errors import CopeError
from cope_demo.model.base_model import load_base
from tests.decode.naive import (
    CONFIG,
    PROMPT,
    TIE,
    TOLERANCE,
    check_against_naive,
    check_same_up_to_ties,
    ids,
    load_naive,
    run,
)


@pytest.mark.parametrize("method", list(METHODS))
def test_same_as_the_naive_way(loaded, method):
    column = run(loaded, tuple(dict.fromkeys((*COLUMNS, method))))[method]
    check_against_naive(loaded, method, CONFIG, column.tokens)


@pytest.mark.parametrize(
    "alpha,tau,penalty,place",
    [(0.0, 0.1, 1.0, "expert"), (1.0, 0.5, 1.0, "both"), (0.5, 0.0, 1.5, "expert"), (0.8, 0.05, 1.5, "both")],
)
def test_same_as_the_naive_way_under_other_settings(loaded, alpha, tau, penalty, place):
    config = replace(CONFIG, alpha=alpha, tau=tau, repetition_penalty=penalty, penalty_on=place)
    column = run(loaded, config=config)["cope"]
    if penalty == 1:
        assert all(token.score == pytest.approx(token.reward, abs=1e-4) for token in column.tokens)
    check_against_naive(loaded, "cope", config, column.tokens)


@pytest.mark.parametrize(
    "fault",
    [
        {"tau": 0.35},
        {"tau": 0.2, "alpha": 1.2},
        {"alpha": 0.0},
        {"repetition_penalty": 1.0},
        {"penalty_on": "both"},
        "rows",
        "adapters",
        None,
    ],
)
def test_the_comparison_with_the_naive_way_notices_a_fault(loaded, monkeypatch, fault):
    """Whatever is not rounding is no tie and no edge: another setting than was asked for, swapped rows or adapters."""
    config = replace(CONFIG, alpha=1.0)
    faulty = replace(config, **fault) if isinstance(fault, dict) else config
    if fault == "rows":
        advance = shared_pass.advance_traced
        monkeypatch.setattr(shared_pass, "advance_traced", lambda *given: advance(*given[:2], given[3], given[2]))
    elif fault == "adapters":
        loaded = replace(loaded, folders={"oppu": loaded.folders["cope"], "cope": loaded.folders["oppu"]})
    tokens = run(loaded, ("cope",), faulty)["cope"].tokens
    with nullcontext() if fault is None else pytest.raises(AssertionError):
        check_against_naive(loaded, "cope", config, tokens)


@pytest.mark.parametrize("method", ["cope", "oppu"])
@pytest.mark.parametrize("off", [0.5, 3.0])
def test_another_token_passes_only_at_the_edge_of_the_head(method, off):
    """off: how far the token that one of two columns takes lies from the edge, in shares of a tie."""
    floor = -0.1 + math.log(CONFIG.tau)

    def column(inside):
        options = [(1, -0.1, -1.0, True), (2, floor + (off if inside else -off) * TIE, -20.0, inside)]
        tokens = [Alternative(n, "a", u, b, u - 0.3 * b, u - 0.3 * b, head) for n, u, b, head in options]
        best = max((a for a in tokens if a.in_head), key=lambda a: a.score)
        numbers = (best.logp_user, best.logp_base, best.reward, best.score, True, 1 + inside)
        return Column(method, [TraceToken(best.id, "a", *numbers, tuple(tokens))])

    rounding = method == "cope" and off < 1
    with nullcontext() if rounding else pytest.raises(AssertionError):
        check_same_up_to_ties(column(True), column(False))


def test_alpha_zero_is_greedy_decoding_of_the_expert(loaded):
    columns = run(loaded, ("cope", "oppu+dpo"), replace(CONFIG, alpha=0.0))
    assert ids(columns["cope"]) == ids(columns["oppu+dpo"])
    assert ids(columns["cope"]) != ids(run(loaded, ("cope",), replace(CONFIG, alpha=1.0))["cope"])


def test_tau_one_is_greedy_decoding_of_the_expert(loaded):
    config = replace(CONFIG, alpha=1.0, tau=1.0)
    columns = run(loaded, ("cope", "oppu+dpo"), config)
    check_same_up_to_ties(columns["cope"], columns["oppu+dpo"], key="logp_user", config=config)
    assert all(token.head_size <= 2 for token in columns["cope"].tokens)  # 2 where bfloat16 sees a tie


def test_a_batch_equals_its_rows_alone(loaded):
    together = run(loaded)
    for method in COLUMNS:
        alone = run(loaded, (method,))[method]
        check_same_up_to_ties(together[method], alone)


@pytest.mark.parametrize("method", ["base", "oppu-scaled", *COLUMNS])
@pytest.mark.parametrize("penalty", [1.0, 1.2])
def test_many_prompts_are_written_as_one_by_one(loaded, method, penalty):
    config = replace(CONFIG, repetition_penalty=penalty)
    prompts = ["Hi", PROMPT, "Write a post about the harbour, the ferry, the swan and the soup."]
    texts = loaded.engine.write([loaded.base.prompt_ids(prompt) for prompt in prompts], method, loaded.bank, config)
    compared = 0
    for prompt, text in zip(prompts, texts, strict=True):
        tokens = run(loaded, (method,), config, prompt)[method].tokens
        for token, written in zip(tokens, text, strict=False):
            if token.id != written:
                rivals = {a.id: a.score for a in token.alternatives}
                assert abs(rivals[token.id] - rivals[written]) < TIE
                break
            compared += 1
        else:
            assert len(tokens) == len(text)
    assert compared >= 12


def test_the_stream_equals_the_batch(loaded):
    """Another request that is written at the same time changes nothing but rounding."""
    expected = run(loaded)
    prompt_ids = loaded.base.prompt_ids(PROMPT)
    one = loaded.engine.decode(prompt_ids, COLUMNS, loaded.bank, CONFIG)
    two = loaded.engine.decode(prompt_ids, COLUMNS, loaded.bank, CONFIG)
    seen = {method: Column(method) for method in COLUMNS}
    for event in one:
        next(two, None)
        seen[event.method].record(event)
    for method in COLUMNS:
        check_same_up_to_ties(expected[method], seen[method], tie=1e-3)


def test_numbers_of_a_token_fit_together(loaded):
    for column in run(loaded).values():
        for token in column.tokens:
            assert token.reward == pytest.approx(token.logp_user - CONFIG.alpha * token.logp_base, abs=1e-4)
            mine = next(a for a in token.alternatives if a.id == token.id)
            assert (mine.logp_user, mine.logp_base, mine.score) == (token.logp_user, token.logp_base, token.score)
            assert len({a.id for a in token.alternatives}) == len(token.alternatives) == CONFIG.alternatives
            if column.method == "cope":
                assert token.in_head and token.score == max(a.score for a in token.alternatives if a.in_head)
            if column.method == "cope" and token is column.tokens[0]:
                assert token.score == pytest.approx(token.reward, abs=1e-4)  # nothing generated yet, nothing penalized


def test_alternatives_hold_the_favourites_of_both_models(loaded):
    token = run(loaded)["cope"].tokens[0]
    given = {a.id for a in token.alternatives}
    ids = torch.tensor([loaded.base.prompt_ids(PROMPT)])
    expert = load_naive(loaded.path, loaded.folders["cope"])
    with torch.no_grad():
        for model in (load_naive(loaded.path, None).model, expert.model):
            assert set(model(ids).logits[0, -1].topk(3).indices.tolist()) <= given


def find_winner(token, config, alpha, tau):
    """The id that contrast would choose at another alpha and tau, by the alternatives alone, as the page computes it.

    bfloat16 has exact ties, which the decoder gives to the lower id.
    """
    expert = {a.id: a.score + config.alpha * a.logp_base for a in token.alternatives}
    floor = max(expert.values()) + (math.log(tau) if tau else -math.inf) - 1e-4
    scores = {a.id: expert[a.id] - alpha * a.logp_base for a in token.alternatives if expert[a.id] >= floor}
    return min(number for number, score in scores.items() if score > max(scores.values()) - 1e-3)


@pytest.mark.parametrize("tau", [0.1, 0.01])
@pytest.mark.parametrize("method", ["cope", "oppu+cd"])
def test_the_alternatives_tell_what_other_settings_would_change(loaded, method, tau):
    """Where the recomputed winner is first another, a real decoding turns off, and to that token."""
    column = run(loaded, (method,))[method]
    turns = set()
    for alpha in OTHER_ALPHAS:
        real = ids(run(loaded, (method,), replace(CONFIG, alpha=alpha, tau=tau))[method])
        change = next((n for n, (a, b) in enumerate(zip(ids(column), real, strict=False)) if a != b), None)
        winners = [find_winner(token, CONFIG, alpha, tau) for token in column.tokens]
        told = next((n for n, (a, b) in enumerate(zip(ids(column), winners, strict=True)) if a != b), None)
        assert told == change and (change is None or winners[change] == real[change])
        turns.add(change)
    assert len(turns) > 1


def test_a_column_stops_at_the_end_token_and_leaves_the_batch(loaded, monkeypatch):
    free = run(loaded)
    end = free["cope"].tokens[3].id
    monkeypatch.setitem(loaded.base.__dict__, "end_ids", frozenset([end]))
    forward, rows = loaded.engine.shared.forward, []
    step = forward.run
    monkeypatch.setattr(forward, "run", lambda ids, *rest: rows.append(len(ids)) or step(ids, *rest))
    stopped = run(loaded)
    assert stopped["cope"].stopped == "eos"
    lengths = [len(column.tokens) for column in stopped.values()]
    going = [sum(length > number for length in lengths) for number in range(1, max(lengths))]
    assert rows[1:] == [2 * count for count in going] and min(rows) < 6
    stopped = stopped["cope"]
    assert ids(stopped)[-1] == end and end not in ids(stopped)[:-1]
    assert stopped.tokens[-1].text == ""


def test_texts_of_tokens_join_to_the_text(loaded):
    for column in run(loaded, config=replace(CONFIG, max_new_tokens=60)).values():
        kept = [token.id for token in column.tokens if token.id not in loaded.base.end_ids]
        assert column.text == loaded.base.tokenizer.decode(kept)


def test_characters_over_several_tokens_stay_whole(loaded):
    tokenizer = loaded.base.tokenizer
    text = "na\u00efve \U0001f9d1\u200d\U0001f33e caf\u00e9\n\n  \u6c34"
    stream = TokenText(tokenizer)
    parts = [stream.add(token) for token in tokenizer(text, add_special_tokens=False)["input_ids"]]
    assert "".join(parts) == text
    assert "" in parts and not any("\ufffd" in part for part in parts)
    stream = TokenText(tokenizer)
    half = tokenizer("soup \u6c34", add_special_tokens=False)["input_ids"][:-1]
    assert "".join(map(stream.add, half)) + stream.rest() == tokenizer.decode(half) and stream.rest() == ""


def test_sampling_follows_the_seed_and_stays_in_the_head(loaded):
    hot = replace(CONFIG, temperature=1.0, tau=0.3)
    one, two, other = (run(loaded, config=replace(hot, seed=seed))["cope"] for seed in (1, 1, 2))
    assert ids(one) == ids(two) != ids(other)
    assert all(token.in_head for token in one.tokens)


def test_score_gives_the_numbers_of_a_given_text(loaded):
    prompt_ids = loaded.base.prompt_ids(PROMPT)
    answer = loaded.base.response_ids("the ferry was late")
    tokens = loaded.engine.score(prompt_ids, answer, "cope", loaded.bank, CONFIG)
    assert [token.id for token in tokens] == answer
    expert = load_naive(loaded.path, loaded.folders["cope"]).model
    with torch.no_grad():
        logits = expert(torch.tensor([prompt_ids + answer])).logits[0].float().log_softmax(-1)
    for number, token in enumerate(tokens):
        assert token.logp_user == pytest.approx(float(logits[len(prompt_ids) + number - 1, token.id]), abs=TOLERANCE)


@pytest.mark.parametrize("method", ["cope", "base", "against"])
def test_any_token_is_looked_up_with_its_exact_places(loaded, method):
    """The written token and one that nobody would write; its numbers are those of the column."""
    column = run(loaded, (method,))[method]
    before = loaded.base.prompt_ids(PROMPT) + ids(column)[:5]
    token = column.tokens[5]
    own, far = loaded.engine.look_up(before, [token.id, 3], method, loaded.bank)
    assert (own.id, far.id, own.of) == (token.id, 3, loaded.base.vocabulary)
    assert (own.logp_user, own.logp_base) == pytest.approx((token.logp_user, token.logp_base), abs=TOLERANCE)
    for name in ("logp_user", "logp_base"):
        likelier = sum(getattr(other, name) > getattr(token, name) + TOLERANCE for other in token.alternatives)
        assert getattr(own, name.replace("logp", "rank")) >= 1 + likelier
    every = loaded.engine.look_up(before, list(range(own.of)), method, loaded.bank)
    assert sorted(one.rank_user for one in every)[0] == 1 and max(one.rank_base for one in every) <= own.of
    assert max(every, key=lambda one: one.logp_user).rank_user == 1


def test_a_prompt_beyond_the_context_is_refused(loaded):
    with pytest.raises(CopeError, match="too long.*512|too long.*488"):
        run(loaded, prompt="the ferry " * 400)


def test_base_is_untouched_after_a_decoding(loaded):
    ids = torch.tensor([loaded.base.prompt_ids(PROMPT)])
    run(loaded)
    with torch.no_grad():
        after = loaded.base.model(ids).logits
        fresh = load_base(loaded.path, "cpu").model(ids).logits
    assert torch.equal(after, fresh)
