"""Further columns beside the three: their names and order, their prompts, whose history is in them, their trace."""

import json
from dataclasses import replace

import pytest
import torch

from cope_demo.config import DecodeConfig
from cope_demo.decode import prompting
from cope_demo.decode.methods import AGAINST, COLUMNS, NO_HISTORY, list_optional, order_columns
from cope_demo.decode.trace import ColumnEnd, Trace
from cope_demo.errors import CopeError
from cope_demo.saved.store import SavedUser, Store
from cope_demo.service.offered import NO_TASK_ADAPTER, explain_left_out
from cope_demo.service.service import Service
from cope_demo.ui.panels import more_columns
from cope_demo.ui.token_view import wire
from cope_demo.visitors.owners import Access, owner_of_secret
from tests import tiny
from tests.scripted import SECRET, messages

SHORT = DecodeConfig(max_new_tokens=5)
PROMPT = "Write a post about soup."
WORDS = {"ada": "the kettle sang", "bob": "a private marmot"}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> tiny.Home:
    """With ada and bob, who have random adapters and histories that share no words."""
    folder = tmp_path_factory.mktemp("columns")
    path, scratch = tiny.make(folder / "model"), folder / "scratch"
    base = tiny.save_random_fit(path, scratch)
    identity = {"name": base.name, "identity": base.identity}
    for user, words in WORDS.items():
        rows = [{"prompt": f"Write a post about {n}.", "response": f"{words} {n}."} for n in range(6)]
        (scratch / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        manifest = {"user": user, "name": user, "task": "free_writing", "base": identity, "created": "", "report": {}}
        manifest["owner"] = owner_of_secret(SECRET if user == "ada" else "0" * 64)
        Store(folder / "users", folder / "none").publish(scratch, user, manifest)
    return tiny.Home(path, folder / "users")


@pytest.fixture
def service(home, monkeypatch):
    nearest = [5, 2, 0]
    monkeypatch.setattr(prompting, "find_most_similar", lambda queries, texts, count: [nearest[:count]] * len(queries))
    return Service(*home)


def test_all_columns_with_the_prompts_that_they_had(service, monkeypatch):
    first, *events, trace = service.compare("ada", PROMPT, SHORT, order_columns(list(list_optional())))
    assert [column.method for column in trace.columns] == [column.method for column in first.columns]
    assert [column.method for column in trace.columns] == [*COLUMNS, *list_optional()]
    assert all(column.stopped and column.tokens for column in trace.columns)
    assert sum(isinstance(event, ColumnEnd) for event in events) == len(COLUMNS + list_optional())
    own = {column.method: column.prompt for column in trace.columns if column.prompt is not None}
    assert [column.prompt for column in first.columns] == [column.prompt for column in trace.columns]
    texts = "".join(f"Write a post about {n}.\n{WORDS['ada']} {n}.\n\n" for n in (0, 2, 5))  # the nearest last
    assert own["rag"] == texts + PROMPT and set(own) == {"rag", "pag"}
    assert own["pag"].startswith("About the writer: ") and own["pag"].endswith("\n\n" + own["rag"])
    assert "marmot" not in trace.dumps()
    # Without a task adapter the bare model is base; with a prompt of its own it reads that one.
    assert [t.id for t in trace.column("base").tokens] == [t.id for t in trace.column("greedy").tokens]
    engine = service.engine()
    for method in ("rag", "pag"):
        tokens = trace.column(method).tokens
        ids, bank = [token.id for token in tokens], service._load_user("ada").bank
        for adapter, name in ((None, "logp_base"), ("cope", "logp_user")):
            read = engine.logps(engine.base.prompt_ids(own[method]), ids, adapter, bank)
            assert (read - torch.tensor([getattr(token, name) for token in tokens])).abs().max() < 0.3
    columns_json = json.loads(trace.dumps())["columns"]
    assert [column.get("prompt") for column in columns_json] == [column.prompt for column in trace.columns]
    assert "prompt" not in columns_json[0]
    # To the page and back.
    header = messages(wire.start("r", "Ada", first, ("rag",)))[0]
    assert header["prompts"] == own == messages(wire.whole(trace.to_json(), "Ada"))[0]["prompts"]

    # A branch reads the same prompt, and nothing is looked up or written again for it.
    def again_looked_up(*_):
        raise LookupError

    monkeypatch.setattr(prompting, "find_most_similar", again_looked_up)
    monkeypatch.setattr(prompting, "write_profile", again_looked_up)
    written = [token.id for token in trace.column("pag").tokens[:3]]
    again, *_ = service.resume("ada", PROMPT, "pag", written, SHORT)
    assert again.index == 2 and again.token.logp_base == pytest.approx(trace.column("pag").tokens[2].logp_base, abs=0.1)
    service.forget("ada")
    with pytest.raises(LookupError):
        next(service.resume("ada", PROMPT, "pag", written, SHORT))


def test_a_history_is_read_for_its_owner_alone(service, monkeypatch):
    read = []
    monkeypatch.setattr(prompting, "find_most_similar", lambda queries, texts, count: read.append(texts) or [[0]])
    access = Access(service)
    mine, methods = access.of(SECRET), (*COLUMNS, "rag")
    assert WORDS["ada"] in next(mine.compare("ada", PROMPT, SHORT, methods)).column("rag").prompt and len(read) == 1
    for call, rest in ((mine.compare, (PROMPT, SHORT, methods)), (mine.resume, (PROMPT, "rag", [9], SHORT))):
        with pytest.raises(CopeError, match="no user 'bob'"):
            next(call("bob", *rest))
    with pytest.raises(CopeError, match="no user 'ada'"):
        next(access.of("1" * 64).compare("ada", PROMPT, SHORT, methods))
    assert len(read) == 1


def test_another_person_is_the_amateur(service):
    """Bob's adapters are the same as ada's, so under both models every token has one probability."""
    *events, trace = service.compare("ada", PROMPT, SHORT, order_columns([], "bob"), against="bob")
    assert trace.to_json()["against"] == "bob"
    for column in trace.columns:
        off = max(abs(token.logp_user - token.logp_base) for token in column.tokens)
        assert (off < 1e-4) == (column.method == AGAINST)
    scored = service.score("ada", PROMPT, "the kettle sang", against="bob")
    assert all(abs(token.logp_user - token.logp_base) < 1e-4 for token in scored.columns[0].tokens)
    written = [token.id for token in trace.column(AGAINST).tokens[:3]]
    again, *_ = service.resume("ada", PROMPT, AGAINST, written, SHORT, against="bob")
    assert again.token.logp_base == pytest.approx(trace.column(AGAINST).tokens[2].logp_base, abs=0.01)
    plain = list(service.compare("ada", PROMPT, SHORT))[-1]
    assert "against" not in plain.to_json()
    for token, other in zip(plain.columns[2].tokens, trace.columns[2].tokens, strict=True):
        assert token.id == other.id and token.reward == pytest.approx(other.reward, abs=2e-3)


def test_a_word_is_looked_up_in_one_token_or_by_its_first(service):
    trace = list(service.compare("ada", PROMPT, SHORT, (*COLUMNS, "rag")))[-1]
    for method in ("cope", "rag"):
        written = [token.id for token in trace.column(method).tokens[:2]]
        (one, *_) = service.look_up("ada", PROMPT, method, written, "e")
        given = service.engine().base.prompt_ids(trace.column(method).prompt or PROMPT)
        *_, base = service.engine().logps(given, [*written, one["id"]], None, service._load_user("ada").bank)
        assert one["text"] == "e" and one["logp_base"] == pytest.approx(float(base), abs=0.3) and one["whole"]
    plain, spaced = service.look_up("ada", PROMPT, "cope", None, "kettles")
    assert (plain["whole"], spaced["text"][0]) == (False, " ") and "kettles".startswith(plain["text"])
    for word, said in (("", "The word is empty"), ("x" * 61, "61 characters, and 60 are allowed")):
        with pytest.raises(CopeError, match=said):
            service.look_up("ada", PROMPT, "cope", [], word)
    with pytest.raises(CopeError, match="not a token"):
        service.look_up("ada", PROMPT, "cope", [10**7], "soup")


def test_who_is_contrasted_with_must_be_open_to_the_visitor(service):
    mine = Access(service).of(SECRET)
    rest = {"compare": (PROMPT, SHORT, order_columns([], "bob")), "resume": (PROMPT, AGAINST, [9], SHORT)}
    for name, given in {**rest, "score": (PROMPT, "soup")}.items():
        with pytest.raises(CopeError, match="no user 'bob'"):
            getattr(mine, name)("ada", *given, against="bob")
        with pytest.raises(TypeError):  # past the check
            list(getattr(mine, name)("ada", *given, *([0.1] if name == "score" else []), "bob"))
    with pytest.raises(CopeError, match="contrasted with themselves"):
        service.score("ada", PROMPT, "soup", against="ada")
    with pytest.raises(CopeError, match="say against whom"):
        next(service.compare("ada", PROMPT, SHORT, (AGAINST,)))


def test_what_cannot_be_done_is_said_first(service, monkeypatch):
    with pytest.raises(CopeError, match="no method 'magic'; choose one of greedy"):
        next(service.compare("ada", PROMPT, SHORT, ("cope", "magic")))
    monkeypatch.setattr(prompting, "_WORDS", 5000)
    long = "soup " * 150
    monkeypatch.setattr(SavedUser, "history", lambda user: [prompting.Sample(long, long)] * 6)
    with pytest.raises(CopeError, match="column rag, which puts texts of the history first: The prompt is too long"):
        next(service.compare("ada", PROMPT, SHORT, (*COLUMNS, "rag")))
    assert isinstance(next(service.compare("ada", PROMPT, SHORT)), Trace)
    monkeypatch.setattr(SavedUser, "history", lambda user: [])
    with pytest.raises(CopeError, match="column pag.*none are kept"):
        next(service.compare("ada", PROMPT, SHORT, ("pag",)))


def test_only_what_means_something_is_offered_and_the_rest_is_explained(service, monkeypatch):
    mine = Access(service).of(SECRET)
    told = more_columns.offer_columns(mine, "ada", "you")
    assert [name for _, name in told["choices"]] == ["rag", "pag", "oppu+cd", "oppu+dpo"] and told["value"] == []
    assert "most similar of your texts" in told["info"] and told["info"].endswith(NO_TASK_ADAPTER)
    assert len(more_columns.offer_columns(mine, "", "you")["choices"]) == len(list_optional())
    user = service.store.open("ada")
    monkeypatch.setitem(user.manifest, "task_adapter", {"task": "news_headline", "sha256": "0"})
    assert explain_left_out(user) == {}
    monkeypatch.setattr(SavedUser, "keeps_history", False)
    assert explain_left_out(user) == {"rag": NO_HISTORY, "pag": NO_HISTORY}
    assert more_columns.offer_columns(mine, "ada", "Ada")["info"] == NO_HISTORY
    strange = more_columns.offer_columns(Access(service).of("1" * 64), "ada", "you")  # tells nothing of a stranger's
    assert strange == more_columns.offer_columns(Access(service).of("1" * 64), "nobody", "you")


def test_several_alphas_together_are_the_comparisons_at_each(service):
    methods, alphas = order_columns(["rag", "oppu+cd"]), (0.1, 0.9)
    *events, traces = service.compare_alphas("ada", PROMPT, SHORT, methods, alphas)
    assert [trace.alpha for trace in traces] == list(alphas)
    assert sum(isinstance(event, ColumnEnd) for event in events) == 3 + 2 * 2
    for trace in traces:
        *_, alone = service.compare("ada", PROMPT, replace(SHORT, alpha=trace.alpha), methods)
        assert [column.method for column in trace.columns] == list(methods)
        for column, other in zip(trace.columns, alone.columns, strict=True):
            assert (column.method, column.stopped, column.prompt) == (other.method, other.stopped, other.prompt)
            for token, same in zip(column.tokens, other.tokens, strict=True):
                assert token.id == same.id and token.reward == pytest.approx(same.reward, abs=2e-3)
                rewards = {one.id: one.reward for one in same.alternatives}
                assert all(one.reward == pytest.approx(rewards[one.id], abs=2e-3) for one in token.alternatives)
    with pytest.raises(CopeError, match="no method"):
        list(service.compare_alphas("ada", PROMPT, SHORT, ("nonsense",), alphas))
