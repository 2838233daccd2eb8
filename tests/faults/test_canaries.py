"""Malformed calls with marked texts and secrets to every endpoint, event and server function of the running app: no
mark is found in its log or on its disk, each line of the log is ours, and each caller is told something.
"""

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.faults.crowd import Server

MARK = "CANARY"
FORGED = '{"time": "", "level": "info", "event": "forged"}'
LONG, HUGE = 500, 10**400
EVENTS_END = ("event: error", "event: complete", "process_completed", "unexpected_error")
PLACES = ("call", "call/v2", "run", "api")
ECHOED = 5
"""Marks in one answer at most: the preview of a history shows its owner 60 characters of a text that was left out."""
STATIC = ("ready", "info", "config", "nowhere", "gradio_api/info", "gradio_api/nowhere")


class Call(NamedTuple):
    """A request: what httpx takes, and whether its answer names an event whose stream tells the rest."""

    name: str
    request: dict
    stream: str = ""


class App:
    """The running app, its tables of endpoints, events and components, and what it writes."""

    def __init__(self, folder: Path):
        self.folder, self.log = folder, folder / "log"
        self.server = Server(folder / "var", self.log, "health")
        self.url = self.server.url
        self.http = httpx.Client(base_url=self.url, timeout=httpx.Timeout(60, read=20))
        config = self.http.get("config").json()
        self.events, self.components = config["dependencies"], [part["id"] for part in config["components"]]
        self.values = {part["id"]: part["props"].get("value") for part in config["components"]}
        self.endpoints = self.http.get("gradio_api/info").json()["named_endpoints"]

    def find_marks(self) -> list[str]:
        """The files below the app's folders in which a mark stands, by content or name."""
        found = []
        for path in self.folder.rglob("*"):
            if MARK in str(path.relative_to(self.folder)) or (path.is_file() and MARK.encode() in path.read_bytes()):
                found.append(str(path))
        return found


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The app in a process of its own, which keeps everything below the test's folder."""
    folder = tmp_path / "app"
    (folder / "tmp").mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    app = App(folder)
    yield app
    app.server.end()


