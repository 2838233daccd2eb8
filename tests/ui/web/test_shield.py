"""What stands before every request: sizes, closed routes, headers; on the real server with a scripted service."""

import json
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from cope_demo.ui.web.shield import FRAMES, MAX_BODY, TOO_LARGE
from cope_demo.visitors.limits import RATES, Rate
from tests.running import run_page
from tests.scripted import Service


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    """Where the page keeps uploads."""
    return tmp_path_factory.mktemp("shield") / "uploads"


@pytest.fixture(scope="module")
def url(uploads):
    """The page of the scripted service, running, with its uploads in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads))
        patch.setenv("COPE_DATA", str(uploads.parent / "var"))
        with run_page(Service(uploads.parent)) as page:
            yield page.url


def test_every_answer_has_the_headers(url):
    for path in ("", "gradio_api/info", "gradio_api/deep_link?session_hash=x", "theme.css", "none", "health"):
        answer = httpx.get(url + path)
        policy = answer.headers["content-security-policy"]
        assert f"frame-ancestors {FRAMES}" in policy and "default-src 'self'" in policy
        assert "object-src 'none'" in policy and "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (
            answer.headers["referrer-policy"] == "same-origin" and "camera=()" in answer.headers["permissions-policy"]
        )
        assert "x-frame-options" not in answer.headers  # it would keep a Space from showing the page


def test_the_page_s_own_scripts_carry_a_nonce_that_is_never_the_same(url):
    nonces = set()
    for _ in range(2):
        answer = httpx.get(url)
        (nonce,) = re.findall(r"'nonce-([\w-]{20,})'", answer.headers["content-security-policy"])
        assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce}"') > 1
        nonces.add(nonce)
    assert len(nonces) == 2
    assert "nonce" not in httpx.get(f"{url}gradio_api/info").headers["content-security-policy"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "TRACE"])
def test_every_kind_of_answer_says_who_may_frame_it(url, method):
    """Also those that Gradio, its routes or a limit make by themselves, and the answer to a body that is no JSON."""
    paths = "", "?view=api", "config", "none", "%ff", "health", "ready", "favicon.ico", "static/img/logo.svg"
    routes = (
        "info",
        "queue/join",
        "upload",
        "component_server",
        "deep_link",
        "startup-events",
        "queue/data?session_hash=x",
    )
    codes = set()
    for path in (*paths, *(f"gradio_api/{route}" for route in routes)):
        body = {"content": b"\xff{", "headers": {"content-type": "application/json"}} if method == "POST" else {}
        with httpx.stream(method, url + path, **body) as answer:
            codes.add(answer.status_code)
            assert f"frame-ancestors {FRAMES}" in answer.headers["content-security-policy"], (path, answer.status_code)
    assert codes & {404, 405}


def test_what_a_visitor_is_told_is_not_cached(url):
    assert httpx.get(f"{url}gradio_api/info").headers["cache-control"] == "no-store"
    assert httpx.get(f"{url}gradio_api/queue/status").headers["cache-control"] == "no-store"


def test_routes_that_store_or_serve_are_closed(url, uploads, tmp_path):
    secret = tmp_path / "texts.txt"
    secret.write_text("words")
    answer = httpx.post(f"{url}gradio_api/upload", files={"files": ("texts.txt", b"words of mine")})
    (path,) = answer.json()
    assert Path(path).read_bytes() == b"words of mine" and uploads in Path(path).parents
    for route in ("gradio_api/file=", "gradio_api/file/", "file="):
        for file in (path, secret, "/etc/passwd", "cope_demo/config.py"):
            assert httpx.get(f"{url}{route}{file}").status_code == 404
    for route in ("deep_link?session_hash=x", "proxy=http://127.0.0.1", "runs", "run-history/records", "vibe-code"):
        assert httpx.get(f"{url}gradio_api/{route}").status_code == 404
    assert httpx.get(f"{url}monitoring").status_code == 404
    assert not list(uploads.glob("deep_links"))


def test_a_large_body_is_refused_before_it_is_read(url):
    """Only the head is sent: an answer can come no other way than without the body."""
    place = urlsplit(url)
    for route in ("upload", "queue/join", "call/fit", "call/v2/fit", "component_server"):
        head = f"POST /gradio_api/{route} HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n"
        with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
            connection.sendall(head.encode())
            answer = b""
            while part := connection.recv(65536):  # until the server closes
                answer += part
        assert answer.startswith(b"HTTP/1.1 413") and answer.endswith(json.dumps({"detail": TOO_LARGE}).encode())


def test_a_large_body_without_a_length_is_cut_off(url):
    sent = 0

    def flood():
        nonlocal sent
        while sent < 50_000_000:
            sent += 100_000
            yield bytes(100_000)

    try:
        answer = httpx.post(f"{url}gradio_api/queue/join", content=flood(), timeout=10)
        assert answer.status_code == 413 and answer.json()["detail"] == TOO_LARGE
    except (httpx.WriteError, httpx.RemoteProtocolError):
        pass  # the server has closed the connection while we were still sending
    assert sent < 20_000_000


def test_a_file_of_the_largest_size_comes_through_and_a_larger_one_does_not(url):
    assert httpx.post(f"{url}gradio_api/upload", files={"files": ("a.txt", b"x" * 4_900_000)}).status_code == 200
    answer = httpx.post(f"{url}gradio_api/upload", files={"files": ("a.txt", b"x" * 5_600_000)})
    assert answer.status_code == 413


def test_too_many_uploads_are_refused(url, monkeypatch):
    monkeypatch.setitem(RATES, "upload", Rate(3, 60.0))
    answers = [httpx.post(f"{url}gradio_api/upload", files={"files": ("a.txt", b"x")}) for _ in range(5)]
    assert answers[-1].status_code == 429 and "a lot in a short time" in answers[-1].json()["detail"]
