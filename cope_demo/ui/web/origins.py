"""Whose pages may ask: only the app's own. What a foreign page lets a visitor's browser send has no cookie, changes
nothing, and its answer allows that page nothing.

A browser says itself from which page a request comes (Origin, Sec-Fetch-Site; a page cannot change that). A program
says nothing: it is answered, and gets at a person's things by their secret alone.
"""

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from .proxies import FORWARDED, Proxies
from .shield import HEADERS

FOREIGN = (
    "This comes from the page of another site, and only the app's own page may send it. Open the app itself, or call "
    "it from a program. Whoever hosts it behind a proxy: the proxy must pass the Host header on."
)
REFUSED = {**HEADERS, "content-security-policy": "default-src 'none'"}
SAFE = ("GET", "HEAD", "OPTIONS")
NAVIGATION = ("/login/huggingface", "/login/callback")
"""Logging in leads over another site and back, and guards itself by the state in its cookie."""
PORTS = {"http": ":80", "https": ":443"}


class OwnOrigin:
    """ASGI application around the whole server, outside its sessions and its CORS, which see only what it lets through.

    What stands behind it finds in the scope the client and the scheme as a named proxy (proxies.py) has told them.
    """

    def __init__(self, app, proxies: Proxies):
        self.app, self._proxies = app, proxies

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope = self._read_forwarded(scope)
        headers = Headers(scope=scope)
        origins, site, safe = headers.getlist("origin"), headers.get("sec-fetch-site"), scope["method"] in SAFE
        own = len(origins) == 1 and is_own(origins[0], scope["scheme"], _read_hosts(headers))
        if not safe and not own and (origins or site in ("cross-site", "same-site")):
            refusal = JSONResponse({"detail": FOREIGN}, 403, REFUSED)
            return await refusal(scope, receive, send)
        own |= safe and not origins and site == "same-origin"
        own |= scope["path"].removeprefix(scope.get("root_path", "")) in NAVIGATION
        # Without an Origin no answer can allow one: Gradio would allow each, with cookies.
        await self.app(_drop(scope, {b"origin"} if own else {b"origin", b"cookie"}), receive, send)

    def _read_forwarded(self, scope) -> dict:
        """The scope with what a proxy has told, or without the headers in which it would be told."""
        peer, port = scope.get("client") or ("", 0)
        if not self._proxies.believes(peer):
            names = {name for name, _ in scope["headers"] if name.startswith(b"x-forwarded-")}
            return _drop(scope, {*names, *FORWARDED, b"x-gradio-server"})
        headers = Headers(scope=scope)
        client = self._proxies.find_client(peer, ",".join(headers.getlist("x-forwarded-for")))
        scheme = headers.get("x-forwarded-proto", "").split(",")[0].strip()
        scheme = scheme if scheme in PORTS else scope["scheme"]
        return _drop({**scope, "client": (client, port), "scheme": scheme}, {b"x-gradio-server"})


def is_own(origin: str, scheme: str, hosts: list[str]) -> bool:
    """Whether an Origin header names the server itself, which is reached by `scheme` under the names `hosts`.

    What seems http may have been https before a proxy that does not say so; what is https has never been http.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in PORTS or origin != f"{parts.scheme}://{parts.netloc}":
        return False
    if scheme == "https" and parts.scheme != "https":
        return False
    own = {host.strip().lower().removesuffix(PORTS[parts.scheme]) for host in hosts} - {""}
    return parts.netloc.lower().removesuffix(PORTS[parts.scheme]) in own


def _read_hosts(headers: Headers) -> list[str]:
    """The server's names: the one that was asked for, before a believed proxy too, and those of a Space."""
    asked = [headers.get("host", ""), headers.get("x-forwarded-host", "").split(",")[0]]
    return [*asked, *os.environ.get("SPACE_HOST", "").split(",")]


def _drop(scope, names: set[bytes]) -> dict:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in names]}
