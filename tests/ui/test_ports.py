"""Where the page is served when ports are taken: before the start, and in the moment of it."""

import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import httpx
import pytest
from gradio import http_server

from cope_demo import paths
from cope_demo.errors import CopeError
from cope_demo.ui import ports
from cope_demo.ui.page import build
from cope_demo.ui.server import launch
from tests.free_port import find_free_port

OTHER = "127.0.0.2"
"""Another address of this machine, which Gradio's own look at a port does not see."""


@pytest.fixture
def taken():
    """A port of OTHER that somebody listens on; the next one is likely free."""
    with socket.create_server((OTHER, 0)) as server:
        yield server.getsockname()[1]


def test_which_ports_are_tried(monkeypatch):
    monkeypatch.delenv(ports.VARIABLE, raising=False)
    assert ports.choose_ports() == range(7860, 7960) and list(ports.choose_ports(80)) == [80]
    monkeypatch.setenv(ports.VARIABLE, "8001")
    assert list(ports.choose_ports()) == [8001] and list(ports.choose_ports(80)) == [80]
    for named in ("0", "-1", "65536"):
        monkeypatch.setenv(ports.VARIABLE, named)
        with pytest.raises(CopeError, match="is no port: name one from 1 to 65535, with --port or GRADIO_SERVER_PORT"):
            ports.choose_ports()


def test_the_first_free_port_is_taken(taken):
    assert not ports.is_free(OTHER, taken) and ports.is_free("127.0.0.1", taken)
    assert not ports.is_free("0.0.0.0", taken)
    assert ports.launch_on_port(str, OTHER, range(taken, taken + 50)) != str(taken)
    with pytest.raises(CopeError, match=f"Port {taken} is taken: end a program that listens there, or name a free one"):
        ports.launch_on_port(str, OTHER, range(taken, taken + 1))
    with socket.create_server((OTHER, 0)) as second:
        both = sorted((taken, second.getsockname()[1]))
        with pytest.raises(CopeError, match=f"The ports {both[0]} to {both[1]} are all taken"):
            ports.launch_on_port(str, OTHER, range(both[0], both[1] + 1, both[1] - both[0]))


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a" * 70, ""])
def test_an_address_that_is_not_this_machine_s(host):
    with pytest.raises(CopeError, match="is no address of this machine"):
        ports.launch_on_port(str, host, range(7860, 7960))


def test_what_is_not_the_port_s_fault_is_not_tried_again():
    tried = []

    def fail(port: int) -> None:
        tried.append(port)
        raise OSError("no memory")

    with pytest.raises(OSError, match="no memory"):
        ports.launch_on_port(fail, "127.0.0.1", range(find_free_port(), 2**16))
    assert len(tried) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the first server's thread
def test_a_port_that_is_taken_in_the_moment_of_start(service, taken, monkeypatch):
    """The next one serves the page and the tools, whose server a first app has started in vain."""
    answers = iter([True])
    look = ports.is_free
    monkeypatch.setattr(ports, "is_free", lambda host, port: next(answers, None) or look(host, port))
    # Gradio waits five seconds for a server: here two.
    monkeypatch.setattr(http_server, "time", SimpleNamespace(sleep=time.sleep, time=lambda: time.time() * 2.5))
    with build(service) as blocks:
        try:
            url = launch(blocks, service, OTHER, range(taken, taken + 50))
            assert url != f"http://{OTHER}:{taken}/" and httpx.get(url).status_code == 200
            asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            headers = {"accept": "application/json, text/event-stream"}
            assert "compare" in httpx.post(f"{url}gradio_api/mcp/", json=asked, headers=headers).text
        finally:
            blocks.close()


def test_a_named_port_that_is_taken_is_one_sentence(tmp_path, monkeypatch):
    """app.py says it and ends; nothing that it has started is left."""
    monkeypatch.setenv("COPE_DATA", str(tmp_path))
    monkeypatch.setenv("COPE_WORKERS", "0")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv(ports.VARIABLE, str(server.getsockname()[1]))
        ended = subprocess.run([sys.executable, "app.py"], cwd=paths.ROOT, timeout=60, capture_output=True, text=True)
    assert ended.returncode == 1 and ended.stderr.splitlines()[-1].startswith("app.py: Port ")
    assert "is taken" in ended.stderr and "Traceback" not in ended.stderr
