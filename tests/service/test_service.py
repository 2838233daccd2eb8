"""Comparisons and scores for saved users, on a tiny model."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import COLUMNS
from cope_demo.decode.trace import ColumnEnd, TokenEvent, Trace
from cope_demo.errors import CopeError
from cope_demo.fit import pipeline
from cope_demo.saved.store import Store
from cope_demo.service import service as services
from cope_demo.service.service import Service
from tests import tiny
from tests.fit.test_pipeline import FAST
from tests.fits import eventually

SHORT = DecodeConfig(max_new_tokens=8)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> tiny.Home:
    """With the fitted user "ada"."""
    import os

    folder = tmp_path_factory.mktemp("home")
    path = tiny.make(folder / "model")
    before = os.environ.get("COPE_DATA")
    os.environ["COPE_DATA"] = str(folder / "var")
    pipeline.fit_user(tiny.history(), "ada", model=path, config=FAST, store=Store(folder / "users"))
    os.environ.pop("COPE_DATA")
    if before is not None:
        os.environ["COPE_DATA"] = before
    return tiny.Home(path, folder / "users")


@pytest.fixture(scope="module")
def service(home):
    return Service(*home)


def test_a_comparison_starts_empty_and_ends_whole(service):
    first, *events, last = service.compare("ada", "Write a post about soup.", SHORT)
    assert isinstance(first, Trace) and [c.tokens for c in first.columns] == [[], [], []]
    assert isinstance(last, Trace) and all(c.stopped for c in last.columns)
    for column in last.columns:
        own = [e.token for e in events if isinstance(e, TokenEvent) and e.method == column.method]
        assert own == column.tokens
    assert sum(isinstance(e, ColumnEnd) for e in events) == 3


def test_the_trace_has_the_published_schema(service):
    *_, trace = service.compare("ada", "Write a post about soup.", SHORT)
    data = json.loads(trace.dumps())
    settings = ["alpha", "tau", "repetition_penalty"]
    assert list(data) == ["model", "user", "task", "prompt", *settings, "prompt_ids", "columns"]
    assert [c["method"] for c in data["columns"]] == list(COLUMNS)
    numbers = {"logp_user": float, "logp_base": float, "reward": float, "score": float, "in_head": bool}
    for column in data["columns"]:
        assert list(column) == ["method", "text", "stopped", "tokens"] and column["stopped"] in ("eos", "length")
        assert column["text"] == "".join(token["text"] for token in column["tokens"])
        for token in column["tokens"]:
            kinds = {"id": int, "text": str, **numbers, "head_size": int, "alternatives": list}
            assert {name: type(value) for name, value in token.items()} == kinds
            for other in token["alternatives"]:
                assert {name: type(value) for name, value in other.items()} == {"id": int, "text": str, **numbers}


def test_closing_a_comparison_ends_its_work(service):
    shared = service.engine().shared
    stream = service.compare("ada", "Write a post about soup.", replace(SHORT, max_new_tokens=400))
    before = shared.steps
    next(stream), next(stream)
    stream.close()
    assert eventually(lambda: not shared.is_busy())
    assert shared.steps - before < 200


def test_resume_goes_on_from_any_token(service):
    *_, trace = service.compare("ada", "Write a post about soup.", SHORT)
    whole = trace.column("cope")
    written = [token.id for token in whole.tokens[:3]]
    first, *rest = service.resume("ada", "Write a post about soup.", "cope", written, SHORT)
    assert (first.method, first.index, first.token.id) == ("cope", 2, written[-1])
    assert isinstance(rest[-1], ColumnEnd) and [event.index for event in rest[:-1]] == list(range(3, len(whole.tokens)))


@pytest.mark.parametrize(
    "method,ids,sentence",
    [
        ("magic", [1], "no method 'magic'; choose one of .*greedy, oppu, cope"),
        ("cope", [], "There are 0 token ids.*1 to 8"),
        ("cope", [7] * 9, "There are 9 token ids.*1 to 8"),
        ("cope", "123", "whole numbers"),
        ("cope", [1, "2"], "whole numbers"),
        ("cope", [1.0], "whole numbers"),
        ("cope", [True], "whole numbers"),
        ("cope", [9, 10**9], "1000000000 is not a token of model"),
        ("cope", [-1], "-1 is not a token"),
    ],
)
def test_resume_refuses_other_ids(service, method, ids, sentence):
    with pytest.raises(CopeError, match=sentence):
        next(service.resume("ada", "Write a post about soup.", method, ids, SHORT))


def test_resume_refuses_a_text_that_has_ended_and_one_too_long(service):
    (end,) = service.engine().base.end_ids
    with pytest.raises(CopeError, match="already ended"):
        next(service.resume("ada", "Write.", "cope", [9, end, 9], SHORT))
    with pytest.raises(CopeError, match="too long"):
        next(service.resume("ada", "soup " * 2000, "cope", [9], SHORT))


def test_score_gives_one_column_of_the_given_text(service):
    trace = service.score("ada", "Write a post about soup.", "soup on monday", 0.5)
    assert trace.columns[0].method == "score" and trace.columns[0].text == "soup on monday"
    assert all(t.reward == pytest.approx(t.logp_user - 0.5 * t.logp_base, abs=1e-4) for t in trace.columns[0].tokens)


@pytest.mark.parametrize(
    "call,sentence",
    [
        (lambda s: next(s.compare("nobody", "x", SHORT)), "no user 'nobody'"),
        (lambda s: next(s.compare("../ada", "x", SHORT)), "not a user id"),
        (lambda s: next(s.compare("ada", " \n ", SHORT)), "prompt is empty"),
        (lambda s: next(s.compare("ada", "soup " * 2000, SHORT)), "too long"),
        (lambda s: next(s.compare("ada", "x" * 50_000, SHORT)), "20,000 are allowed"),
        (lambda s: s.score("ada", "x", "", 0.1), "text is empty"),
        (lambda s: s.score("ada", "x", "y", 9.0), "alpha must be"),
    ],
)
def test_bad_input_gets_a_sentence(service, call, sentence):
    with pytest.raises(CopeError, match=sentence):
        call(service)


def test_a_user_of_another_model_is_refused_with_both_names(home, tmp_path):
    other = tiny.make(tmp_path / "other", "qwen")
    with pytest.raises(CopeError, match="fitted on the model model.*other"):
        next(Service(other, home.users_dir).compare("ada", "x", SHORT))


def test_a_damaged_adapter_is_refused_and_nothing_else_is_touched(home, tmp_path):
    import shutil

    users = shutil.copytree(home.users_dir, tmp_path / "users")
    file = users / "ada" / "cope" / "adapter_model.safetensors"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    before = {p: p.read_bytes() for p in users.rglob("*") if p.is_file()}
    with pytest.raises(CopeError, match="adapter_model.safetensors"):
        next(Service(home.model, users).compare("ada", "x", SHORT))
    assert {p: p.read_bytes() for p in users.rglob("*") if p.is_file()} == before


def test_a_user_fitted_anew_is_read_anew(home, tmp_path):
    service = Service(home.model, tmp_path / "users")
    texts = []
    for seed in (0, 5):
        pipeline.fit_user(tiny.history(), "bob", model=home.model, config=replace(FAST, seed=seed), store=service.store)
        *_, trace = service.compare("bob", "Write a post about soup.", SHORT)
        texts.append([t.logp_user for t in trace.column("cope").tokens])
    assert texts[0] != texts[1]


def test_starting_warms_the_first_sample_user_up(home, monkeypatch):
    service = Service(*home)
    monkeypatch.setattr(service.store, "samples", lambda: [SimpleNamespace(id="ada"), SimpleNamespace(id="nobody")])
    assert service.pass_seconds is None
    service._warm_up(service.engine())
    assert 0 < service.pass_seconds < 1  # of a token
    monkeypatch.setattr("cope_demo.model.adapters.read_lora", None)  # the adapters are there already
    assert isinstance(next(service.compare("ada", "x", SHORT)), Trace)
    service.forget("ada")
    with pytest.raises(TypeError):
        next(service.compare("ada", "x", SHORT))


def test_a_first_sample_user_of_another_model_is_no_obstacle(home, tmp_path, monkeypatch):
    service = Service(tiny.make(tmp_path / "other", "qwen"), home.users_dir)
    monkeypatch.setattr(service.store, "samples", lambda: [SimpleNamespace(id="ada")])
    service.start()
    assert eventually(service.ready) and service.problem() is None


def test_the_default_service_is_made_by_the_first_call_and_once(home, monkeypatch):
    made = []
    monkeypatch.setattr(services, "Service", lambda: made.append(Service(*home)) or made[-1])
    monkeypatch.setattr(services, "_default", None)
    trace = services.compare("ada", "Write a post about soup.", SHORT, ["oppu+cd"])
    assert [column.method for column in trace.columns] == [*COLUMNS, "oppu+cd"]
    assert services.score("ada", "Write.", "soup on monday").alpha == DecodeConfig.alpha
    assert len(made) == 1
