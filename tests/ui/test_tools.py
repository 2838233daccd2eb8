"""What a language model finds here when it asks for tools, by the protocol's own client, and what it cannot do."""

import asyncio
import json

import httpx
import pytest

from cope_demo.ui import tools
from tests.running import run_page
from tests.scripted import SECRET, Service, publish

pytest.importorskip("mcp", reason="The package mcp is not here; make setup installs it.")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a scripted service, with a visitor's own user `mine`."""
    root = tmp_path_factory.mktemp("tools")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPE_DATA", str(root / "var"))
        service = Service(root)
        publish(service.store, root / "fit", "mine", "Nan")
        with run_page(service) as page:
            yield page


def ask(page, work):
    """What `work` returns, given a session of the protocol with the server."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def run():
        async with streamablehttp_client(f"{page.url}gradio_api/mcp/") as (read, write, _):
            async with ClientSession(read, write) as session:
                await session.initialize()
                return await work(session)

    return asyncio.run(run())


def call(page, name: str, **arguments):
    """A tool's answer: what it returns, or the text of its refusal."""
    answer = ask(page, lambda session: session.call_tool(name, arguments))
    text = answer.content[0].text
    return text if answer.isError else json.loads(text)


def test_the_tools_are_these_and_say_what_they_take(page):
    found = {tool.name: tool for tool in ask(page, lambda session: session.list_tools()).tools}
    assert set(found) == {"users", "compare", "score"}
    properties = {name: tool.inputSchema["properties"] for name, tool in found.items()}
    assert {name: set(values) for name, values in properties.items()} == {
        "users": set(),
        "compare": {"user", "prompt", "alpha", "max_new_tokens"},
        "score": {"user", "prompt", "text"},
    }
    assert all(value["description"] for values in properties.values() for value in values.values())
    assert all(len(tool.description) > 80 for tool in found.values())


def test_a_model_compares_and_scores_a_sample_user(page, monkeypatch):
    asked, scripted = [], Service.compare
    monkeypatch.setattr(Service, "compare", lambda *given, **more: asked.append(given[3]) or scripted(*given, **more))
    (ada,) = call(page, "users")
    assert ada["id"] == "ada" and ada["prompts"]
    said = call(page, "compare", user="ada", prompt="Write a post about seams.", alpha=0.3)
    assert [column["method"] for column in said["columns"]] == ["greedy", "oppu", "cope"] and said["alpha"] == 0.3
    assert asked[0].repetition_penalty == 1.1  # her task's, as on the page
    assert said["columns"][2]["text"] == " stitch in time"
    assert said["columns"][2]["most_personal"][0] == {"token": " stitch", "nats": 2.5}
    said = call(page, "score", user="ada", prompt="", text="SEAMS are everywhere")
    assert said["tokens"][0] == {"token": "SEAMS", "nats": 2.0} and said["mean"] < 2


def test_nothing_of_anybody_s_is_reached(page):
    assert "There is no user 'mine'" in call(page, "compare", user="mine", prompt="Write.")
    assert "There is no user 'mine'" in call(page, "score", user="mine", prompt="Write.", text="A seam.")
    for name in ("delete_my_data", "fit", "tool_users", "open_adapters"):
        assert "Unknown tool" in call(page, name, secret=SECRET)
    assert page.service.store.open("mine")


def test_what_will_not_do_is_a_sentence(page):
    assert "There is no prompt yet" in call(page, "compare", user="ada", prompt=" ")
    assert "alpha must be a number from 0 to 2" in call(page, "compare", user="ada", prompt="Write.", alpha=9)


def test_the_other_routes_of_the_protocol_are_closed(page):
    assert httpx.get(f"{page.url}gradio_api/mcp/").status_code == 405
    for path in ("sse", "schema", "messages/", "http/"):
        assert httpx.get(f"{page.url}gradio_api/mcp/{path}").status_code == 404
    foreign = httpx.post(f"{page.url}gradio_api/mcp/", json={}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    large = httpx.post(f"{page.url}gradio_api/mcp/", content=b" " * 6_000_000)
    assert large.status_code == 413


def test_without_the_package_there_are_none(monkeypatch):
    monkeypatch.setattr(tools, "find_spec", lambda name: None)
    monkeypatch.setattr(tools.gr, "api", None)
    tools.add_tools(None)
