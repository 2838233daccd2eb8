"""A Service whose comparisons are lent calls, here without lending: the same results, and how long they ask for."""

import json

import pytest

from cope_demo.config import DecodeConfig, FitConfig
from cope_demo.decode import prompting
from cope_demo.decode.methods import COLUMNS, NO_HISTORY, order_columns
from cope_demo.decode.trace import Trace
from cope_demo.errors import CopeError
from cope_demo.fit.gpu_seconds import estimate_gpu_seconds
from cope_demo.model import resident
from cope_demo.model.lent_speed import BYTES
from cope_demo.saved.store import SavedUser, Store
from cope_demo.service import lent_service, opening
from cope_demo.service.lent_service import Asked, LentService, estimate_scoring, estimate_writing
from cope_demo.service.own_prompts import FoundTexts
from cope_demo.service.service import Service
from cope_demo.texts.tasks import Sample
from tests import tiny

SHORT = DecodeConfig(max_new_tokens=5)
PROMPT = "Write a post about soup."
DAY, FACTOR = 120, 1.5
"""Seconds that an anonymous visitor has a day, and what the platform takes for a declared one, at most."""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> tiny.Home:
    """With ada, who has random adapters, and bob, who was fitted on another model."""
    folder = tmp_path_factory.mktemp("lent")
    path, scratch = tiny.make(folder / "model"), folder / "scratch"
    base = tiny.save_random_fit(path, scratch)
    rows = [{"prompt": f"Write a post about {n}.", "response": f"the kettle sang {n}."} for n in range(6)]
    (scratch / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for user, identity in (("ada", base.identity), ("eve", base.identity), ("bob", "other@0")):
        belongs = {"name": base.name, "identity": identity}
        manifest = {"user": user, "name": user, "task": "free_writing", "base": belongs, "created": "", "report": {}}
        Store(folder / "users").publish(scratch, user, manifest)
    return tiny.Home(path, folder / "users")


@pytest.fixture
def lent(home, monkeypatch):
    monkeypatch.setattr(resident, "_kept", None)
    monkeypatch.setattr(lent_service, "_engine", None)
    monkeypatch.setattr(
        prompting, "find_most_similar", lambda queries, texts, count: [[5, 2, 0][:count]] * len(queries)
    )
    return LentService(*home)


def read(trace: Trace) -> list[tuple]:
    """What was written; the numbers differ by rounding, as rows meet in steps that are timed otherwise."""
    return [(column.method, column.prompt, column.text, column.stopped) for column in trace.columns]


def test_it_writes_and_scores_what_a_service_does(home, lent, monkeypatch):
    assert lent.ready() and lent.problem() is None and "lent" in lent.describe_arithmetic()
    own = Service(*home)
    methods = (*COLUMNS, "rag", "pag")
    *_, theirs = lent.compare("ada", PROMPT, SHORT, methods)
    *_, mine = own.compare("ada", PROMPT, SHORT, methods)
    assert read(theirs) == read(mine) and "About the writer" in theirs.column("pag").prompt
    monkeypatch.setattr(prompting, "write_profile", None)  # it was kept
    *_, again = lent.compare("ada", PROMPT, SHORT, ("pag",))
    assert again.column("pag").prompt == theirs.column("pag").prompt
    ids = [token.id for token in theirs.column("cope").tokens]
    *rest, _ = lent.resume("ada", PROMPT, "cope", ids[:2], SHORT)
    assert [event.token.id for event in rest] == ids[1:]
    scored = lent.score("ada", PROMPT, "soup on monday").columns[0].tokens
    for token, other in zip(scored, own.score("ada", PROMPT, "soup on monday").columns[0].tokens, strict=True):
        assert token.id == other.id and abs(token.reward - other.reward) < 1e-3
    found = [one.look_up("ada", PROMPT, "rag", ids[:2], "soup", against="eve") for one in (lent, own)]
    assert [row["id"] for row in found[0]] == [row["id"] for row in found[1]] and found[0][0]["rank_user"] >= 1
    assert found[0][0]["logp_base"] == pytest.approx(found[1][0]["logp_base"], abs=0.02)
    methods = order_columns([], "eve")
    against = [list(one.compare("ada", PROMPT, SHORT, methods, against="eve"))[-1] for one in (lent, own)]
    first = [trace.column("against").tokens[0] for trace in against]
    assert first[0].logp_base == pytest.approx(first[1].logp_base, abs=0.02)
    assert [(trace.against, len(trace.columns)) for trace in against] == [("eve", 4)] * 2
    lent.forget("ada")
    with pytest.raises(TypeError):
        list(lent.compare("ada", PROMPT, SHORT, ("pag",)))


def test_what_needs_no_gpu_to_be_refused_asks_for_none(lent, monkeypatch):
    monkeypatch.setattr(lent_service, "_write", None)
    for user, prompt, sentence in (
        ("ada", " ", "prompt is empty"),
        ("bob", "soup", "fitted on"),
        ("cyd", "a", "no user"),
    ):
        with pytest.raises(CopeError, match=sentence):
            next(lent.compare(user, prompt, SHORT))
    monkeypatch.setattr(SavedUser, "history", lambda user: [])
    with pytest.raises(CopeError, match=f"^The column rag, .*{NO_HISTORY[:20]}"):
        next(lent.compare("ada", PROMPT, SHORT, ("rag",)))
    with pytest.raises(CopeError, match="is not a token of"):
        next(lent.resume("ada", PROMPT, "cope", [10**6], SHORT))


def test_adapters_of_the_hub_are_checked_against_the_kept_model(lent, monkeypatch):
    monkeypatch.setattr(opening, "open_adapters", lambda store, base, *rest: base)
    assert lent.open_adapters("ada/cope") is resident._kept


def test_without_a_model_the_problem_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(resident, "_kept", None)
    lent = LentService(str(tmp_path), tmp_path)
    assert not lent.ready() and "holds no model" in lent.problem() and lent.describe_arithmetic() is None
    with pytest.raises(CopeError, match="holds no model"):
        lent.score("ines", PROMPT, "soup on monday")


@pytest.fixture
def large(monkeypatch):
    """The kept model has the size of the one that was measured."""
    monkeypatch.setattr(resident, "count_kept_bytes", lambda: int(BYTES))


def ask(methods=COLUMNS, tokens: int = DecodeConfig.max_new_tokens, **more) -> float:
    config = DecodeConfig(max_new_tokens=tokens)
    return estimate_writing(Asked(None, PROMPT, PROMPT, config, methods, **more))


def test_a_call_asks_for_what_its_work_takes(large):
    usual = ask()
    assert ask(tokens=300) > 2 * usual and ask((*COLUMNS, "base", "oppu+cd", "oppu+dpo")) > 1.5 * usual
    assert ask(written=tuple(range(70))) < usual
    unwritten, written = FoundTexts([]), FoundTexts([], "a profile")
    assert ask((*COLUMNS, "pag"), found=unwritten) > ask((*COLUMNS, "pag"), found=written) > usual
    assert estimate_scoring(None, PROMPT, PROMPT, "a" * 400, SHORT) < usual


def test_a_day_s_share_gives_five_comparisons_and_a_fit(large, own_data):
    """By what is declared, each rounded up, though less may be taken."""
    texts = [Sample(PROMPT + " " * 60, "a" * 240)] * 40
    fit = round(estimate_gpu_seconds(texts, "large", FitConfig(), int(BYTES)) + 0.5)
    assert FACTOR * (5 * round(ask() + 0.5) + fit) <= DAY
