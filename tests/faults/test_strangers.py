"""Every public endpoint of the running app, called without, with a wrong and with another's secret: nobody is told a
word of another's data, and a user or fit of another's is answered for as if it did not exist.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx
import pytest
from gradio_client import Client

from cope_demo.jobs.job_folder import UNKNOWN_JOB
from tests.running import run_page
from tests.scripted import REPORT, SECRET, Service, publish

OTHER = "0ddba11" + "0" * 57
NAME, USER, NONE = "Nan Tester", "a1" * 16, "b2" * 16
TEXTS = "\n".join(json.dumps({"prompt": "Write.", "response": f"Text {n} is about seams."}) for n in range(6))
SECRETS = ["", OTHER, SECRET[:-1] + "1", SECRET.upper(), SECRET[:40], f" {SECRET}", "x" * 10_000, "\u202e", "null", "*"]
VALUES = {
    "text": TEXTS,
    "prompt": "Write.",
    "method": "cope",
    "task": "free_writing",
    "name": "A",
    "filename": "a.jsonl",
}
"""What a stranger gives where it is asked for; user and job are the victim's."""


@pytest.fixture
def page(tmp_path):
    """The running app, with a saved user and a waiting fit of SECRET's, and a saved user of OTHER's."""
    service = Service(tmp_path)
    publish(service.store, tmp_path / "one", USER, NAME)
    publish(service.store, tmp_path / "two", "c3" * 16, "Other", OTHER)
    service.jobs.set("job0", USER, "queued", position=1)
    service.jobs.owners["job0"] = service.store.owner(USER)
    with run_page(service) as page:
        yield page


class Answer(NamedTuple):
    """Whether a call was answered, and everything that came, as a text."""

    answered: bool
    text: str


def arguments(endpoint: dict, secret: str, user: str, job: str) -> dict:
    given = {}
    for parameter in endpoint["parameters"]:
        name = parameter["parameter_name"]
        values = {"secret": secret, "user": user, "job": job, **VALUES}
        if name in values:
            given[name] = values[name]
        elif not parameter["parameter_has_default"]:
            kind = parameter["type"].get("type")
            given[name] = {"array": [1], "integer": 1, "number": 1.0, "object": {}, "boolean": True}.get(kind, "x")
    return given


def call(client: Client, route: str, given: dict) -> Answer:
    job = client.submit(api_name=route, **given)
    try:
        result = job.result(timeout=60)
        return Answer(True, json.dumps([result, job.outputs()]))
    except Exception as refused:
        return Answer(False, str(refused))


def test_every_endpoint(page, long):
    client = Client(page.url, verbose=False)
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    own = {route: [p["parameter_name"] for p in endpoint["parameters"]] for route, endpoint in endpoints.items()}
    about = {route for route, names in own.items() if {"user", "job"} & set(names)}
    assert len(about) >= 6 and all(names[-1] == "secret" for names in own.values())
    marks = (NAME, json.dumps(REPORT["margin"]), "position")
    calls = 0
    for secret in SECRETS if long else SECRETS[:2]:
        for route, endpoint in sorted(endpoints.items()):
            answered, text = call(client, route, arguments(endpoint, secret, USER, "job0"))
            calls += 1
            assert not any(mark in text for mark in marks), (route, secret, text)
            assert answered != (route in about) or route in ("/fit", "/open_adapters"), (route, secret, text)
            if route in about:
                of_none = call(client, route, arguments(endpoint, secret, NONE, "jobx")).text
                assert text == of_none.replace(NONE, USER) and (USER in text or UNKNOWN_JOB in text), (route, secret)
            else:
                assert USER not in text and "job0" not in text, (route, secret)
    assert page.service.store.open(USER).name == NAME and page.service.jobs.status("job0").state == "queued"
    for route in sorted(about):  # with the right secret they find both, so it was not for another reason
        answered, text = call(client, route, arguments(endpoints[route], SECRET, USER, "job0"))
        assert answered or ("no user" not in text and UNKNOWN_JOB not in text), (route, text)
        if "delete" in route:
            publish(page.service.store, page.service.store.users_dir.parent / "again", USER, NAME)
    print(f"\n{calls} calls")


def test_the_page_s_own_events(page, long):
    """What a page sends can be written by anybody: with another's secret it neither shows nor changes anything."""
    config = httpx.get(f"{page.url}config").json()
    values = {component["id"]: component["props"].get("value") for component in config["components"]}
    fit = {"user": USER, "job": "job0", "name": "x", "task": "free_writing", "state": "done", "error": ""}

    def send(secret: str, number: int) -> str:
        event = config["dependencies"][number]
        memory = {"secret": secret, "chosen": USER, "fits": [fit, {**fit, "state": "queued"}]}
        data = [memory, *(values[block] for block in event["inputs"][1:])]
        return page.send(number, data, f"stranger{number}{secret}", {"id": USER}, (200, 422))

    secrets = (OTHER, "", SECRET[:-1]) if long else (OTHER,)
    calls = [(secret, number) for secret in secrets for number in range(len(config["dependencies"]))]
    with ThreadPoolExecutor(8) as many:
        for (_, number), text in zip(calls, many.map(lambda call: send(*call), calls), strict=True):
            told = NAME in text or '"-3.10"' in text or "position" in text
            assert not told, (config["dependencies"][number]["api_name"], text)
    assert page.service.store.open(USER).name == NAME and page.service.jobs.status("job0").state == "queued"
    print(f"\n{len(calls)} events")
