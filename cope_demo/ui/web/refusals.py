"""What is said of a request that a route cannot read: a short sentence, and nothing of what was sent.

FastAPI's own answer to a body of another shape repeats it, and what Gradio stumbles over (an unknown endpoint, a
component that does not exist) would be a bare 500 and an exception in the log.
"""

from fastapi.exceptions import RequestValidationError
from gradio.exceptions import Error
from starlette.requests import Request
from starlette.responses import JSONResponse

from .calls import log_refusal
from .guard import explain_error

UNREADABLE = (
    "This request cannot be read: its body is not of the form that this address takes. /gradio_api/info lists the "
    "endpoints and what each takes."
)
GRADIO = "/gradio_api/"
"""Where Gradio's own routes are. None of them runs anything of ours that does not explain its faults itself."""


async def refuse_body(request: Request, error: RequestValidationError) -> JSONResponse:
    """FastAPI's handler for a request whose body or query is not of the form that the route declares."""
    return JSONResponse({"detail": UNREADABLE}, 422)


EXCEPTION_HANDLERS = {RequestValidationError: refuse_body}
"""For the server's app, in place of FastAPI's own."""


class Refusals:
    """ASGI middleware. An exception of a route is answered with a sentence, unless its answer has begun."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun = False

        async def note_start(message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, note_start)
        except Exception as error:
            status, sentence = _explain(scope["path"].removeprefix(scope.get("root_path", "")), error)
            if not begun:
                await JSONResponse({"detail": sentence}, status)(scope, receive, send)


def _explain(path: str, error: Exception) -> tuple[int, str]:
    if isinstance(error, Error):
        return 422, error.message
    if path.startswith(GRADIO):
        log_refusal(error)
        return 422, UNREADABLE
    return 500, explain_error(error)
