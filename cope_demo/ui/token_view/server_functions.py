"""The server functions of the token view: what its script calls as `server.NAME(…)`."""

import gradio as gr

from cope_demo.errors import CopeError
from cope_demo.ui.web.guard import explain_error

from . import runs
from .standalone import empty_page


def alive(run: str) -> str:
    """For the page's watchdog: "gone" when this comparison no longer runs here, else "here"."""
    if run and not isinstance(run, str):
        raise gr.Error("A run is named by a text.", print_exception=False)
    return "gone" if run and not runs.alive(run) else "here"


def likeness(asked) -> dict:
    """For the page, as `server.likeness(run, {method: text})`: {method: {"topic", "style"}}, or {"error": sentence}.

    Under "history" stands what the history's own texts reach on average, the scale to read the numbers by.
    topic, in the page's words: how near the text is to what the person writes about (1: the same direction), by the
    cosine of its sentence embedding (all-MiniLM-L6-v2) with the mean of the history's.
    style: how near it is to the way they write, whatever the subject, by the cosine of the character trigrams, with
    every word that is not a function word masked but for its length and capitals.
    """
    try:
        if not isinstance(asked, list) or len(asked) != 2:
            raise CopeError("A run and its texts are needed.")
        service, user_id = runs.whose(asked[0])
        return service.likeness(user_id, asked[1])
    except Exception as error:
        return {"error": explain_error(error)}


def look_up(asked) -> dict:
    """For the page, as `server.look_up(run, {"prompt", "method", "ids", "word", "against"})`: {"tokens": [...]}, as
    Service.look_up gives them, or {"error": sentence}."""
    try:
        if not isinstance(asked, list) or len(asked) != 2 or not isinstance(asked[1], dict):
            raise CopeError("A run and a word are needed.")
        service, user_id = runs.whose(asked[0])
        wanted = asked[1]
        if not all(isinstance(wanted.get(name), str) for name in ("prompt", "method", "word")):
            raise CopeError("A prompt, a method and a word are needed, as texts.")
        place = wanted["prompt"], wanted["method"], wanted.get("ids"), wanted["word"]
        return {"tokens": service.look_up(user_id, *place, against=wanted.get("against") or "")}
    except Exception as error:
        return {"error": explain_error(error)}


SERVER_FUNCTIONS = [alive, likeness, look_up, empty_page]
"""Their names are those that the script calls."""
