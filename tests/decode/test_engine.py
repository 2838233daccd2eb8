"""The decoder against a naive one written here (separate models, no cache, no batch), and its identities."""

import math
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from cope_demo.config import DecodeConfig
from cope_demo.decode.engine import Engine, make_bank
from cope_demo.decode.methods import COLUMNS, METHODS
from cope_demo.decode.trace import Alternative, Column, ColumnEnd, TokenEvent, TraceToken
from cope_demo.decode.tracing import OTHER_ALPHAS, TokenText
from cope_demo.errors import CopeError
from cope_demo.model.adapters import LoraBank, read_lora
from cope_demo.model.arithmetic import compute_dtype
from cope_demo.model.base_model import BaseModel, load_base
from cope_demo.system import wanted
from tests import tiny

PROMPT = "Write a post about the ferry."
TOLERANCE, TIE = {torch.bfloat16: (0.3, 0.1), torch.float32: (1e-3, 1e-3)}[compute_dtype(torch.device("cpu"))]
"""Nats: the rounding between two ways to the same number, and between two batches of one way. bfloat16 keeps 8 bits:
logits of size 8 come in steps of 1/32, and layers of noise lie below them."""
CONFIG = DecodeConfig(alpha=0.3, tau=0.1, repetition_penalty=1.2, max_new_tokens=24)


@dataclass(frozen=True)
class Loaded:
    """A model (None: the embedded one) and its adapters by name: where they lie, for the naive way, and the engine."""

    path: str | None
    folders: dict[str, Path]
    engine: Engine
    bank: LoraBank

    @property
    def base(self) -> BaseModel:
        return self.engine.base


def load(path: str | None, folders: dict[str, Path]) -> Loaded:
    base = load_base(path, "cpu")
    adapters = {name: read_lora(folder, base.model) for name, folder in folders.items()}
    return Loaded(path, folders, Engine(base), make_bank(base, adapters))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Loaded:
    """A tiny model with two different random adapters."""
    folder = tmp_path_factory.mktemp("tiny")
    path = tiny.make(folder / "model")
    folders = {}
    for number, name in enumerate(("oppu", "cope")):
        torch.manual_seed(number)
        settings = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
        model = get_peft_model(load_base(path, "cpu").model, settings)
        for key, value in model.named_parameters():
            if "lora_" in key:
                value.data.normal_(0, 0.15)
        model.save_pretrained(folder / name)
        folders[name] = folder / name
    return load(path, folders)


def run(loaded: Loaded, methods=COLUMNS, config=CONFIG, prompt=PROMPT, written=()) -> dict[str, Column]:
    """All columns of a decoding; of one that begins with `written`, from the last of these tokens on."""
    columns = {method: Column(method) for method in methods}
    before = max(0, len(written) - 1)
    for event in loaded.engine.decode(loaded.base.prompt_ids(prompt), methods, loaded.bank, config, written):
        if isinstance(event, TokenEvent):
            assert event.index == before + len(columns[event.method].tokens)
            columns[event.method].tokens.append(event.token)
        else:
            assert isinstance(event, ColumnEnd)
            columns[event.method].stopped = event.stopped
    return columns


def check_against_naive(loaded: Loaded, method, config, tokens, prompt=PROMPT, before=()):
    """Follows the decoder's text by the method's definition: at every step two separate models read all of it anew.

    Each token must be the naive way's best, with the same numbers and head, up to TOLERANCE: see check_step.
    before: token ids of the column that come before `tokens`.
    """
    adapter, driver = METHODS[method].adapter, METHODS[method].driver
    amateur = load_base(loaded.path, "cpu")
    expert = amateur.model
    if adapter:
        expert = PeftModel.from_pretrained(load_base(loaded.path, "cpu").model, str(loaded.folders[adapter])).eval()
    ids = amateur.prompt_ids(prompt)
    written = list(before)
    exact = 0
    for token in tokens:
        with torch.no_grad():
            user = expert(torch.tensor([ids + written])).logits[0, -1].float()
            base = amateur.model(torch.tensor([ids + written])).logits[0, -1].float()
        logp_user, logp_base = user.log_softmax(-1), base.log_softmax(-1)

        def penalize(logits, seen=frozenset(written)):
            out = logits.clone()
            for one in seen:
                out[one] *= 1 / config.repetition_penalty if out[one] > 0 else config.repetition_penalty
            return out.log_softmax(-1)

        own = penalize(user)
        score = {"base": penalize(base), "user": own, "contrast": own - config.alpha * logp_base}[driver]
        exact += check_step(token, driver, config, logp_user, logp_base, own, score)
        written.append(token.id)
    assert len(written) == config.max_new_tokens or tokens[-1].id in amateur.end_ids
    assert exact >= 0.75 * len(tokens)


