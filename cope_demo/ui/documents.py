"""The documents in docs/ as pages to read, with their pictures and data: what the page links to."""

import re
from functools import cache

from markdown_it import MarkdownIt
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from cope_demo.paths import ROOT

from .component import ASSETS

DOCS = ROOT / "docs"
SENT = {".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png"}
"""What is sent as it stands, by suffix."""
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body class="document">
<main>
{body}
</main>
</body>
</html>
"""


@cache
def render_document(name: str) -> str:
    """docs/NAME, a Markdown file of ours, as a page that needs no script. Raises KeyError for any other name."""
    path = _list_files()[name]
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(_COMMENT.sub("", path.read_text("utf-8")))
    title = path.stem
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type == "heading_open":  # as the documents' links name them
            opening.attrSet("id", re.sub(r"[^\w\- ]", "", inline.content.lower()).replace(" ", "-"))
            title = inline.content if opening.tag == "h1" else title
    body = reader.renderer.render(tokens, reader.options, {})
    body = body.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    style = "\n".join((ASSETS / f"{sheet}.css").read_text("utf-8") for sheet in ("tokens", "document"))
    return _PAGE.format(title=title, style=_follow_scheme(style), body=body)


def _follow_scheme(style: str) -> str:
    """The sheet with the dark colours where the browser asks for them; no script is there to set the class."""
    return re.sub(r"\.dark (\{[^}]*\})", r"@media (prefers-color-scheme: dark) { :root \1 }", style)


def _list_files() -> dict:
    """The files that may be read, by their paths below docs/."""
    files = [*DOCS.glob("*.*"), *DOCS.glob("images/*.*")]
    return {file.relative_to(DOCS).as_posix(): file for file in files if file.suffix in (".md", *SENT)}


def _send_document(request: Request) -> Response:
    name = request.url.path.rsplit("/docs/", 1)[-1]
    file = _list_files().get(name)
    if file is None:
        return PlainTextResponse("There is no such document here.", 404)
    if file.suffix == ".md":
        return HTMLResponse(render_document(name))
    return FileResponse(file, media_type=SENT[file.suffix])


ROUTES = [Route("/docs/{name}", _send_document), Route("/docs/images/{name}", _send_document)]