class Calls:
    """Malformed calls, drawn at random but the same at each run; each has a mark of its own."""

    def __init__(self, app: App):
        self.app, self.draw, self.made = app, random.Random(16), 0

    def mark(self) -> str:
        self.made += 1
        return f"{MARK}{self.made:05}"

    def unfit(self):
        """A value that no parameter takes."""
        mark = self.mark()
        return self.draw.choice(
            [
                {"path": f"{mark}\n{FORGED}", "meta": {"_type": "gradio.FileData"}},
                {"path": f"/etc/{mark}", "meta": {"_type": "gradio.FileData"}},
                {mark: mark},
                [[mark]],
                f"{mark}\n{FORGED}\r\n{mark}",
                mark * LONG,
                HUGE,
                True,
            ]
        )

    def every(self) -> Iterator[Call]:
        """Rounds of calls to everything that can be called, for ever."""
        while True:
            for number in range(len(self.app.events)):
                yield self.event(number)
            for name in self.app.endpoints:
                yield self.endpoint(name.removeprefix("/"))
            for name in (*PLACES, *STATIC, "component_server", "cancel", "reset", "upload"):
                yield self.other(name)
            for function in ("alive", "likeness", "empty_page", self.mark()):
                yield self.function(function)

    def event(self, number: int) -> Call:
        """An event of the page, with too few values, or with some that do not fit."""
        session, inputs = self.mark(), self.app.events[number]["inputs"]
        values = [self.app.values[block] for block in inputs]
        if inputs and self.draw.random() < 0.5:
            data = [self.mark() for _ in inputs[: self.draw.randrange(len(inputs))]]
        else:
            data = [self.unfit() if self.draw.random() < 0.7 else value for value in values]
        body = {"data": data, "fn_index": number, "session_hash": session, "event_data": self.unfit()}
        if self.draw.random() < 0.2:
            body |= {"trigger_id": self.draw.choice([HUGE, -1, self.mark()]), "batched": self.draw.random() < 0.5}
        if self.draw.random() < 0.1:
            body["fn_index"] = self.draw.choice([HUGE, -1, 10_000, self.mark(), None])
        where = f"gradio_api/queue/data?session_hash={session}"
        return Call(f"event {number}", post("gradio_api/queue/join", json.dumps(body)), where)

    def endpoint(self, name: str) -> Call:
        """An endpoint, with too few values, or with one at least that does not fit; marks are where texts belong."""
        parameters = self.app.endpoints[f"/{name}"]["parameters"]
        names = [parameter["parameter_name"] for parameter in parameters]
        values = {name: self.mark() for name in names}
        place = self.draw.choice(("call", "call/v2"))
        if self.draw.random() < 0.3:
            values.pop(self.draw.choice(names))
        else:
            for chosen in {names[-1], self.draw.choice(names)}:
                values[chosen] = self.draw.choice([{self.mark(): 1}, [self.mark()], HUGE, self.mark() * LONG])
        body = values if place == "call/v2" else {"data": list(values.values())}
        path = f"gradio_api/{place}/{name}"
        return Call(path, post(path, json.dumps(body)), f"gradio_api/{place}/{name}/")

    def other(self, name: str) -> Call:
        """A body that is no JSON, of another form or kind, or an unknown name."""
        mark = self.mark()
        if name in STATIC:
            return Call(name, {"method": "GET", "url": f"{name}/{mark}?{mark}={mark}"})
        path = f"gradio_api/{name}"
        if name in PLACES:
            path += "/" + self.draw.choice([mark, *(name[1:] for name in self.app.endpoints)])
        body, kind = self.draw.choice(
            [
                (json.dumps({"data": [mark]})[:-3], "application/json"),
                (json.dumps({"data": mark, "session_hash": [mark]}), "application/json"),
                (json.dumps([mark] * 3), "application/json"),
                ("[" * 5000 + mark, "application/json"),
                ('{"data": [' + "9" * 5000 + f', "{mark}"]}}', "application/json"),
                (mark, "text/plain"),
                (f"--{mark}\r\nContent-Disposition: form-data; name={mark}\r\n\r\n{mark}", "multipart/form-data"),
                (f"--{mark}\r\nContent-Dis: {mark}\r\n\r\n{mark}\r\n", f"multipart/form-data; boundary={mark}"),
            ]
        )
        return Call(path, post(path, body, kind), f"{path}/" if name.startswith("call") else "")

    def function(self, name: str) -> Call:
        """A component's server function."""
        component = self.draw.choice([*self.app.components, HUGE, -1, self.mark()])
        data = self.draw.choice([self.unfit(), [self.mark(), {self.mark(): self.unfit()}]])
        body = {"data": data, "component_id": component, "fn_name": name, "session_hash": self.mark()}
        return Call(f"function {name}", post("gradio_api/component_server", json.dumps(body)))


def post(path: str, body: str, kind: str = "application/json") -> dict:
    return {"method": "POST", "url": path, "content": body, "headers": {"content-type": kind}}


def send(app: App, call: Call) -> tuple[int, str]:
    """The answer's status, and all that came of the call."""
    answer = app.http.request(**call.request)
    if answer.status_code != 200 or not call.stream:
        return answer.status_code, answer.text
    where = call.stream + (answer.json()["event_id"] if call.stream.endswith("/") else "")
    came = ""
    with app.http.stream("GET", where) as stream:
        for text in stream.iter_text():
            came += text
            if any(end in came for end in EVENTS_END):
                break
    return 200, came


def is_told(status: int, text: str) -> bool:
    """Whether the caller was told something: an answer, a plain 4xx, or a fault's sentence."""
    if status != 200:
        return 400 <= status < 500
    bare = ('"output":{"error":null', "event: error\ndata: null", '"error": null', "event: error\ndata: {}")
    return bool(text) and not any(fault in text for fault in bare)


def test_marks_are_found_nowhere(app, long):
    calls = Calls(app)
    failed, faults = [], 0
    every = calls.every()
    count = 500 if long else 160
    for _ in range(count):
        call = next(every)
        status, text = send(app, call)
        faults += "on our side" in text
        if not is_told(status, text) or text.count(MARK) > ECHOED or len(text) > 100_000:
            failed.append((call.name, status, text[:300]))
    print(f"\n{count} calls, {calls.made} marks, {faults} were called faults of ours")
    assert failed == []
    assert app.find_marks() == []
    assert app.server.process.poll() is None and app.http.get("health").status_code == 200
    app.server.end()
    assert app.find_marks() == []
    said = [line for line in app.log.read_text().splitlines() if not line.startswith("The app runs at ")]
    lines = [json.loads(line) for line in said]
    assert lines and all({"time", "level", "event"} <= set(line) for line in lines)
    assert not any(line["event"] == "forged" for line in lines)
