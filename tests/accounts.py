"""The running page where people log in. Gradio's own login needs packages and settings that only such a Space has; here
a cookie names the account, and everything behind it is the real thing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from cope_demo.ui.web import login, open_routes
from tests.running import RunningPage, run_page

ACCESS_TOKEN = "x"
"""What an account that logs in has given to the app."""


class Sessions:
    """ASGI middleware in the place of starlette's SessionMiddleware: `session=6123` is a session of account 6123."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            cookie = dict(scope["headers"]).get(b"cookie", b"").decode()
            scope["session"] = {name: make_session(value.value) for name, value in SimpleCookie(cookie).items()}
            scope["session"] = scope["session"].get("session", {})
        await self.app(scope, receive, send)


def make_session(sub: str) -> dict:
    """A session as Gradio's OAuth leaves it."""
    profile = {"sub": sub, "preferred_username": sub, "name": sub, "profile": "", "picture": ""}
    return {"oauth_info": {"userinfo": profile, "access_token": ACCESS_TOKEN, "scope": "", "expires_at": 2**40}}


def tell_session(request: Request) -> JSONResponse:
    """Answers for the routes of the login: whether they see a session."""
    return JSONResponse({"known": bool(request.session)})


def add_login(app) -> None:
    """In the place of gradio.oauth.attach_oauth."""
    for path in open_routes.LOGIN:
        app.add_route(path, tell_session)
    app.add_middleware(Sessions)


@contextmanager
def run_page_with_accounts(service) -> Iterator[RunningPage]:
    """run_page, with a login."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(login, "accounts", lambda: True)
        patch.setattr(open_routes, "accounts", lambda: True)
        patch.setattr("gradio.routes.attach_oauth", add_login)
        with run_page(service) as page:
            yield page
