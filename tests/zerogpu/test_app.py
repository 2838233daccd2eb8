"""What visitors do with the app where GPUs are lent: every comparison, score and fit in a forked worker of `spaces`."""

import os
import signal
from contextlib import suppress

import httpx
import pytest
from gradio_client.exceptions import AppError

from cope_demo.config import DecodeConfig
from cope_demo.fit.events import STAGES
from cope_demo.service.service import Service
from cope_demo.system.files import find_packaged_file
from cope_demo.system.zero_gpu import BROKEN_OFF, USED_UP
from cope_demo.texts.embedding import EMBEDDER_FILE, EMBEDDER_PACKAGE
from cope_demo.texts.tasks import find_task
from tests.fits import eventually

from .lender import make_token
from .running import compare, read_all, start_fit, wait_for_end

PROMPT = "Write a post about the rain."


def test_the_page_is_up_with_its_model_and_has_said_so(app):
    assert "text/html" in httpx.get(app.url).headers["content-type"]
    assert httpx.get(f"{app.url}ready").json()["model"] == "ready"
    assert httpx.get(f"{app.url}health").json()["decoding"] == "on a GPU that is lent for each call"
    assert app.lender.find("/startup-report") == [{}]


def test_a_fit_runs_to_its_end_on_its_visitor_s_share(app, ada):
    _, fit = ada
    stages = [event["stage"] for event in fit["status"]["events"]]
    assert sorted(set(stages), key=stages.index) == list(STAGES)
    asked = [given for given in app.lender.find("/schedule") if given["token"] == make_token("ada")][0]
    assert 0 < int(asked["durationSeconds"]) < 30
    saved = {path.name for path in (app.data / "users" / fit["user"]).iterdir()}
    assert {"manifest.json", "oppu", "cope", "report.json"} <= saved
    (job,) = (app.data / "jobs").glob(f"{fit['job']}*")
    assert {path.name for path in job.iterdir()} == {"job.json", "events.jsonl", "result.json", "lock"}
    details = ada[0].predict(user=fit["user"], secret=fit["secret"], api_name="/fit_details")
    assert details


def test_a_comparison_streams_and_is_what_any_machine_writes(app, ada, monkeypatch):
    monkeypatch.setenv("COPE_COMPUTE", "bfloat16")  # as a GPU does
    *steps, trace = compare(ada, PROMPT, max_new_tokens=100)
    assert len(steps) > 2 and all(step["events"] for step in steps if step["seq"] >= 0)
    config = DecodeConfig(max_new_tokens=100, repetition_penalty=find_task("free_writing").repetition_penalty)
    *_, own = Service(app.model, app.data / "users").compare(ada[1]["user"], PROMPT, config)
    assert [column["method"] for column in trace["columns"]] == ["greedy", "oppu", "cope"]
    for column, other in zip(trace["columns"], own.columns, strict=True):
        assert column["text"] == other.text and column["stopped"] == other.stopped


@pytest.mark.skipif(not find_packaged_file(EMBEDDER_PACKAGE, EMBEDDER_FILE), reason="without the embedding model")
def test_a_column_goes_on_and_a_profile_is_written_once(app, ada):
    client, fit = ada
    *_, trace = compare(ada, PROMPT, columns=["pag"])
    prompt = next(column["prompt"] for column in trace["columns"] if column["method"] == "pag")
    assert prompt.startswith("About the writer: ") and prompt.endswith(PROMPT)
    *_, again = compare(ada, PROMPT, columns=["pag"])
    assert [column["text"] for column in again["columns"]] == [column["text"] for column in trace["columns"]]
    first, second = (int(given["durationSeconds"]) for given in app.lender.find("/schedule")[-2:])
    assert second < first
    ids = [token["id"] for token in trace["columns"][2]["tokens"]][:3]
    asked = {"user": fit["user"], "prompt": PROMPT, "method": "cope", "ids": ids, "max_new_tokens": 8}
    column = client.predict(**asked, secret=fit["secret"], api_name="/continue_from")
    assert [token["id"] for token in column["tokens"]] == [token["id"] for token in trace["columns"][2]["tokens"]][2:]


