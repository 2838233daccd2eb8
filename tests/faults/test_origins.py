"""Every endpoint and every event of the page, asked by a foreign page, by a program, under a wrong account and with
another's secret, each with and without a cookie: nobody is told a word of another's data, and nothing of it changes.
"""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx
import pytest

from cope_demo.visitors.owners import owner_of_account
from tests.accounts import run_page_with_accounts
from tests.faults.test_strangers import NAME, OTHER, USER, VALUES
from tests.scripted import REPORT, Service, publish

FIT = {"user": USER, "job": "job0", "name": "x", "task": "free_writing", "state": "done", "error": ""}
EVENT = {"id": USER, "more": [], "text": "words", "lesson": "alpha"}
ACCOUNT, SPACE = owner_of_account({"sub": "6123"}), "a-b.hf.space"
OWN, FOREIGN = {"origin": f"https://{SPACE}"}, {"origin": "https://elsewhere.example"}
VICTIM_S, STRANGER_S = {"cookie": "session=6123"}, {"cookie": "session=6124"}


class Asker(NamedTuple):
    """Who asks: request headers, and the secret that is given."""

    headers: dict
    secret: str


ASKERS = {
    "foreign origin": Asker(FOREIGN, ""),
    "foreign origin, cookie": Asker(FOREIGN | VICTIM_S, ""),
    "no origin": Asker({}, ""),
    "no origin, cookie": Asker(VICTIM_S, ""),
    "wrong account, no cookie": Asker(OWN, ""),
    "wrong account, cookie": Asker(OWN | STRANGER_S, ""),
    "another's secret": Asker(OWN, OTHER),
    "another's secret, cookie": Asker(OWN | STRANGER_S, OTHER),
}
"""The cookie of the first four is the victim's own, as a browser adds it."""
VICTIM = Asker(OWN | VICTIM_S, "")


@pytest.fixture
def page(tmp_path):
    """The page of a Space with a login, running; account 6123 has a saved user and a fit that waits."""
    service = Service(tmp_path)
    publish(service.store, tmp_path / "one", USER, NAME, owner=ACCOUNT)
    publish(service.store, tmp_path / "two", "c3" * 16, "Other", OTHER)
    service.jobs.set("job0", USER, "queued", position=1)
    service.jobs.owners["job0"] = ACCOUNT
    with run_page_with_accounts(service) as page:
        yield page


class Sender:
    """Sends what a browser or program sends, as a Space's proxy passes it on."""

    def __init__(self, page):
        self.page, self.client = page, httpx.Client(base_url=f"{page.url}gradio_api/", timeout=60)
        self.answers = 0

    def _post(self, path: str, body: dict, asker: Asker) -> httpx.Response:
        answer = self.client.post(path, json=body, headers={"host": SPACE, **asker.headers})
        allowed = [name for name in answer.headers if name.startswith("access-control-")]
        assert not allowed and ("elsewhere" not in str(asker.headers) or answer.status_code == 403), (path, allowed)
        self.answers += 1
        return answer

    def _stream(self, path: str, asker: Asker) -> str:
        headers = {"host": SPACE, "sec-fetch-site": "same-origin", **asker.headers}
        return self.client.get(path, headers=headers).text

    def call(self, name: str, given: dict, asker: Asker) -> str:
        """All that an endpoint answers."""
        given = {**given, "secret": asker.secret} if "secret" in given else given
        answer = self._post(f"call/v2/{name}", given, asker)
        if answer.status_code != 200:
            return answer.text
        return self._stream(f"call/{name}/{answer.json()['event_id']}", asker)

    def send(self, number: int, data: list, asker: Asker) -> str:
        """All that an event of the page answers, by the queue and, where the page sends it so, past it."""
        session = secrets.token_hex(8)
        body = {"data": data, "fn_index": number, "event_data": EVENT, "session_hash": session}
        direct = "" if self.page.blocks.fns[number].queue else self._post("run/predict", body, asker).text
        answer = self._post("queue/join", body, asker)
        if answer.status_code != 200:
            return direct + answer.text
        return direct + self._stream(f"queue/data?session_hash={session}", asker)

    def call_component(self, component: int, function: str, asker: Asker) -> str:
        """What a server function of a component answers."""
        data = [USER, {"cope": "words"}] if function == "likeness" else USER
        body = {"data": data, "component_id": component, "fn_name": function, "session_hash": "x"}
        return self._post("component_server/", body, asker).text


def list_calls(page, sender: Sender) -> dict:
    """What can be asked, by name, each as a function of who asks."""
    info = page.blocks.get_api_info()["named_endpoints"]
    config = page.blocks.get_config_file()
    values = {component["id"]: component["props"].get("value") for component in config["components"]}
    calls = {}
    for route, endpoint in info.items():
        names = {p["parameter_name"] for p in endpoint["parameters"]}
        known = {"user": USER, "job": "job0", "ids": [1], "secret": "", **VALUES}
        given = {name: value for name, value in known.items() if name in names}
        calls[route] = lambda asker, name=route[1:], given=given: sender.call(name, given, asker)
    for number, event in enumerate(config["dependencies"]):
        if event["backend_fn"] and event["api_name"] not in {route[1:] for route in info}:
            rest = [values[block] for block in event["inputs"][1:]]

            def send(asker, number=number, rest=rest):
                memory = {"secret": asker.secret, "chosen": USER, "fits": [FIT, {**FIT, "state": "queued"}]}
                return sender.send(number, [memory, *rest], asker)

            calls[f"event {number}"] = send
    for component, block in page.blocks.blocks.items():
        for name in dir(type(block)) + list(vars(block)):
            if getattr(getattr(block, name, None), "_is_server_fn", False):
                calls[f"{component} {name}"] = lambda asker, c=component, n=name: sender.call_component(c, n, asker)
    return calls


def is_told(text: str) -> bool:
    """Whether an answer has something of the victim's."""
    marks = (NAME, json.dumps(REPORT["margin"]), '"-3.10"', 'position"', 'position\\"')
    return any(mark in text for mark in marks)


def test_nobody_but_the_owner_is_told_or_changes_anything(page, long):
    sender = Sender(page)
    calls = list_calls(page, sender)
    assert len(calls) > 40
    work = [(name, who) for name in calls for who in ASKERS if long or who.endswith(", cookie")]
    with ThreadPoolExecutor(8) as many:
        texts = dict(zip(work, many.map(lambda pair: calls[pair[0]](ASKERS[pair[1]]), work), strict=True))
    assert {pair: text[:300] for pair, text in texts.items() if is_told(text)} == {}
    assert page.service.store.open(USER).name == NAME and page.service.jobs.status("job0").state == "queued"
    assert all("another site" in text for (_, who), text in texts.items() if "foreign" in who)
    # The same calls find all of it for the account itself, so it was not for another reason.
    told = [name for name in calls if "delete" not in name and is_told(calls[name](VICTIM))]
    assert {"/fit_status", "/fit_report"} < set(told) and any(name.startswith("event") for name in told), told
    calls["/delete_user"](VICTIM)
    assert page.service.store.list_owned((ACCOUNT,)) == []
    print(f"\n{len(work)} calls, {sender.answers} answers")
