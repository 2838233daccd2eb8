"""One client that asks for far too much, at the running app's door; another visitor, at another address, is served."""

import json
import os
import secrets
import socket
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response

from cope_demo.system.wanted import stop_if_unwanted
from cope_demo.ui.panels.zips import FOLDER, LINKS_OF_ADDRESS
from cope_demo.ui.token_view import runs
from cope_demo.ui.web import joins, sessions
from cope_demo.ui.web.arrivals import OPEN_OF_ADDRESS
from cope_demo.ui.web.uploads import uploads_folder
from cope_demo.visitors.owners import Access
from tests.running import run_page
from tests.scripted import SECRET, Service

SECONDS = 2.0
"""What another visitor waits at most."""
TEXT = b"My diary of the seams.\n\n" * 400


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("arrivals")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(root / "var"))
        patch.setenv("GRADIO_TEMP_DIR", "")  # so that it is put back
        patch.setattr(tempfile, "tempdir", str(root))
        with uploads_folder(), run_page(Service(root)) as page:
            yield page


@pytest.fixture(autouse=True)
def script(page):
    """The script as it stands at first, and at the end nothing of this test waits."""
    yield
    page.service.reset()
    deadline = time.monotonic() + 20
    while page.blocks._queue.event_ids_to_events and time.monotonic() < deadline:
        time.sleep(0.1)


@pytest.fixture
def client(page):
    """The one that asks for too much."""
    with connect(page, "127.0.0.2") as client:
        yield client


@pytest.fixture
def visitor(page):
    """Another one."""
    with connect(page, "127.0.0.1") as client:
        yield client


def connect(page, address: str) -> httpx.Client:
    transport = httpx.HTTPTransport(local_address=address, limits=httpx.Limits(max_connections=None))
    return httpx.Client(base_url=page.url, transport=transport, timeout=30)


def call(client: httpx.Client, name: str, *data):
    """What an endpoint returns."""
    began = client.post(f"gradio_api/call/{name}", json={"data": data})
    assert began.status_code == 200, began.text
    text = client.get(f"gradio_api/call/{name}/{began.json()['event_id']}").text
    assert "event: complete" in text, text
    return json.loads(text.rsplit("data: ", 1)[1])[0]


def check_served(page, visitor: httpx.Client) -> None:
    """A page load, a fit's status and a deletion, each in time."""
    page.service.jobs.set("job0", "mine", "queued", position=1)
    steps = {
        "page": lambda: visitor.get("").text.index("<script"),
        "status": lambda: call(visitor, "fit_status", "job0", SECRET),
        "delete": lambda: call(visitor, "delete_my_data", SECRET)["deleted"],
    }
    for name, step in steps.items():
        began = time.monotonic()
        step()
        assert time.monotonic() - began < SECONDS, name


def join_score(client: httpx.Client, page, session: str) -> Response:
    (number,) = (number for number, event in page.blocks.fns.items() if event.api_name == "score")
    body = {"data": ["ada", "Write.", "some words", 0.1, "", ""], "fn_index": number, "session_hash": session}
    return client.post("gradio_api/queue/join", json=body)


def leave(page, client: httpx.Client, sessions: list[str]) -> None:
    """Opens the streams of these sessions and closes them."""
    for session in sessions:
        with client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}):
            pass


def test_joins(page, client, visitor, long):
    """Many joins of one client's: a sentence for it, a place for another, and what takes no model goes on."""
    page.service.loaded = False  # so all of them wait
    room = joins.ROOMS["model"]
    answers = {f"join{number}": join_score(client, page, f"join{number}") for number in range(60 if long else 45)}
    refused = [answer for answer in answers.values() if answer.status_code == 429]
    taken = [session for session, answer in answers.items() if answer.status_code == 200]
    assert len(taken) == room.of_address and len(taken) + len(refused) == len(answers)
    assert {answer.json()["detail"] for answer in refused} == {
        "40 requests from your address wait or run already: let one of them end, and then try again."
    }
    mine = [join_score(visitor, page, "mine") for _ in range(room.of_session + 1)]
    assert [answer.status_code for answer in mine] == [200] * room.of_session + [429]
    check_served(page, visitor)
    leave(page, client, taken)
    leave(page, visitor, ["mine"])
    deadline = time.monotonic() + 15
    while page.blocks._queue.event_ids_to_events:
        assert time.monotonic() < deadline, "work of clients that have left goes on"
        time.sleep(0.1)


def test_light_joins_have_a_bound(page, client, visitor, long, monkeypatch):
    """Reports and deletions of one client's do not fill the room of another's."""
    free, many = threading.Event(), 100 if long else 10
    monkeypatch.setattr(joins, "LIGHT", joins.LIGHT._replace(of_address=many))
    monkeypatch.setattr(page.service, "fit_details", lambda user: free.wait(30) and {})
    bodies = [{"data": ["ada", ""]} for _ in range(many + 20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: client.post("gradio_api/call/fit_details", json=body).status_code, bodies))
    try:
        assert answers.count(200) == many and answers.count(429) == 20
        check_served(page, visitor)
    finally:
        free.set()


