"""Watching a model learn: what a fit's looks have seen (fit/watching.py), as plain data for the panel of the fit."""

from collections.abc import Sequence

from cope_demo.ui.figures import shorten_text

LOOKS = {"oppu": (1, 3), "dpo": (4, 2)}
"""Where the looks of a stage stand on the axis of all of them: the first place, and how many follow it there."""
PLACES = 6


def describe_watched(events: Sequence[dict]) -> dict | None:
    """{"prompt", "of", "looks": [{"at", "label", "tokens", "written"}]} of a fit's events; None where nobody looked.

    tokens: [text, bits] of the held-out sentence. written: the answer to the prompt, or None where the sentence alone
    was read. at: from 1, which is base, to `of`, which is the fit's end.
    """
    seen = [event for event in events if event.get("watched")]
    if not seen:
        return None
    looks = [
        {"at": _place(event), "label": _name(event), **{name: event["watched"][name] for name in ("tokens", "written")}}
        for event in seen
    ]
    return {"prompt": shorten_text(seen[-1]["watched"]["prompt"]), "of": PLACES, "looks": looks}


def _place(event: dict) -> float:
    first, count = LOOKS[event["stage"]]
    return round(first + count * event["step"] / event["of"], 2) if event["of"] else float(first)


def _name(event: dict) -> str:
    if event["step"] == 0:
        return "base, before the first step"
    stage = {"oppu": "OPPU", "dpo": "DPO"}[event["stage"]]
    if event["step"] == event["of"]:
        return f"after {stage}"
    return f"{stage}, step {event['step']} of {event['of']}"
