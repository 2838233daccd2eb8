"""What a page of another site can do with a visitor's browser: nothing."""

import httpx
import pytest

from cope_demo.ui.web.origins import FOREIGN, is_own
from tests.accounts import run_page_with_accounts
from tests.scripted import Service

EVIL = "https://elsewhere.example"
CHANGING = (
    *("queue/join", "call/users", "call/v2/users", "run/predict", "cancel", "reset", "upload"),
    *("component_server", "component_server/"),
)
client = httpx.Client()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The page with a login, running."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(tmp_path_factory.mktemp("origins") / "var"))
        with run_page_with_accounts(Service(tmp_path_factory.mktemp("service"))) as page:
            yield page.url


@pytest.mark.parametrize(
    "origin, scheme, hosts, own",
    [
        ("http://127.0.0.1:7860", "http", ["127.0.0.1:7860"], True),
        ("http://LOCALHOST:7860", "http", ["localhost:7860"], True),
        ("https://a-b.hf.space", "https", ["a-b.hf.space"], True),
        ("https://a-b.hf.space", "http", ["a-b.hf.space"], True),  # a proxy that does not say that it was https
        ("https://a-b.hf.space", "https", ["10.0.0.1:7860", "x.example", "a-b.hf.space"], True),
        ("https://demo.example", "https", ["demo.example:443"], True),
        ("https://demo.example:8443", "https", ["demo.example:8443"], True),
        ("http://[::1]:7860", "http", ["[::1]:7860"], True),
        ("http://a-b.hf.space", "https", ["a-b.hf.space"], False),
        ("http://127.0.0.1:7861", "http", ["127.0.0.1:7860"], False),
        ("http://localhost:7860", "http", ["127.0.0.1:7860"], False),
        ("https://demo.example:8443", "https", ["demo.example"], False),
        ("https://other.hf.space", "https", ["a-b.hf.space"], False),
        ("https://huggingface.co", "https", ["a-b.hf.space"], False),
        ("https://a-b.hf.space.elsewhere.example", "https", ["a-b.hf.space"], False),
        ("https://elsewhere.example/a-b.hf.space", "https", ["a-b.hf.space"], False),
        ("https://me@a-b.hf.space", "https", ["a-b.hf.space"], False),
        ("ftp://a-b.hf.space", "https", ["a-b.hf.space"], False),
        ("null", "http", ["null", ""], False),
        ("", "http", [""], False),
        ("http://", "http", [""], False),
        ("http://[::1", "http", ["[::1"], False),
    ],
)
def test_whose_origin_it_is(origin, scheme, hosts, own):
    assert is_own(origin, scheme, hosts) is own


def list_statuses(url: str, headers) -> list[int]:
    """How all that changes something is answered."""
    body = {"data": [""], "session_hash": "x", "fn_index": 0, "event_id": "x"}
    bodies = {path: {} if "v2" in path else body for path in CHANGING}
    return [client.post(f"{url}gradio_api/{path}", json=bodies[path], headers=headers).status_code for path in CHANGING]


def test_a_foreign_page_changes_nothing(url):
    for headers in (
        {"origin": EVIL},
        {"origin": "null"},
        {"origin": EVIL, "sec-fetch-site": "same-origin"},
        {"origin": f"{url}x"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": EVIL, "host": "127.0.0.1"},
        [("origin", url.rstrip("/")), ("origin", EVIL)],
    ):
        assert set(list_statuses(url, headers)) == {403}, headers
    answer = client.post(f"{url}gradio_api/reset", json={}, headers={"origin": EVIL})
    assert answer.json() == {"detail": FOREIGN} and answer.headers["x-content-type-options"] == "nosniff"


def test_the_app_s_own_page_and_programs_are_answered(url):
    for headers in ({}, {"origin": url.rstrip("/")}, {"origin": url.rstrip("/"), "sec-fetch-site": "same-origin"}):
        assert 403 not in list_statuses(url, headers)
    space = {"host": "a-b.hf.space", "origin": "https://a-b.hf.space"}
    assert 403 not in list_statuses(url, space)


def test_a_space_is_known_by_all_its_names(url, monkeypatch):
    headers = {"host": "10.1.2.3:7860", "origin": "https://demo.example"}
    assert set(list_statuses(url, headers)) == {403}
    monkeypatch.setenv("SPACE_HOST", "a-b.hf.space, demo.example")
    assert 403 not in list_statuses(url, headers)


def test_no_answer_allows_an_origin(url):
    for host in ({}, {"host": "a-b.hf.space"}):
        for origin in (EVIL, "null", url.rstrip("/"), "https://a-b.hf.space"):
            headers = {"origin": origin, "access-control-request-method": "POST", **host}
            for method, path in (
                *(("GET", ""), ("GET", "config"), ("GET", "gradio_api/info"), ("GET", "none"), ("GET", "health")),
                *(("HEAD", ""), ("OPTIONS", "gradio_api/queue/join"), ("POST", "gradio_api/queue/join")),
            ):
                answer = client.request(method, url + path, headers=headers)
                assert not [name for name in answer.headers if name.startswith("access-control-")], (method, path)
                assert method != "OPTIONS" or answer.status_code == 404


def test_a_cookie_counts_only_with_the_app_s_own_page(url):
    def known(headers, path="logout") -> bool:
        return client.get(url + path, headers={"cookie": "session=6123", **headers}).json()["known"]

    own = {"sec-fetch-site": "same-origin"}
    assert known(own) and known({"origin": url.rstrip("/")})
    for site in ("cross-site", "same-site", "none"):
        assert not known({"sec-fetch-site": site}) and not known({"sec-fetch-site": site, "origin": EVIL})
    assert not known({}) and not known({**own, "origin": EVIL})
    # Logging in leads over the platform's own pages, and a session must come through that.
    assert known({"sec-fetch-site": "cross-site"}, "login/callback") and known({}, "login/huggingface")
