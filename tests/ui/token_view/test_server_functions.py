"""What the token view asks the server: how near the columns are to the person, for whom the run belongs to alone."""

from cope_demo.ui import streams
from cope_demo.ui.token_view import runs, server_functions
from cope_demo.visitors.owners import Access
from tests.scripted import SECRET, messages, publish
from tests.ui.test_streams import SETTINGS

OTHER = "0" * 64


def test_likeness_is_for_whom_the_run_belongs(service, tmp_path):
    publish(service.store, tmp_path / "fit", "mine", "Nan")
    mine = Access(service).of(SECRET)
    run = messages(list(streams.stream(mine, "mine", "you", **SETTINGS))[-1])[0]["run"]
    found = server_functions.likeness([run, {"cope": "four"}])
    assert found == {"cope": {"topic": 0.5, "style": 0.04}, "history": {"topic": 0.6, "style": 0.7}}
    strange = list(streams.stream(Access(service).of(OTHER), "mine", "you", **SETTINGS))
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


def test_a_word_is_looked_up_for_whom_the_run_belongs(service, tmp_path):
    publish(service.store, tmp_path / "fit", "mine", "Nan")
    run = runs.begin(Access(service).of(SECRET), "ada")
    asked = {"prompt": "Write.", "method": "cope", "ids": [7], "word": "kettle", "against": "mine"}
    (found,) = server_functions.look_up([run, asked])["tokens"]
    assert (found["text"], found["whole"], found["rank_base"]) == (" ket", False, 1021)
    strange = runs.begin(Access(service).of(OTHER), "ada")
    assert "no user 'mine'" in server_functions.look_up([strange, asked])["error"]
    for wrong in ([run, {**asked, "word": 5}], [run, {}], [run], None, ["nobody", asked], [run, []]):
        assert set(server_functions.look_up(wrong)) == {"error"}
