"""A hub of this machine's own: what huggingface_hub asks of it to make a Space, and how it can refuse."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_" + "x" * 34


@dataclass
class FakeHub:
    """What was asked, and what its one Space, ada/cope, holds; it is there when it holds something.

    refuse: (how a path begins, the HTTP status it is answered with).
    """

    files: dict[str, bytes] = field(default_factory=dict)
    created: list[dict] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    refuse: tuple[str, int] | None = None
    address: str = ""

    def answer(self, path: str, body: bytes) -> dict | list:
        """What the hub says, and what changes on it."""
        if path == "/api/repos/create":
            self.created.append(json.loads(body))
            return {"url": f"{self.address}/spaces/ada/cope", "id": "ada/cope", "name": "ada/cope"}
        if path.endswith("/variables"):
            self.variables |= {body["key"]: body["value"] for body in [json.loads(body)]}
            return {}
        if "/tree/" in path:
            return [
                {"type": "file", "path": name, "size": len(self.files[name]), "oid": "0" * 40} for name in self.files
            ]
        if "/preupload/" in path:
            names = [file["path"] for file in json.loads(body)["files"]]
            return {"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]}
        if "/commit/" in path:
            self._commit([json.loads(line) for line in body.splitlines()])
            return {"success": True, "commitOid": "1" * 40, "commitUrl": f"{self.address}/spaces/ada/cope/commit/1"}
        return {"name": "ada", "type": "user", "auth": {"accessToken": {"role": "write"}}}

    def _commit(self, lines: list[dict]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "deletedFile":
                del self.files[value["path"]]
            elif line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])


@contextmanager
def serve(respond) -> Iterator[str]:
    """A server of this machine at the address it gives. respond: (method, path, headers, body) -> (status, headers,
    content), once for each request.
    """

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, content = respond(self.command, self.path, self.headers, body)
            self.send_response(status)
            for name, value in {"content-length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def run_fake_hub() -> Iterator[FakeHub]:
    """A FakeHub that answers on 127.0.0.1 to TOKEN alone."""
    hub = FakeHub()

    def respond(method, path, headers, body):
        status = 200
        if headers.get("authorization") != f"Bearer {TOKEN}":
            status = 401
        elif path == "/api/spaces/ada/cope" and not hub.files:
            status = 404
        elif hub.refuse and re.match(hub.refuse[0], path):
            status = hub.refuse[1]
        said = hub.answer(path.split("?")[0], body) if status == 200 else {"error": "no"}
        return status, {"content-type": "application/json"}, json.dumps(said).encode()

    with serve(respond) as hub.address:
        yield hub
