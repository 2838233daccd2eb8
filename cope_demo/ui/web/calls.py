"""Calls that do not fit the function they are for: too few values, other types, files that were not uploaded.

Gradio answers such a call with nothing, and prints what it was given (6.31). Here its sender gets a sentence, and the
log the kind of fault and its place.
"""

from functools import wraps

import gradio as gr
from gradio import route_utils

from cope_demo.system.logs import describe_error, log_event

from .guard import explain_error

UNFIT = (
    "This call does not fit: a value is missing, of another type, or not among those allowed. On the page, load it "
    "anew and try again; for a program, /gradio_api/info says what each endpoint takes."
)
_preprocess, _process = gr.Blocks.preprocess_data, route_utils.call_process_api


def explain_calls() -> None:
    """From now on every call is answered, of whatever kind it is, and nothing of it is printed."""
    gr.Blocks.preprocess_data = _read_values
    route_utils.call_process_api = _answer


def log_refusal(error: BaseException) -> None:
    """Logs that something was not as Gradio expects it: the sender's doing, and no fault of ours."""
    described = describe_error(error)
    log_event("unfit call", error=described["error"], where=described["where"][-3:])


@wraps(_preprocess)
async def _read_values(*args, **kwargs):
    try:
        return await _preprocess(*args, **kwargs)
    except Exception as error:  # whatever a component, or the check of their number, has to say of the values
        log_refusal(error)
        raise gr.Error(UNFIT, print_exception=False) from None


@wraps(_process)
async def _answer(*args, fn, **kwargs):
    if fn.fn is None:  # an event that the browser answers by itself
        raise gr.Error(UNFIT, print_exception=False)
    try:
        return await _process(*args, fn=fn, **kwargs)
    except gr.Error:
        raise
    except Exception as error:
        raise gr.Error(explain_error(error), print_exception=False) from None
