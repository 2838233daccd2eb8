"""The endpoints for programs: what a stream's steps become, and that each of them is on the list."""

import pytest

from cope_demo.decode.methods import COLUMNS
from cope_demo.errors import CopeError
from cope_demo.saved.store import SavedUser
from cope_demo.ui import api, streams
from cope_demo.visitors.owners import Access
from tests.scripted import SECRET, Service


@pytest.fixture
def service(tmp_path):
    return Access(Service(tmp_path)).of(SECRET)


def test_a_comparison_counts_its_batches_and_ends_with_the_trace(service, monkeypatch):
    monkeypatch.setattr(streams, "INTERVAL", 0.0)
    *batches, trace = api.compare(service, "ada", "Write.", columns=["rag"])
    assert [batch["seq"] for batch in batches] == list(range(len(batches)))  # and none for what only the page shows
    events = [event for batch in batches for event in batch["events"]]
    for column in trace["columns"]:
        mine = [event for event in events if event["method"] == column["method"]]
        assert [event["token"]["text"] for event in mine[:-1]] == [token["text"] for token in column["tokens"]]
        assert mine[-1]["stopped"] == column["stopped"] == "eos"


@pytest.mark.parametrize(
    "given, penalty, length", [({}, 1.0, 40), ({"repetition_penalty": 1.3, "max_new_tokens": 12}, 1.3, 12)]
)
def test_what_is_not_given_is_the_task_s(service, monkeypatch, given, penalty, length):
    monkeypatch.setattr(SavedUser, "task", "news_headline")
    service._service.pieces = {method: [" w"] * 60 for method in COLUMNS}
    *_, trace = api.compare(service, "ada", "Write.", **given)
    *_, column = api.continue_from(service, "ada", "Write.", "cope", [7], **given)
    assert trace["repetition_penalty"] == penalty
    assert len(trace["columns"][2]["tokens"]) == len(column["tokens"]) == length


def test_a_program_is_kept_waiting_while_the_model_loads(service):
    scripted = service._service
    scripted.loaded = False
    answers = api.continue_from(service, "ada", "Write.", "cope", [7, 99])
    assert next(answers) == next(answers) == {"seq": -1, "events": []}
    scripted.loaded = True
    first, *_, column = answers
    assert first["seq"] == 0 and first["events"][0]["index"] == 1
    assert list(column) == ["method", "text", "stopped", "tokens"] and column["text"] == " instead time"


def test_without_a_model_there_is_a_sentence(service):
    service._service.loaded, service._service.trouble = False, "There is no model."
    for answers in (api.compare(service, "ada", "Write."), api.continue_from(service, "ada", "Write.", "cope", [7])):
        with pytest.raises(CopeError, match="There is no model."):
            next(answers)
    with pytest.raises(CopeError, match="There is no model."):
        api.score(service, "ada", "Write.", "A text.")


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda s: next(api.compare(s, 5, "Write.")), "user must be a text that is not empty, but is int"),
        (lambda s: next(api.continue_from(s, "", "Write.", "cope", [7])), "user must be a text that is not empty"),
        (lambda s: api.score(s, "ada", "x" * 20_001, "y"), "The prompt has 20,001 characters, and 20,000 are allowed"),
        (lambda s: api.score(s, "ada", "", "y" * 20_001), "The text has 20,001 characters, and 20,000 are allowed"),
        (lambda s: api.score(s, "ada", "x", ["y"]), "text must be a text that is not empty, but is list"),
        (lambda s: api.preview_history(s, "word " * 1_000_000), "The history is too large: 5.0 MB"),
        (lambda s: api.fit(s, "word " * 1_000_000, "mine.txt"), "The history is too large: 5.0 MB"),
    ],
)
def test_what_will_not_do_is_named(service, call, words):
    with pytest.raises(CopeError, match=words):
        call(service)


def test_every_public_function_is_an_endpoint():
    public = {name for name, thing in vars(api).items() if getattr(thing, "__module__", "") == api.__name__}
    functions = {name for name in public if callable(vars(api)[name]) and not name.startswith("_")}
    assert functions - {"add_endpoints"} == {function.__name__ for function, _ in api.ENDPOINTS}
