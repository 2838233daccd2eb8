"""The page: its chapters, laid out here, panel by panel. What happens on it is in events.py."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from cope_demo.saved.citation import BIBTEX
from cope_demo.ui.web.calls import explain_calls
from cope_demo.ui.web.connection import bound_connections
from cope_demo.ui.web.forgetful import forget_values
from cope_demo.ui.web.joins import bound_joins
from cope_demo.ui.web.login import login_button
from cope_demo.ui.web.open_streams import keep_open_streams
from cope_demo.ui.web.sessions import bound_sessions
from cope_demo.ui.web.uploads import remove_broken_uploads
from cope_demo.visitors.owners import Access

from . import api, tools
from .answers import NOWHERE, describe_model
from .component import panel, say, static
from .events import connect_events
from .panels import (
    behind,
    comeback,
    comparing,
    evidence,
    fitting,
    hub,
    lessons,
    own,
    people,
    privacy,
    scoring,
    takeaway,
)
from .parts import Panels
from .visitor import browser_state

TITLE = "CoPe: a language model that learns to write like one person"
POLL = 1.0
"""Seconds between two looks at the job queue while something is going on."""


def build(service) -> gr.Blocks:
    """The whole page over a service (service.Service). Nothing here waits for the model."""
    forget_values()
    bound_connections()
    keep_open_streams()
    remove_broken_uploads()
    bound_joins()
    bound_sessions()
    explain_calls()
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 600), fill_width=True) as blocks:
        access = Access(service, takeaway.forget)  # from here on nobody holds the service itself
        connect_events(access, blocks, lay_out(access))
        api.add_endpoints(access)
        tools.add_tools(access)
    blocks.api_open = False  # what waits in the queue is not to be had past it, in a Space or elsewhere
    return blocks


def lay_out(access: Access) -> Panels:
    """Adds all that is seen below the page's opening (panels/demonstration.py) to the Blocks that is being built."""
    visitor, timer = browser_state(), gr.Timer(POLL)
    with chapter("compare"):
        banner = panel("notice", describe_model(access.of()), "notice")
        link = panel("opened", say({"kind": "none"}), "notice")
        cards, compare = people.cards_panel(), comparing.compare_panel()
    with chapter("own"):
        login_button()
        history, fit, key = own.own_panel(), fitting.fit_panel(), comeback.comeback_panel()
        adapters = hub.hub_panel()
    with chapter("lessons"):
        row = panel("lessons", say(lessons.describe_cards()), "lessons")
    with chapter("score"):
        score = scoring.score_panel()
    with chapter("behind"):
        details, take = behind.behind_panel(), takeaway.takeaway_panel()
    evidence.evidence_panel()
    erasing = privacy.privacy_panel()
    static("footer")
    panel("citation", say({"bibtex": BIBTEX}), "citation")
    ways = panel("ways", NOWHERE, "ways")
    return Panels(
        banner=banner,
        link=link,
        lessons=row,
        visitor=visitor,
        timer=timer,
        people=cards,
        hub=adapters,
        own=history,
        fit=fit,
        key=key,
        take=take,
        behind=details,
        compare=compare,
        score=score,
        privacy=erasing,
        ways=ways,
    )


@contextmanager
def chapter(name: str) -> Iterator[None]:
    """A part of the page that its head opens and closes (assets/chapters.js), with what is laid out inside."""
    with gr.Column(elem_classes="chapter", elem_id=f"chapter-{name}"):
        static(f"chapter-{name}", elem_classes="chapter-top")
        yield
