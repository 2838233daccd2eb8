"""Whom the server believes when a request says for whom it comes."""

import httpx
import pytest

from cope_demo.errors import CopeError
from cope_demo.ui.web.proxies import Proxies
from cope_demo.visitors.limits import RATES, Rate
from tests.running import run_page

CHAIN = "1.1.1.1, 2.2.2.2"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv("COPE_PROXY", raising=False)


def test_nobody_is_believed_unless_named():
    for peer in ("127.0.0.1", "::1", "10.0.0.1", "", "testclient"):
        assert Proxies.read().find_client(peer, CHAIN) == peer


def test_a_named_proxy_is_believed(monkeypatch):
    monkeypatch.setenv("COPE_PROXY", "127.0.0.1, 10.0.0.0/8,2001:db8::/32")
    proxies = Proxies.read()
    for peer in ("127.0.0.1", "10.9.9.9", "::ffff:127.0.0.1", "2001:db8::5"):
        assert proxies.find_client(peer, CHAIN) == "2.2.2.2" and proxies.find_client(peer, "") == peer
    assert proxies.find_client("127.0.0.2", CHAIN) == "127.0.0.2"
    assert proxies.find_client("10.0.0.1", f"{CHAIN}, 10.0.0.2,127.0.0.1") == "2.2.2.2"  # proxies in a row
    for nonsense in ("unknown", "1.1.1.1, <b>", "_hidden", ", ,"):
        assert proxies.find_client("10.0.0.1", nonsense) == "10.0.0.1"
    assert proxies.find_client("10.0.0.1", "nonsense, 10.0.0.2") == "10.0.0.2"


def test_a_space_s_proxy_is_believed(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "a/b")
    assert Proxies.read().find_client("10.0.0.1", CHAIN) == "2.2.2.2"
    assert Proxies.read().find_client("10.0.0.1", "") == "10.0.0.1"


def test_what_is_no_address_is_refused_at_start(monkeypatch):
    for bad in ("*", "yes", "10.0.0.0/99", "proxy.example"):
        monkeypatch.setenv("COPE_PROXY", bad)
        with pytest.raises(CopeError, match="COPE_PROXY must be addresses or networks"):
            Proxies.read()


def upload(url: str, number: int) -> int:
    headers = {"x-forwarded-for": f"9.9.9.{number}", "forwarded": f"for=9.9.9.{number}", "x-real-ip": f"9.9.9.{number}"}
    return httpx.post(f"{url}gradio_api/upload", files={"files": ("a.txt", b"x")}, headers=headers).status_code


@pytest.mark.parametrize("proxy", ["", "127.0.0.1"])
def test_an_invented_address_passes_no_limit(service, monkeypatch, proxy):
    """From this machine, too, whose X-Forwarded-For uvicorn believes unless it is told not to."""
    monkeypatch.setenv("COPE_PROXY", proxy)
    monkeypatch.setitem(RATES, "upload", Rate(2, 60.0))
    monkeypatch.setattr("cope_demo.visitors.limits.ADDRESS_FACTOR", 2)
    with run_page(service) as page:
        assert {upload(page.url, number) for number in range(9)} == ({200} if proxy else {200, 429})
        forged = {
            "x-forwarded-host": "elsewhere.example",
            "x-forwarded-proto": "https",
            "x-gradio-server": "http://x.y",
        }
        root = httpx.get(f"{page.url}config", headers=forged).json()["root"]
        assert root == ("https://elsewhere.example" if proxy else page.url.rstrip("/"))
