"""What the token view asks the server: how near the columns are to the person, for whom the run belongs to alone."""

import pytest

from cope_demo.ui import streams
from cope_demo.ui.token_view import runs, server_functions
from cope_demo.visitors.owners import Access
from tests.scripted import SECRET, Service, messages, publish

OTHER = "0" * 64
VALUES = {"prompt": "Write.", "alpha": 0.1, "tau": 0.1, "max_new_tokens": 80}
VALUES |= {"repetition_penalty": 1.2, "temperature": 0.0, "seed": 0}


@pytest.fixture
def service(tmp_path) -> Service:
    return Service(tmp_path)


def test_likeness_is_for_whom_the_run_belongs(service, tmp_path):
    publish(service.store, tmp_path / "fit", "mine", "Nan")
    mine = Access(service).of(SECRET)
    run = messages(list(streams.stream(mine, "mine", "you", **VALUES))[-1])[0]["run"]
    found = server_functions.likeness([run, {"cope": "four"}])
    assert found == {"cope": {"topic": 0.5, "style": 0.04}, "history": {"topic": 0.6, "style": 0.7}}
    strange = list(streams.stream(Access(service).of(OTHER), "mine", "you", **VALUES))
    assert "no user" in messages(strange[-1])[-1]["message"]
    for asked in (["nobody", {}], [None, {}], [run], run, None, [["x"], {}]):
        assert set(server_functions.likeness(asked)) == {"error"}
    mine.store.delete("mine")
    assert "no user" in server_functions.likeness([run, {"cope": "four"}])["error"]


def test_a_run_is_forgotten_after_an_hour(service, monkeypatch):
    run = runs.begin(service, "ada")
    runs.end(run)
    assert runs.whose(run) == (service, "ada") and not runs.alive(run)
    later = runs.time.monotonic() + runs.KEPT_SECONDS + 1
    monkeypatch.setattr(runs.time, "monotonic", lambda: later)
    assert "too old" in server_functions.likeness([run, {}])["error"]
    runs.begin(service, "ada")
    assert run not in runs._runs
