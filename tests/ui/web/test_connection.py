"""Slow clients, many of them, and requests that end in two ways: raw bytes to the real server."""

import json
import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from cope_demo.ui.web import connection
from cope_demo.ui.web.framing import AMBIGUOUS
from cope_demo.ui.web.shield import MAX_BODY
from tests.running import run_page
from tests.scripted import Service


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The page of the scripted service, running."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("connection")
        patch.setenv("COPE_DATA", str(root / "var"))
        patch.setenv("GRADIO_TEMP_DIR", str(root / "uploads"))
        with run_page(Service(root)) as page:
            yield page.url


@pytest.fixture
def short(monkeypatch):
    """Limits of a second instead of minutes."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "READ_SECONDS"):
        monkeypatch.setattr(connection, name, 1.0)
    monkeypatch.setattr(connection, "WATCH_SECONDS", 0.2)


def connect(url: str, data: bytes = b"") -> socket.socket:
    place = urlsplit(url)
    client = socket.create_connection((place.hostname, place.port), timeout=10)
    client.sendall(data)
    return client


def read_all(client: socket.socket) -> bytes:
    """Everything until the server ends the connection. Raises TimeoutError when it does not within 10 seconds."""
    answer = b""
    try:
        while part := client.recv(65536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


HEAD = b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"


@pytest.mark.parametrize(
    "sent, drop",
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost:", b"x"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET / HT", b""),
        (HEAD + b"Content-Length: 1000\r\n\r\n--b\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n--b\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["nothing", "head", "second head", "body", "chunks"],
)
def test_a_request_must_arrive_in_time_however_little_comes_on(url, short, sent, drop):
    start = time.monotonic()
    with connect(url, sent) as client:
        client.settimeout(0.3)
        answer = b""
        while time.monotonic() - start < 8:
            try:
                part = client.recv(65536)
            except TimeoutError:
                client.sendall(drop)
                continue
            except ConnectionResetError:
                break
            if not part:
                break
            answer += part
    assert 0.9 < time.monotonic() - start < 5
    refused = answer.rpartition(b"HTTP/1.1 408")[2]
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["detail"] == connection.TOO_SLOW


def test_a_body_that_nobody_reads_is_not_waited_for(url, short):
    start = time.monotonic()
    with connect(url, b"POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n") as client:
        assert read_all(client).startswith(b"HTTP/1.1 404")
    assert time.monotonic() - start < 5


def test_an_answer_that_nobody_reads_is_dropped(url, short):
    """Requests one behind the other whose answers fill every buffer on the way."""
    with connect(url) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(1)
        start = time.monotonic()
        with pytest.raises((ConnectionError, TimeoutError)):
            while time.monotonic() - start < 8:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        client.settimeout(10)
        time.sleep(3)
        read_all(client)  # comes to an end, as the server has closed


def test_a_slow_but_steady_reader_is_served(url, short):
    size = len(httpx.get(url).content)
    with connect(url, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") as client:
        answer = b""
        while part := client.recv(max(1, size // 12)):
            answer += part
            time.sleep(0.2)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(body) in head


def test_slow_connections_of_one_client_keep_nobody_else_out(url, monkeypatch):
    monkeypatch.setattr(connection, "UNFINISHED", 40)
    with ExitStack() as stack:
        many = [stack.enter_context(connect(url, HEAD[: 20 + n % 50])) for n in range(100)]
        start = time.monotonic()
        assert httpx.get(url).status_code == 200 and httpx.get(f"{url}health").status_code == 200
        assert time.monotonic() - start < 2
        open_yet = 0
        for client in many:
            client.settimeout(0.01)
            try:
                open_yet += bool(client.recv(1))
            except TimeoutError:
                open_yet += 1
            except ConnectionResetError:
                pass
        assert 30 <= open_yet <= 40  # the oldest have gone


INNER = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n" + INNER,
        POST + b"Content-Length: %d\r\n" % len(INNER) + CHUNKED + b"\r\n0\r\n\r\n" + INNER,
        POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(INNER) + INNER,
        POST + b"Content-Length: +0\r\n\r\n" + INNER,
        POST + b"Content-Length : 0\r\n\r\n" + INNER,
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + INNER,
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + INNER,
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + INNER,
        POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n" + INNER,
        POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n" + INNER,
        POST + CHUNKED + b"\r\n-1\r\n\r\n0\r\n\r\n" + INNER,
        POST + CHUNKED + b"\r\n1\r\nxx0\r\n\r\n" + INNER,
        POST + CHUNKED + b"\r\n" + b"f" * 21 + b"\r\n" + INNER,
    ],
)
def test_a_request_that_ends_in_two_ways_hides_no_second_one(url, request_):
    with connect(url, request_) as client:
        answer = read_all(client)
    assert answer.count(b"HTTP/1.1 ") == 1 and b"alive" not in answer
    assert answer.split()[1] in (b"400", b"501")


def test_both_lengths_are_answered_with_a_sentence(url):
    with connect(url, POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n") as client:
        head, _, body = read_all(client).partition(b"\r\n\r\n")
    assert json.loads(body)["detail"] == AMBIGUOUS and b"frame-ancestors" in head


def test_chunks_count_for_the_size_of_a_request(url):
    chunk = b"%x\r\n%s\r\n" % (500_000, bytes(500_000))
    with connect(url, POST + CHUNKED + b"\r\n") as client:
        sent = 0
        with pytest.raises(OSError):
            while sent < 4 * MAX_BODY:
                client.sendall(chunk)
                sent += 500_000
            client.recv(1_000_000) and client.sendall(chunk)
            raise ConnectionError
    assert sent < 4 * MAX_BODY


def test_no_websocket_is_opened(url):
    head = b"GET /gradio_api/queue/join HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
    with connect(
        url, head + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ) as client:
        assert b" 101 " not in read_all(client).partition(b"\r\n")[0]