def check_step(token, driver, config, logp_user, logp_base, own, score) -> bool:
    """One token of the decoder against the naive way's numbers, (V,) each; says whether that would choose the same.

    own: the expert's log-probabilities after the penalty. Rounding may put a token on the other side of the head's edge
    only where it lies within TOLERANCE of it, and another token may win only where it is as good within TOLERANCE; what
    it passed over may be off by twice that. What follows from the decoder's own numbers is checked without rounding.
    """
    floor = own.max() + (math.log(config.tau) if config.tau else -math.inf)
    surely, perhaps = own >= floor + TOLERANCE, own >= floor - TOLERANCE  # in the head
    assert int(surely.sum()) <= token.head_size <= int(perhaps.sum())
    for other in token.alternatives:
        off = TOLERANCE if other.id == token.id else 2 * TOLERANCE
        assert abs(other.logp_user - float(logp_user[other.id])) < off
        assert abs(other.logp_base - float(logp_base[other.id])) < off
        assert abs(other.score - float(score[other.id])) < off
        assert perhaps[other.id] if other.in_head else not surely[other.id]
    rivals = score
    if driver == "contrast":
        assert token.in_head
        rivals = score[surely]
        score = score.masked_fill(own < floor, -torch.inf)
    assert (rivals - token.score < TOLERANCE).all()
    if driver != "base":
        expert = {
            a.id: a.score + (config.alpha * a.logp_base if driver == "contrast" else 0) for a in token.alternatives
        }
        edge = max(expert.values()) + (math.log(config.tau) if config.tau else -math.inf)
        assert all(a.in_head == (expert[a.id] >= edge) for a in token.alternatives if abs(expert[a.id] - edge) > 1e-4)
        eligible = [a for a in token.alternatives if a.in_head or driver == "user"]
        assert token.score == max(a.score for a in eligible)
    return int(score.argmax()) == token.id


@pytest.mark.parametrize("method", list(METHODS))
def test_same_as_the_naive_way(loaded, method):
    column = run(loaded, tuple(dict.fromkeys((*COLUMNS, method))))[method]
    check_against_naive(loaded, method, CONFIG, column.tokens)


@pytest.mark.parametrize("alpha,tau,penalty", [(0.0, 0.1, 1.0), (1.0, 0.5, 1.0), (0.5, 0.0, 1.5)])
def test_same_as_the_naive_way_under_other_settings(loaded, alpha, tau, penalty):
    config = replace(CONFIG, alpha=alpha, tau=tau, repetition_penalty=penalty)
    column = run(loaded, config=config)["cope"]
    check_against_naive(loaded, "cope", config, column.tokens)


@pytest.mark.parametrize(
    "fault",
    [{"tau": 0.35}, {"tau": 0.2, "alpha": 1.2}, {"alpha": 0.0}, {"repetition_penalty": 1.0}, "rows", "adapters", None],
)
def test_the_comparison_with_the_naive_way_notices_a_fault(loaded, monkeypatch, fault):
    """Whatever is not rounding is no tie and no edge: another setting than was asked for, swapped rows or adapters."""
    config = replace(CONFIG, alpha=1.0)
    faulty = replace(config, **fault) if isinstance(fault, dict) else config
    if fault == "rows":
        forward = loaded.engine._forward  # gives (2, V) for one column
        monkeypatch.setattr(loaded.engine, "_forward", lambda request: forward(request).flip(0))
    elif fault == "adapters":
        loaded = replace(loaded, folders={"oppu": loaded.folders["cope"], "cope": loaded.folders["oppu"]})
    tokens = run(loaded, ("cope",), faulty)["cope"].tokens
    with nullcontext() if fault is None else pytest.raises(AssertionError):
        check_against_naive(loaded, "cope", config, tokens)


