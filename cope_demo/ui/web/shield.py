"""What stands before every request: size limits, the routes that are open, and headers that tell the browser what it
may do with the page.
"""

import json
import secrets

from cope_demo.errors import CopeError
from cope_demo.texts.history import MAX_BYTES
from cope_demo.visitors.limits import Limits

from .first_script import put_first
from .open_routes import OpenRoutes

MAX_BODY = MAX_BYTES + 500_000
"""Bytes of a request: a history of the largest size, and what wraps it."""
TOO_LARGE = f"This is too large: less than {MAX_BYTES / 1e6:.0f} MB can be taken. Give only the newest texts."
FRAMES = "'self' https://huggingface.co https://*.huggingface.co https://*.hf.space"
"""Who may show the page in a frame."""
POLICY = {
    "default-src": "'self'",
    # Gradio's own scripts stand in the page, and it compiles its components' scripts, ours too, with `new Function`.
    "script-src": "'self' 'unsafe-eval' 'nonce-{nonce}'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": FRAMES,
}
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}


class Shield:
    """ASGI middleware. A body that is too large is answered with 413 before it is read, or as soon as it has shown."""

    def __init__(self, app):
        self.app, self._limits, self._open = app, Limits(), OpenRoutes()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        guard = _Guard(scope, receive, send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if (scope["method"], path) not in self._open:
            return await guard.refuse(404, "Not found")
        if guard.announced > MAX_BODY:
            return await guard.refuse(413, TOO_LARGE)
        if path.startswith("/gradio_api/upload") and scope["method"] == "POST":
            try:
                self._limits.take("upload", guard.address, "")
            except CopeError as error:
                return await guard.refuse(429, str(error))
        await self.app(scope, guard.receive, guard.send)


class _Guard:
    """One request's way in and its answer's way out."""

    def __init__(self, scope, receive, send):
        self._receive, self._send = receive, send
        self._taken, self._begun, self._refused = 0, False, False
        self._private = "/gradio_api/" in scope["path"]
        self._page: dict | None = None  # the start of an HTML answer, until its body is whole
        self._body = b""
        headers = dict(scope["headers"])
        size = headers.get(b"content-length", b"")
        self.announced = int(size) if size.isdigit() else 0
        self.address = (scope.get("client") or ("",))[0]  # as origins.OwnOrigin has found it

    async def receive(self):
        if self._refused:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken <= MAX_BODY:
            return message
        if not self._begun:
            await self.refuse(413, TOO_LARGE)
        self._refused = True
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self._begun = True
            kind = dict(message["headers"]).get(b"content-type", b"")
            if kind.startswith(b"text/html"):
                self._page = message
                return
            message = self._add_headers(message)
        elif self._page is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            nonce = secrets.token_urlsafe(16)
            body = put_first(self._body).replace(b"<script", b'<script nonce="%s"' % nonce.encode())
            headers = [pair for pair in self._page["headers"] if pair[0] != b"content-length"]
            headers.append((b"content-length", b"%d" % len(body)))
            await self._send(self._add_headers({**self._page, "headers": headers}, nonce))
            message, self._page = {"type": "http.response.body", "body": body}, None
        await self._send(message)

    async def refuse(self, status: int, sentence: str) -> None:
        """Answers at once, without reading any more; so the connection cannot be used again."""
        self._refused = self._begun = True
        body = json.dumps({"detail": sentence}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        start = {"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]}
        await self._send(self._add_headers(start))
        await self._send({"type": "http.response.body", "body": body})

    def _add_headers(self, start: dict, nonce: str = "") -> dict:
        """The start of an answer with our headers."""
        policy = "; ".join(f"{name} {value}" for name, value in POLICY.items())
        policy = policy.replace("{nonce}", nonce) if nonce else policy.replace(" 'nonce-{nonce}'", "")
        added = {"content-security-policy": policy, **HEADERS}
        given = {name.lower() for name, _ in start["headers"]}
        if self._private and b"cache-control" not in given:
            added["cache-control"] = "no-store"  # what a visitor is told is nothing for a cache on the way
        return {**start, "headers": [*start["headers"], *((n.encode(), v.encode()) for n, v in added.items())]}
