"""Which routes the server answers: what the page and programs (gradio_client, curl) need. Gradio has many more, and a
newer one may add some: whatever is not named here is not found.
"""

from importlib.util import find_spec

from starlette.routing import Match, compile_path
from starlette.types import ASGIApp

from cope_demo.ui.web.login import accounts

READ = (
    "/",
    "/config",
    "/theme.css",
    "/favicon.ico",
    "/robots.txt",
    "/manifest.json",
    "/static/{path:path}",
    "/assets/{path:path}",
    "/svelte/{path:path}",
    "/gradio_api/info",
    "/gradio_api/app_id",
    "/gradio_api/startup-events",  # Gradio asks it of itself at launch
    "/gradio_api/heartbeat/{session_hash}",
    "/gradio_api/queue/data",
    "/gradio_api/call/{api_name}/{event_id}",
    "/gradio_api/call/v2/{api_name}/{event_id}",
    "/gradio_api/upload_progress",
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
)
"""Gradio's routes for GET and HEAD."""
WRITE = (
    "/gradio_api/queue/join",
    "/gradio_api/call/{api_name}",
    "/gradio_api/call/v2/{api_name}",
    "/gradio_api/run/{api_name}",  # the page's light events; for what queues it is closed (page.build)
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/upload",
    "/gradio_api/component_server",
    "/gradio_api/component_server/",  # as the page writes it
)
"""Gradio's routes for POST."""
MCP = "/gradio_api/mcp/"
"""Gradio's route for POST, and ours for GET, where tools are offered (tools.py)."""
LOGIN = ("/login/huggingface", "/login/callback", "/logout")
"""Gradio's routes for GET where visitors can log in."""
OURS = ("/health", "/ready", "/adapters/{token}", "/docs/{name}", "/docs/images/{name}")
"""Our own for GET and HEAD (routes.py)."""


def list_open() -> dict[str, tuple[str, ...]]:
    """The templates of the paths that are answered, by method."""
    tools = (MCP,) if find_spec("mcp") else ()
    read = (*READ, *OURS, *tools)
    return {"GET": (*read, *LOGIN) if accounts() else read, "HEAD": read, "POST": (*WRITE, *tools)}


class OpenRoutes:
    """Says of a request whether its route is open."""

    def __init__(self):
        self._open = {method: [compile_path(path)[0] for path in paths] for method, paths in list_open().items()}

    def __contains__(self, request: tuple[str, str]) -> bool:
        """request: method and path."""
        method, path = request
        return any(pattern.match(path) for pattern in self._open.get(method, ()))


def find_missing(app: ASGIApp) -> list[str]:
    """The open routes, as "GET /path", that a FastAPI app's own table does not have, such as a newer Gradio's."""
    missing = []
    for method in ("GET", "POST"):
        for path in list_open()[method]:
            scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
            if not any(route.matches(scope)[0] is Match.FULL for route in app.router.routes):
                missing.append(f"{method} {path}")
    return missing
