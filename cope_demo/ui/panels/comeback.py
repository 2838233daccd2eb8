"""The way back to one's fits where a browser lets the page keep nothing: the key, which is the visitor's secret.

Only such a browser shows it (comeback.js).
"""

import gradio as gr

from cope_demo.ui.component import panel, say
from cope_demo.ui.visitor import Visitor

NO_KEY = "This is no key: one has 64 digits and letters from a to f. Copy it whole, and try again."
NOTHING_THERE = (
    "There is no fit for this key: it has been deleted or has expired, or the key is of another app. Check it, or fit "
    "your texts again."
)


def comeback_panel() -> gr.HTML:
    """The panel; its "back" event carries {key}."""
    return panel("comeback", None, "comeback")


def describe_key(visitor: Visitor) -> str:
    """The panel's value: the key where there is a fit to come back to, else the field for one."""
    return say({"key": visitor.secret if visitor.fits else ""})


def refuse_key(problem: str) -> str:
    """The same after a key that opens nothing."""
    return say({"key": "", "problem": problem})
