"""A hub of this machine's own with repositories of models: what huggingface_hub asks to read and write them, and how
the hub refuses.
"""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import pytest

from cope_demo.hub import repository
from tests.hub.fake_hub import TOKEN, serve

COMMIT = "c" * 40
JSON = {"content-type": "application/json"}


@dataclass
class Repo:
    """A repository at COMMIT, which `main` names. announced: sizes that the hub tells instead of the true ones."""

    files: dict[str, bytes] = field(default_factory=dict)
    private: bool = False
    gated: bool = False
    announced: dict[str, int] = field(default_factory=dict)

    def describe(self, name: str) -> dict:
        names = {**self.files, **self.announced}
        rows = [{"rfilename": one, "size": self.announced.get(one, len(self.files.get(one, b"")))} for one in names]
        kept = {"id": name, "sha": COMMIT, "private": self.private, "gated": "manual" if self.gated else False}
        return {**kept, "siblings": rows}


@dataclass
class Models:
    """refuse: (method and how a path begins, as a pattern; the status it is answered with). asked: what was asked."""

    repos: dict[str, Repo] = field(default_factory=dict)
    refuse: tuple[str, int] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: set = field(default_factory=set)
    address: str = ""

    def respond(self, method: str, path: str, headers, body: bytes):
        token = (headers.get("authorization") or "").removeprefix("Bearer ")
        path = unquote(urlsplit(path).path)
        self.asked.append((method, path))
        self.tokens.add(token)
        if self.refuse and re.match(self.refuse[0], f"{method} {path}"):
            return self.refuse[1], JSON, b'{"error": "no"}'
        if token not in ("", TOKEN):
            return 401, JSON, b'{"error": "Invalid credentials in Authorization header"}'
        if path == "/api/whoami-v2":
            return (200, JSON, b'{"name": "ada"}') if token else (401, JSON, b"{}")
        if path == "/api/validate-yaml":
            return 200, JSON, b"{}"
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/repos/delete":
            asked = json.loads(body)
            del self.repos[f"{asked['organization']}/{asked['name']}"]
            return 200, JSON, b"{}"
        name = re.match(r"/(?:api/models/)?([^/]+/[^/]+)", path)[1]
        repo = self.repos.get(name)
        if repo is None or repo.private and not token:
            return (404 if token else 401), {**JSON, "x-error-code": "RepoNotFound"}, b"{}"
        return self._answer(name, repo, method, path, body)

    def _create(self, asked: dict):
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.repos:
            return 409, JSON, b'{"error": "there is one"}'
        self.repos[name] = Repo(private=asked.get("visibility") == "private" or asked.get("private") is True)
        return 200, JSON, json.dumps({"url": f"{self.address}/{name}", "id": name, "name": name}).encode()

    def _answer(self, name: str, repo: Repo, method: str, path: str, body: bytes):
        if found := re.fullmatch(f"/{name}/resolve/([^/]+)/(.*)", path):
            if repo.gated:
                return 403, {**JSON, "x-error-code": "GatedRepo"}, b"{}"
            return 200, {}, repo.files[found[2]]
        if "/revision/" in path and path.split("/revision/")[1] not in ("main", COMMIT):
            return 404, {**JSON, "x-error-code": "RevisionNotFound"}, b"{}"
        if "/tree/" in path:
            rows = [{"type": "file", "path": one, "size": len(repo.files[one]), "oid": "0" * 40} for one in repo.files]
            return 200, JSON, json.dumps(rows).encode()
        if "/preupload/" in path:
            names = [file["path"] for file in json.loads(body)["files"]]
            rows = [{"path": one, "uploadMode": "regular", "shouldIgnore": False} for one in names]
            return 200, JSON, json.dumps({"files": rows}).encode()
        if "/commit/" in path:
            self._commit(repo, [json.loads(line) for line in body.splitlines()])
            said = {"success": True, "commitOid": COMMIT, "commitUrl": f"{self.address}/{name}/commit/{COMMIT}"}
            return 200, JSON, json.dumps(said).encode()
        return 200, JSON, json.dumps(repo.describe(name)).encode()

    def _commit(self, repo: Repo, lines: list[dict]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "deletedFile":
                del repo.files[value["path"]]
            elif line["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])


@contextmanager
def run_models() -> Iterator[Models]:
    """The hub that `repository.ENDPOINT` names meanwhile. It knows the token TOKEN, and shows the public to anybody."""
    models = Models()
    with pytest.MonkeyPatch.context() as patch, serve(models.respond) as models.address:
        patch.setattr(repository, "ENDPOINT", models.address)
        yield models
