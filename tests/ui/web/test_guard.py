"""Public endpoints: errors reach the caller as sentences."""

import gradio as gr
import pytest

from cope_demo.errors import CopeError
from cope_demo.ui.web.guard import endpoint, explain_error
from cope_demo.visitors.owners import Access


def test_endpoints_turn_errors_into_sentences():
    @endpoint(Access(None))
    def refuse(service):
        raise CopeError("No.")

    @endpoint(Access(None))
    def break_down(service):
        yield 1
        raise KeyError("secret")

    with pytest.raises(gr.Error, match="No."):
        refuse(None)
    with pytest.raises(gr.Error) as caught:
        list(break_down(None))
    assert "our side" in caught.value.message and not caught.value.print_exception
    assert explain_error(CopeError("Plain.")) == "Plain."
