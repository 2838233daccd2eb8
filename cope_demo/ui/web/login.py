"""Logging in with a Hugging Face account, on a Space whose card says `hf_oauth: true`. Elsewhere nobody needs to."""

import logging
import os
from importlib.util import find_spec

import gradio as gr

from cope_demo.system.logs import log_event

SETTINGS = ("SPACE_ID", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")
"""What such a Space has in its environment. Without the first Gradio would make every visitor the server's own account;
without the last anybody could sign themselves in."""

PACKAGES = ("authlib", "itsdangerous")


def accounts() -> bool:
    """Whether visitors can log in here."""
    return all(map(os.environ.get, SETTINGS)) and all(map(find_spec, PACKAGES))


def log_missing() -> None:
    """Says once, as the page is built, that what a login needs is not there, where some of it is.

    The secret signs what a browser keeps of a login, so it has to outlive a restart: it comes from the environment, and
    nothing is made up in its place.
    """
    missing = [name for name in SETTINGS if not os.environ.get(name)]
    missing += [name for name in PACKAGES if not find_spec(name)]
    if os.environ.get("OAUTH_CLIENT_ID") and missing:
        log_event("nobody can log in here", logging.WARNING, missing=missing)


def login_button() -> gr.LoginButton | None:
    """The button, where visitors can log in."""
    if not accounts():
        log_missing()
        return None
    # Gradio's icon would be read by its file route, which is closed. What a press does in a frame: assets/framed.js.
    return gr.LoginButton("Sign in with Hugging Face", size="sm", icon=None, elem_id="login")
