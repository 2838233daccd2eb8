"""Going on from another token on the page, over a scripted service."""

import json

import pytest

from cope_demo.ui import streams
from cope_demo.ui.token_view import server_functions
from tests.running import read_updates
from tests.scripted import SECRET, messages

SETTINGS = {"alpha": 0.3, "tau": 0.1, "repetition_penalty": 1.2, "max_new_tokens": 80, "temperature": 0.0, "seed": 0}
ASKED = {"user": "ada", "prompt": "Write.", "method": "cope", "ids": [7, 99], **SETTINGS}


def test_a_column_is_cut_and_goes_on(service, monkeypatch):
    monkeypatch.setattr(streams, "INTERVAL", 0.0)
    texts = list(streams.branch(service, "ada", ASKED))
    assert all(longer.startswith(shorter) for shorter, longer in zip(texts, texts[1:], strict=False))
    first, *rest = messages(texts[-1])
    assert first == {"t": "branch", "run": first["run"], "method": "cope", "at": 1}
    rows = [row for line in rest if line["t"] == "tokens" for row in line["rows"]]
    assert [row[1] for row in rows] == [1, 2] and [row[2:4] for row in rows][0] == [99, " instead"]
    assert [line["t"] for line in rest[-2:]] == ["end", "done"] and service.closed == 1


def test_leaving_a_branch_ends_the_work(service):
    stream = streams.branch(service, "ada", ASKED)
    run = messages(next(stream))[0]["run"]
    assert server_functions.alive(run) == "here"
    stream.close()
    assert service.closed == 1 and server_functions.alive(run) == "gone"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"user": "walter"}, "another person's"),
        ({"user": None}, "another person's"),
        ({"ids": [404]}, "404 is not a token"),
        ({"prompt": ""}, "no prompt"),
        ({"alpha": 7}, "alpha must be"),
        ({"max_new_tokens": 5000}, "max_new_tokens must be"),
        ({"method": ["cope"]}, "on our side"),
        ({"ids": None}, "on our side"),
    ],
)
def test_what_cannot_be_done_leaves_the_column_as_it_is(service, change, words):
    values = [list(streams.branch(service, "ada", ASKED | change)) for _ in range(2)]
    for (text,) in values:
        (only,) = messages(text)
        assert only["t"] == "error" and words in only["message"]
    assert values[0] != values[1]  # or the page would not hear the same refusal twice


def test_settings_that_are_not_said_are_the_defaults(service):
    (text,) = list(streams.branch(service, "ada", {k: v for k, v in ASKED.items() if k not in SETTINGS}))[-1:]
    assert messages(text)[-1]["t"] == "done"


def test_a_branch_waits_for_the_model(service):
    service.loaded = False
    stream = streams.branch(service, "ada", ASKED)
    assert messages(next(stream))[-1]["message"] == streams.LOADING
    service.loaded = True
    assert [line["t"] for line in messages(list(stream)[-1])][:2] == ["wait", "branch"]


def test_the_page_hears_of_a_branch(page):
    asked = {"chosen": "ada", "fits": [], "secret": SECRET}

    def branch(memory: dict) -> str:
        return json.dumps(read_updates(page.send(page.event("_branch"), [memory], "test", ASKED)))

    answer = branch(asked)
    assert " instead" in answer and "done" in answer
    assert "another person's" in branch(asked | {"chosen": "new"})
