"""Tools for language models, by the Model Context Protocol: the sample users, compared and scored, and nothing else.

Gradio would offer every endpoint (6.31), those that fit and delete among them. Here only these functions are tools.
They take no secret, so none of them gets at what is somebody's own. Their docstrings are written for a model.
"""

import json
from importlib.util import find_spec

import gradio as gr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import COLUMNS, METHODS
from cope_demo.decode.trace import Column
from cope_demo.visitors.owners import Access, OwnService

from . import streams
from .settings import check_settings, choose_task
from .web.guard import endpoint
from .web.open_routes import MCP

PREFIX = "tool_"
"""What the tools' endpoints begin with, beside those of api.py of the same name."""
SHOWN = 8
"""Tokens of a column that are named as the most personal ones."""
NO_STREAM = "This address is for programs that speak the Model Context Protocol: they send their requests by POST.\n"


def offers_tools() -> bool:
    """Whether the package that speaks the protocol is here (gradio[mcp])."""
    return find_spec("mcp") is not None


def users(service: OwnService) -> str:
    """Lists the sample users whose writing style can be compared and scored: fictional people, each with adapters.

    Returns:
        For each: id (what the other tools take), name, occupation, about, task, and prompts that suit them.
    """
    samples = service.store.samples()
    fields = ("id", "name", "occupation", "about", "task", "prompts")
    return _write([{name: getattr(card, name) for name in fields} for card in samples])


def compare(
    service: OwnService, user: str, prompt: str, alpha: float = DecodeConfig.alpha, max_new_tokens: int = 60
) -> str:
    """Writes the answer to a prompt three times: greedily, by the user's own model (OPPU), and by CoPe, which
    prefers the words that this user's model likes more than the base model does. Takes a few seconds.

    Args:
        user: the id of a sample user, from the tool users.
        prompt: what to write, such as "Write a post about rain."; for other tasks than free writing, its input.
        alpha: how strongly the base model is subtracted, from 0 (not at all) to 1.5; 0.1 is usual.
        max_new_tokens: the length at most, from 10 to 300.

    Returns:
        For each column its method, label and text, and the tokens that were most personal, each with the difference
        log p(user's model) - log p(base model) in nats.
    """
    penalty = choose_task(service.store.open(user).task).repetition_penalty
    rest = {"tau": DecodeConfig.tau, "repetition_penalty": penalty, "temperature": 0.0}
    whole = {"max_new_tokens": max_new_tokens, "seed": DecodeConfig.seed}
    prompt, config = check_settings(prompt, alpha=alpha, **rest, **whole)
    for _ in streams.wait_for_model(service):
        pass
    *_, trace = service.compare(user, prompt, config, COLUMNS)
    columns = [
        {"method": c.method, "label": METHODS[c.method].label, "text": c.text, "most_personal": _pick_personal(c)}
        for c in trace.columns
    ]
    return _write({"user": user, "prompt": prompt, "alpha": config.alpha, "columns": columns})


def score(service: OwnService, user: str, prompt: str, text: str) -> str:
    """Says how much a text sounds like a sample user: token by token, how much more likely the user's model finds
    it than the base model does.

    Args:
        user: the id of a sample user, from the tool users.
        prompt: what the text answers; it may be empty for free writing.
        text: the text to score.

    Returns:
        mean: nats a token, above 0 where the text is more likely for the user's model than for base; and the
        tokens in their order, each with its own difference.
    """
    for _ in streams.wait_for_model(service):
        pass
    trace = service.score(user, prompt, text, DecodeConfig.alpha)
    tokens = [{"token": t.text, "nats": _differ(t)} for t in trace.columns[0].tokens]
    mean = sum(token["nats"] for token in tokens) / max(1, len(tokens))
    return _write({"user": user, "prompt": trace.prompt, "mean": round(mean, 3), "tokens": tokens})


TOOLS = (users, compare, score)


def add_tools(access: Access) -> None:
    """Adds the tools to the Blocks that is being built, and keeps Gradio from making any other."""
    if not offers_tools():
        return
    from gradio.mcp import GradioMCPServer

    public = endpoint(access, anonymous=True)
    for tool in TOOLS:
        # Past the queue, so that a call counts for whoever made it, and not for this server.
        options = {"queue": False, "api_visibility": "undocumented"}
        gr.api(public(tool), api_name=PREFIX + tool.__name__, **options)
    GradioMCPServer.get_tool_to_endpoint = _list_tools


def _list_tools(server) -> dict[str, str]:
    """In the place of Gradio's own list: a tool's name -> its endpoint."""
    server.api_info = server.blocks.get_api_info(all_endpoints=True)
    names = [name for name in server.api_info["named_endpoints"] if name.startswith(f"/{PREFIX}")]
    return {server.tool_prefix + name.removeprefix(f"/{PREFIX}"): name for name in names}


def _refuse_stream(request: Request) -> PlainTextResponse:
    """The protocol's answer to whoever wants to be told things unasked."""
    return PlainTextResponse(NO_STREAM, 405, {"allow": "POST"})


ROUTE = Route(MCP, _refuse_stream, methods=["GET"])
"""Stands before Gradio's own, which would keep a stream open in which nothing ever comes."""


def _write(answer) -> str:
    """An answer as JSON: Gradio would write what is no text as Python does."""
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace").decode()


def _differ(token) -> float:
    return round(token.logp_user - token.logp_base, 3)


def _pick_personal(column: Column) -> list[dict]:
    best = sorted(column.tokens, key=_differ, reverse=True)[:SHOWN]
    return [{"token": token.text, "nats": _differ(token)} for token in best if _differ(token) > 0]
