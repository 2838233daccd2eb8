"""Logging in with a Hugging Face account, on a Space whose card says `hf_oauth: true`. Elsewhere nobody needs to."""

import os
from importlib.util import find_spec

import gradio as gr

SETTINGS = ("SPACE_ID", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")
"""What such a Space has in its environment. Without the first Gradio would make every visitor the server's own account;
without the last anybody could sign themselves in."""


def accounts() -> bool:
    """Whether visitors can log in here."""
    return all(map(os.environ.get, SETTINGS)) and bool(find_spec("authlib") and find_spec("itsdangerous"))


def login_button() -> gr.LoginButton | None:
    """The button, where visitors can log in."""
    if not accounts():
        return None
    # Gradio's icon would be read by its file route, which is closed. What a press does in a frame: assets/framed.js.
    return gr.LoginButton("Sign in with Hugging Face", size="sm", icon=None, elem_id="login")