def ids(column):
    return [token.id for token in column.tokens]


def at_the_edge(token, number, config, tie):
    """Whether one of the token's alternatives lies within `tie` of the head's edge, in a column that contrasts."""
    expert = {a.id: a.score + config.alpha * a.logp_base for a in token.alternatives}
    return abs(expert[number] - max(expert.values()) - math.log(config.tau)) < tie


def check_same_up_to_ties(one, other, key="score", tie=TIE, config=CONFIG):
    """The same tokens, up to the first step where rounding decides: between two that are all but equal, or whether one
    at the very edge of the head is in it."""
    for left, right in zip(one.tokens, other.tokens, strict=False):
        if left.id != right.id:
            rivals = {a.id: getattr(a, key) for a in left.alternatives}
            inside = [{a.id: a.in_head for a in token.alternatives} for token in (left, right)]
            moved = [number for number in (left.id, right.id) if inside[0][number] != inside[1][number]]
            edge = METHODS[one.method].contrasts and any(at_the_edge(left, n, config, tie) for n in moved)
            assert edge or abs(rivals[left.id] - rivals[right.id]) < tie
            return
        assert abs(left.reward - right.reward) < TOLERANCE
    assert len(one.tokens) == len(other.tokens)


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


@pytest.mark.parametrize("method", ["base", *COLUMNS])
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
    """Stepping one request while another is stepped in between changes nothing in either."""
    expected = run(loaded)
    prompt_ids = loaded.base.prompt_ids(PROMPT)
    one = loaded.engine.decode(prompt_ids, COLUMNS, loaded.bank, CONFIG)
    two = loaded.engine.decode(prompt_ids, COLUMNS, loaded.bank, CONFIG)
    seen = {method: [] for method in COLUMNS}
    for event in one:
        next(two, None)
        if isinstance(event, TokenEvent):
            seen[event.method].append(event.token)
    assert all(seen[method] == expected[method].tokens for method in COLUMNS)


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
    expert = PeftModel.from_pretrained(load_base(loaded.path, "cpu").model, str(loaded.folders["cope"])).eval()
    with torch.no_grad():
        for model in (loaded.base.model, expert):
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
    prompt_ids = loaded.base.prompt_ids(PROMPT)
    request = loaded.engine.join(prompt_ids, COLUMNS, loaded.bank, CONFIG)
    ended, rows = {}, []
    while request.columns:
        for event in loaded.engine.step(request):
            if isinstance(event, ColumnEnd):
                ended[event.method] = event.stopped
        if request.columns:
            rows.append(request.cache.layers[0].keys.shape[0])
            assert rows[-1] == 2 * len(request.columns)
    assert ended["cope"] == "eos"
    assert min(rows) < 6
    stopped = run(loaded)["cope"]
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


def test_score_gives_the_numbers_of_a_given_text(loaded):
    prompt_ids = loaded.base.prompt_ids(PROMPT)
    answer = loaded.base.response_ids("the ferry was late")
    tokens = loaded.engine.score(prompt_ids, answer, "cope", loaded.bank, CONFIG)
    assert [token.id for token in tokens] == answer
    expert = PeftModel.from_pretrained(load_base(loaded.path, "cpu").model, str(loaded.folders["cope"])).eval()
    with torch.no_grad():
        logits = expert(torch.tensor([prompt_ids + answer])).logits[0].float().log_softmax(-1)
    for number, token in enumerate(tokens):
        assert token.logp_user == pytest.approx(
            float(logits[len(prompt_ids) + number - 1, token.id]), abs=min(0.2, TOLERANCE)
        )


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
