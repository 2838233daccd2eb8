"""Adapters of the hub: a field for owner/name@revision; what is opened becomes a card of the visitor's own."""

import gradio as gr

from cope_demo.errors import CopeError
from cope_demo.saved.store import SavedUser
from cope_demo.ui.component import panel, say

CLOSED = say({"address": ""})
"""The panel with nothing in it, folded."""


def hub_panel() -> gr.HTML:
    """The fold; its event "open" carries {query}, which has the address as `adapter`."""
    return panel("hub", CLOSED, "hub")


def open_at_once(query: dict[str, str]) -> str:
    """The panel's value for a link to adapters: its script opens them, with whatever else the link says."""
    return say({"address": query["adapter"], "query": query})


def refuse(address, problem: str) -> str:
    """The panel's value after adapters that could not be opened."""
    return say({"address": address if isinstance(address, str) else "", "problem": problem})


def find_opened(service, user_id: str) -> SavedUser | None:
    """The user of this id where adapters of the hub were opened as that; None for others.

    service: as the visitor may use it (owners.OwnService).
    """
    try:
        user = service.store.open(user_id)
    except CopeError:
        return None
    return user if user.origin else None


def find_address(service, user_id: str) -> str:
    """The address of these adapters on the hub, which always means the same files; "" for what is not from there."""
    user = find_opened(service, user_id)
    return f"{user.origin['repo']}@{user.origin['revision']}" if user else ""
