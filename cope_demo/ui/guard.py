"""What a visitor is told when something goes wrong: a CopeError's sentence, or a general one with a number to quote."""

import logging
import secrets
import traceback
from collections.abc import Callable
from functools import wraps
from inspect import isgeneratorfunction

import gradio as gr

from ..errors import CopeError

log = logging.getLogger("cope_demo.page")


def sentence(error: BaseException) -> str:
    """A sentence for the visitor. A fault of ours is logged in a line, without its message, which may hold a text."""
    if isinstance(error, CopeError):
        return str(error)
    number = secrets.token_hex(3)
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    log.error("fault %s: %s at %s", number, type(error).__name__, where)
    return f"Something went wrong on our side (fault {number}). Nothing of yours is lost; please try again."


def endpoint(function: Callable) -> Callable:
    """A public endpoint: whatever it raises reaches the caller as one sentence."""
    if isgeneratorfunction(function):

        @wraps(function)
        def guarded(*args, **kwargs):
            try:
                yield from function(*args, **kwargs)
            except Exception as error:
                raise gr.Error(sentence(error), print_exception=False) from None
    else:

        @wraps(function)
        def guarded(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except Exception as error:
                raise gr.Error(sentence(error), print_exception=False) from None

    return guarded
