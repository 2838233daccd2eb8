"""Take it away: a user's adapters as a zip, under a link that works once, for a few minutes, for whoever asked."""

import os
import secrets
import tempfile
import threading
from pathlib import Path

import gradio as gr
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from cope_demo.ui.component import panel, say
from cope_demo.ui.web.guard import explain_error

SECONDS = 600
FILENAME = "cope-adapters.zip"
NOTHING, READY = say({"state": "none"}), say({"state": "ready"})
"""The panel where there is no fit, and where there is one."""

_ready: dict[str, tuple[Path, str]] = {}  # token -> file, and whose adapters are in it


def takeaway_panel() -> gr.HTML:
    """The button; its event "take" asks for `offer_link`."""
    return panel("takeaway", NOTHING, "takeaway")


def offer_link(service, user_id: str) -> str:
    """The panel's value with a fresh link. It never raises."""
    try:
        return say({"state": "link", **offer(service, user_id)})
    except Exception as error:
        return say({"state": "problem", "message": explain_error(error)})


def offer(service, user_id: str) -> dict:
    """Makes the zip: {"path" of its link below the app's address, "filename", "bytes"}.

    service: as the asker may use it (owners.OwnService), so nobody is offered a stranger's. The link's 256 random bits
    are the only key to the file, which is deleted when it has been fetched, or after SECONDS.
    """
    token = secrets.token_hex(32)
    # Beside the uploads, which go with the server; Gradio itself serves nothing from there.
    folder = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{token}.zip"
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        service.adapters_zip(user_id, file)
        size = file.stat().st_size
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    _ready[token] = (file, user_id)
    timer = threading.Timer(SECONDS, _drop, (token,))
    timer.daemon = True
    timer.start()
    return {"path": f"adapters/{token}", "filename": FILENAME, "bytes": size}


def _drop(token: str) -> None:
    file, _ = _ready.pop(token, (None, ""))
    if file:
        file.unlink(missing_ok=True)


def forget(user_id: str) -> None:
    """Deletes what nobody has fetched yet of a user who is being deleted."""
    for token, (_, whose) in list(_ready.items()):
        if whose == user_id:
            _drop(token)


def _send_zip(request: Request) -> Response:
    """The zip, once."""
    file, _ = _ready.pop(request.path_params["token"], (None, ""))
    if file is None or not file.exists():
        return PlainTextResponse("This link has been used, or is too old: ask for the adapters again.", 404)
    gone = BackgroundTask(file.unlink, missing_ok=True)
    headers = {"cache-control": "no-store"}
    return FileResponse(file, media_type="application/zip", filename=FILENAME, headers=headers, background=gone)


ROUTE = Route("/adapters/{token}", _send_zip)