def test_sessions(page, client, visitor, long, monkeypatch):
    """Sessions of one client's do not cost another's uploaded file."""
    if not long:
        monkeypatch.setattr(sessions, "SESSIONS_OF_ADDRESS", 20)
        monkeypatch.setattr(sessions, "SESSIONS", 30)
    (file,) = visitor.post("gradio_api/upload", files={"files": ("mine.txt", TEXT)}).json()
    given = {"path": file, "orig_name": "mine.txt", "meta": {"_type": "gradio.FileData"}}
    take = {"fn_index": page.event("take_upload"), "data": [given], "session_hash": "mine"}
    assert visitor.post("gradio_api/run/predict", json=take).status_code == 200
    number = page.events(lambda event: event.name == "_free_buttons")[0]  # of those that ask for nothing

    def open_session(session: int) -> int:
        body = {"fn_index": number, "data": [], "session_hash": f"many{session}"}
        return client.post("gradio_api/run/predict", json=body).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(open_session, range(1100 if long else 50))) == {200}
    held = page.blocks.state_holder.session_data
    assert sum(session.startswith("many") for session in held) <= sessions.SESSIONS_OF_ADDRESS
    assert ("mine.txt", TEXT) in held["mine"].state_data.values()
    check_served(page, visitor)


def list_files() -> list[Path]:
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ".alive"]


@pytest.mark.parametrize("route", ["upload", "component_server"])
def test_uploads_cut_off(page, visitor, long, route):
    """An upload that breaks off in its middle leaves nothing, neither among the uploads nor elsewhere."""
    assert tempfile.gettempdir() == os.environ["GRADIO_TEMP_DIR"] == os.environ["TMPDIR"]
    before = list_files()
    for _ in range(100 if long else 3):
        with open_socket(page) as connection:
            connection.sendall(begin_upload(route))
            time.sleep(0.05 if long else 0.3)
    deadline = time.monotonic() + 5
    while set(list_files()) - set(before):
        assert time.monotonic() < deadline, list_files()
        time.sleep(0.1)
    check_served(page, visitor)


@contextmanager
def open_socket(page):
    port = httpx.URL(page.url).port
    with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0)) as connection:
        yield connection


def begin_upload(route: str) -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + TEXT
    head = f"POST /gradio_api/{route} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    return f"{head}Content-Length: {len(part) + 1000}\r\n\r\n".encode() + part


def test_zips(page, client, visitor, long):
    """Adapters asked for with invented secrets are one file, and no thread."""
    threads = threading.active_count()
    with ThreadPoolExecutor(8) as pool:

        def ask(_) -> str:
            try:
                return call(client, "adapters_zip", "ada", secrets.token_hex(32))["path"]
            except AssertionError as refused:
                return str(refused)

        paths = list(pool.map(ask, range(200 if long else 40)))
        assert threading.active_count() <= threads + 8 + 40  # of this test and of the server's pool
    links = {path for path in paths if path.startswith("adapters/")}
    assert len(links) == min(len(paths), LINKS_OF_ADDRESS)
    assert len(list((Path(os.environ["GRADIO_TEMP_DIR"]) / FOLDER).iterdir())) == 1
    assert visitor.get(call(visitor, "adapters_zip", "ada", "")["path"]).status_code == 200
    check_served(page, visitor)


def test_slow_connections(page, visitor, long):
    """Requests that never end are bounded, and keep nobody else waiting."""
    with ExitStack() as stack:
        for number in range(100 if long else 20):
            connection = stack.enter_context(open_socket(page))
            connection.sendall(begin_upload("upload")[: 40 if number % 2 else 400])
        check_served(page, visitor)


def test_open_streams_have_a_bound(page, client, visitor):
    """More streams than an address may have are answered with a sentence."""
    with ExitStack() as stack:
        ask = b"GET /gradio_api/heartbeat/many HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        for _ in range(OPEN_OF_ADDRESS):
            connection = stack.enter_context(open_socket(page))
            connection.sendall(ask)
            assert connection.recv(12) == b"HTTP/1.1 200"
        answer = client.get("health")
        assert answer.status_code == 429 and "200 are allowed" in answer.json()["detail"]
        check_served(page, visitor)
    deadline = time.monotonic() + 10
    while client.get("health").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


class Work:
    """Something long that looks whether it is wanted. begun, ended: moments."""

    def __init__(self):
        self.begun, self.ended, self.whole = threading.Event(), threading.Event(), False

    def __call__(self, *given):
        self.begun.set()
        try:
            for _ in range(300):
                time.sleep(0.05)
                stop_if_unwanted()
            self.whole = True
        finally:
            self.ended.set()


def test_a_score_ends_with_its_client(page, client, monkeypatch):
    work = Work()
    monkeypatch.setattr(page.service, "score", work)
    event = client.post("gradio_api/call/score", json={"data": ["ada", "Write.", "some words", 0.1, "", ""]}).json()
    with client.stream("GET", f"gradio_api/call/score/{event['event_id']}"):
        assert work.begun.wait(5)
    assert work.ended.wait(1.0) and not work.whole


def test_a_direct_call_ends_with_its_client(page, client, monkeypatch):
    work = Work()
    monkeypatch.setattr(page.service, "likeness", work)
    run = runs.begin(Access(page.service).of(SECRET), "ada")
    (view,) = (number for number, block in page.blocks.blocks.items() if block.elem_id == "score-view")
    asked = {"data": [run, {"a": "words"}], "component_id": view, "session_hash": "leaves", "fn_name": "likeness"}
    with pytest.raises(httpx.ReadTimeout):
        client.post("gradio_api/component_server", json=asked, timeout=1.0)
    assert work.begun.is_set() and work.ended.wait(1.0) and not work.whole