def test_a_text_is_scored(ada):
    client, fit = ada
    asked = {"user": fit["user"], "prompt": PROMPT, "text": "the ferry was late again", "secret": fit["secret"]}
    (column,) = client.predict(**asked, api_name="/score")["columns"]
    assert "".join(token["text"] for token in column["tokens"]) == asked["text"]
    assert any(token["reward"] for token in column["tokens"])


def test_a_sentence_arrives_as_it_was_written(ada):
    with pytest.raises(AppError, match="^The prompt is too long: [0-9]+ tokens, while model takes 504 beside 8"):
        compare(ada, "the rain " * 400)
    assert compare(ada, PROMPT)[-1]["columns"]


def test_a_cancel_arrives_as_a_cancel(app, ada):
    client = app.visit("bob")
    fit = start_fit(client)
    asked = {"job": fit["job"], "secret": fit["secret"]}
    eventually(lambda: client.predict(**asked, api_name="/fit_status")["events"], 60)
    client.predict(**asked, api_name="/cancel_fit")
    status = wait_for_end(client, fit)
    assert (status["state"], status["error"]) == ("cancelled", None)
    eventually(lambda: len(app.lender.find("/release")) == len(app.lender.find("/schedule")))
    assert not (app.data / "users" / fit["user"]).exists()


def test_a_killed_worker_is_a_sentence_and_the_next_call_works(app, ada):
    assert kill_while_writing(app, ada) == BROKEN_OFF
    assert compare(ada, PROMPT)[-1]["columns"]


def kill_while_writing(app, ada) -> str:
    """Kills the worker of a comparison that has begun; returns the error that its visitor gets.

    One that was over before is followed by another: on a busy machine a tiny model is faster than this process.
    """
    client, fit = ada
    asked = {"user": fit["user"], "prompt": PROMPT, "secret": fit["secret"], "max_new_tokens": 300}
    for _ in range(10):
        known = len(app.lender.pids)
        job = client.submit(**asked, repetition_penalty=2, api_name="/compare")
        next(job)
        with suppress(ProcessLookupError):
            os.kill(eventually(lambda known=known: app.lender.pids[known:])[-1], signal.SIGKILL)
        try:
            read_all(job)
        except AppError as error:
            return str(error)
    raise AssertionError("every comparison was over before its worker was killed")


def test_two_visitors_at_once(app, ada):
    client, fit = ada
    other = app.visit("eve")
    asked = {"user": fit["user"], "prompt": PROMPT, "secret": fit["secret"], "max_new_tokens": 30}
    jobs = [one.submit(**asked, api_name="/compare") for one in (client, other)]
    traces = [read_all(job)[-1] for job in jobs]
    first, second = ([column["text"] for column in trace["columns"]] for trace in traces)
    assert first == second and all(first)
    tokens = {given["token"] for given in app.lender.find("/schedule")[-2:]}
    assert tokens == {make_token("ada"), make_token("eve")}


def test_a_share_that_is_used_up_is_a_sentence_that_says_what_remains(app, ada):
    client, fit = app.visit("dan"), ada[1]
    app.lender.left[make_token("dan")] = 1
    with pytest.raises(AppError) as refused:
        compare((client, fit), PROMPT)
    assert str(refused.value) == USED_UP and "lessons" in USED_UP and "tomorrow" in USED_UP
    asked = start_fit(client)
    status = wait_for_end(client, asked)
    assert (status["state"], status["error"]) == ("failed", USED_UP)


def test_an_idle_worker_serves_the_next_call(app, ada):
    app.lender.reuse = True
    try:
        first, known = compare(ada, PROMPT)[-1], len(app.lender.pids)
        again = compare(ada, PROMPT)[-1]
        assert again["columns"][2]["text"] == first["columns"][2]["text"] and len(app.lender.pids) == known
    finally:
        app.lender.reuse = False
