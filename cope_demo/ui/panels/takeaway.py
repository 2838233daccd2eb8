"""Take it away: a user's adapters as a zip, under a link that works once, for a few minutes, for whoever asked; or as a
repository of the account that is logged in.
"""

from collections.abc import Mapping

import gradio as gr
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from cope_demo.errors import CopeError
from cope_demo.ui.component import panel, say
from cope_demo.ui.web import login
from cope_demo.ui.web.guard import explain_error

from .zips import Zips

FILENAME = "cope-adapters.zip"
NOTHING, READY = say({"state": "none"}), say({"state": "ready"})
"""The panel where there is no fit, and where there is one."""

SIGN_IN = "To push, sign in with Hugging Face first, in “Your own writing”; then press again."

ZIPS = Zips()
"""What has been offered and not been fetched yet, in this process."""


def takeaway_panel() -> gr.HTML:
    """The buttons; the event "take" asks for `offer_link`, "push" with {name, public} for `push`."""
    return panel("takeaway", NOTHING, "takeaway", {"accounts": login.accounts()})


def offer_link(service, user_id: str) -> str:
    """The panel's value with a fresh link. It never raises."""
    try:
        return say({"state": "link", **offer(service, user_id)})
    except Exception as error:
        return say({"state": "problem", "message": explain_error(error)})


def offer(service, user_id: str) -> dict:
    """Makes the zip: {"path" of its link below the app's address, "filename", "bytes"}.

    service: as the asker may use it (owners.OwnService), so nobody is offered a stranger's. The link's 256 random bits
    are the only key to the file. Raises CopeError when too many links are open (zips.Zips).
    """
    token, size = ZIPS.offer(service, user_id)
    return {"path": f"adapters/{token}", "filename": FILENAME, "bytes": size}


def push(service, user_id: str, profile, token, asked: Mapping) -> str:
    """The panel's value after a push to the account that is logged in. It never raises.

    profile, token: the account's, which it has given to the app; None where nobody is logged in. asked: {"name",
    "public"} as the browser says: owner/name, or a name in that account; private unless public.
    """
    try:
        if profile is None or token is None:
            raise CopeError(SIGN_IN)
        name = str(asked.get("name") or "").strip()
        repo = name if "/" in name else f"{profile['preferred_username']}/{name}"
        made = service.push_adapters(user_id, repo, token.token, asked.get("public") is not True)
        return say({"state": "pushed", "url": made.url, "address": str(made.address), "made": made.made})
    except Exception as error:
        return say({"state": "problem", "message": explain_error(error)})


def forget(user_id: str) -> None:
    """Deletes what nobody has fetched yet of a user who is being deleted."""
    ZIPS.forget(user_id)


def _send_zip(request: Request) -> Response:
    """The zip, once; whoever asks for its headers alone, as a preview of links does, does not use it up."""
    if request.method == "HEAD":
        return Response(status_code=405, headers={"allow": "GET"})
    file = ZIPS.open_link(request.path_params["token"])
    if file is None:
        return PlainTextResponse("This link has been used, or is too old: ask for the adapters again.", 404)
    headers = {"cache-control": "no-store"}
    done = BackgroundTask(ZIPS.close_link, request.path_params["token"])
    return FileResponse(file, media_type="application/zip", filename=FILENAME, headers=headers, background=done)


ROUTE = Route("/adapters/{token}", _send_zip)
