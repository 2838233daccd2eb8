"""A request must say in one way alone where it ends.

Where it gives both a Content-Length and a Transfer-Encoding, a proxy before the server may believe the one and the
server the other: what the proxy takes for a body would be a second request, which no check of the proxy's has seen
(RFC 9112, section 6.1). h11 refuses all other ambiguity by itself.
"""

import json

AMBIGUOUS = (
    "A request gives either a Content-Length or a Transfer-Encoding: this one gives both, or is older than HTTP/1.1."
)


class OneFraming:
    """ASGI middleware: such a request is answered with 400, and its connection ends."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        names = [name for name, _ in scope["headers"]] if scope["type"] == "http" else []
        if b"transfer-encoding" not in names or (b"content-length" not in names and scope["http_version"] == "1.1"):
            return await self.app(scope, receive, send)
        body = json.dumps({"detail": AMBIGUOUS}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 400, "headers": [*headers, (b"connection", b"close")]})
        await send({"type": "http.response.body", "body": body})
