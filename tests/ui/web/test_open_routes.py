"""The routes that are open, on the real server: a name for each of them, and nothing else of what Gradio has."""

import re
from itertools import chain

import httpx
import pytest

from cope_demo.ui.web import login, open_routes
from cope_demo.ui.web.open_routes import find_missing, list_open
from tests.running import run_page
from tests.scripted import Service

client = httpx.Client(timeout=20)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of the scripted service, running."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(tmp_path_factory.mktemp("routes") / "var"))
        with run_page(Service(tmp_path_factory.mktemp("service"))) as page:
            yield page


def list_all(routes, prefix="") -> set[tuple[str, str]]:
    """Every method and path of a table, with those of the routers that are included in it."""
    found = set()
    for route in routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if hasattr(route, "methods"):
            found |= {(method, prefix + route.path) for method in route.methods}
        elif hasattr(inner, "routes"):
            found |= list_all(inner.routes, prefix + getattr(route, "path", ""))
    return found


def answer(page, method: str, path: str) -> int:
    """The status of an answer, without waiting for its body, which may never end."""
    filled = re.sub(r"{\w+(:path)?}", "x", path).lstrip("/")
    with client.stream(method, page.url + filled) as response:
        return response.status_code


def test_what_is_open():
    gradio = "/gradio_api/"
    assert list_open()["POST"] == (
        *(f"{gradio}queue/join", f"{gradio}call/{{api_name}}", f"{gradio}call/v2/{{api_name}}"),
        *(f"{gradio}run/{{api_name}}", f"{gradio}cancel", f"{gradio}reset", f"{gradio}upload"),
        *(f"{gradio}component_server", f"{gradio}component_server/", f"{gradio}mcp/"),
    )
    read = {path for path in list_open()["GET"] if path.startswith(gradio)}
    assert {path.removeprefix(gradio) for path in read} == {
        *("info", "app_id", "startup-events", "heartbeat/{session_hash}", "queue/data", "upload_progress"),
        *("call/{api_name}/{event_id}", "call/v2/{api_name}/{event_id}"),
        *("custom_component/{id}/{environment}/{type}/{file_name}", "mcp/"),
    }
    assert set(list_open()["GET"]) - read == {
        *("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json"),
        *("/static/{path:path}", "/assets/{path:path}", "/svelte/{path:path}"),
        *("/health", "/ready", "/adapters/{token}", "/docs/{name}", "/docs/images/{name}"),
    }
    assert list_open()["HEAD"] == list_open()["GET"] and set(list_open()) == {"GET", "HEAD", "POST"}


def test_without_the_package_for_tools_their_route_is_closed(monkeypatch):
    monkeypatch.setattr(open_routes, "find_spec", lambda name: None)
    assert not [path for paths in list_open().values() for path in paths if "mcp" in path]


def test_every_open_route_is_there(page, monkeypatch):
    assert find_missing(page.blocks.app) == []
    monkeypatch.setattr(open_routes, "WRITE", ("/gradio_api/of_another_version",))
    assert find_missing(page.blocks.app) == ["POST /gradio_api/of_another_version"]


def test_every_other_route_of_gradio_s_is_closed(page):
    closed = list_all(page.blocks.app.router.routes) - {
        (method, path) for method, paths in list_open().items() for path in paths
    }
    known = ("dev/reload", "openapi.json", "queue/status", "token", "user", "api/{api_name}", "vibe-code", "deep_link")
    assert len(closed) > 50 and all(any(path.endswith(name) for _, path in closed) for name in known)
    codes = {route: answer(page, *route) for route in closed}
    assert {route: code for route, code in codes.items() if code != 404} == {}


def test_paths_that_only_look_open_are_closed(page):
    for path in ("/config/x", "//config", "/gradio_api/info/x", "/gradio_api/call/users/x/y", "/gradio_api/run/a/b"):
        assert answer(page, "GET", f".{path}" if path.startswith("//") else path) == 404
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert answer(page, method, "/config") == 404
        assert answer(page, method, "/gradio_api/upload") == 404


def test_what_waits_in_the_queue_is_not_had_past_it(page):
    names = [event.api_name for event in page.blocks.fns.values() if event.queue]
    assert {"users", "compare", "score", "delete_my_data"} <= set(names)
    for number, event in page.blocks.fns.items():
        for asked in ({}, {"fn_index": number}):
            if event.queue:
                body = {"data": [""] * 5, **asked}
                url = f"{page.url}gradio_api/run/{'predict' if asked else event.api_name}"
                assert client.post(url, json=body).status_code == 404


def test_the_routes_of_the_login_are_open_where_there_is_one(monkeypatch):
    assert not set(chain(*list_open().values())) & set(open_routes.LOGIN)
    monkeypatch.setattr(login, "find_spec", lambda name: name)
    for name in login.SETTINGS:
        monkeypatch.setenv(name, "x")
    assert set(list_open()["GET"]) >= set(open_routes.LOGIN) and not set(list_open()["POST"]) & set(open_routes.LOGIN)
