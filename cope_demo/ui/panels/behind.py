"""Behind the fit: what the training was shown and what it made of it, folded under the report, loaded when opened."""

import gradio as gr

from cope_demo.config import FitConfig
from cope_demo.ui.component import panel, say
from cope_demo.ui.web.guard import explain_error

from . import fitting

NOTHING, FOLDED = say({"state": "none"}), say({"state": "folded"})
"""The panel where there is no fit, and where it has not been opened."""

CURVES = (
    ("oppu", "loss", "OPPU: loss", "nats a token", "How surprised it is by the person’s words, batch by batch."),
    ("dpo", "loss", "DPO: loss", "nats", "The preference loss: log 2, 0.69, is a coin’s toss between the two texts."),
    ("dpo", "margin", "DPO: margin", "chosen over rejected", "Beta times how much more the own text is preferred."),
)
"""Stage, curve, title, unit, and what it says."""


def behind_panel() -> gr.HTML:
    """The fold; its event "unfold" asks for `describe_details`."""
    return panel("behind", NOTHING, "behind")


def describe_details(service, user_id: str, whose: str) -> str:
    """The panel's value for a fitted user. It never raises. whose: "your", or a name with its genitive."""
    try:
        details = service.fit_details(user_id)
    except Exception as error:
        return say({"state": "problem", "message": explain_error(error)})
    report, settings = details["report"], details["settings"] or {}
    pairs = details["pairs"]
    held = sum(pair["part"] == "held_out" for pair in pairs)
    base, spent = details["base"], report.get("seconds", {})
    facts = [
        ["Base model", f"{base['name']}, in 4 bit (NF4); identity {base['identity']}"],
        ["Task adapter", details["task_adapter"] and _format_value(details["task_adapter"])],
        ["Texts", f"{len(pairs) - held} trained on, {held} held out and never trained on"],
        ["Held-out bits per token", ", ".join(f"{_NAMES[k]} {v:.3f}" for k, v in report["bits_per_token"].items())],
        ["Seconds by stage", ", ".join(f"{stage} {seconds:.0f}" for stage, seconds in spent.items())],
        ["Made", details["created"]],
        ["Versions", ", ".join(f"{name} {number}" for name, number in (details["versions"] or {}).items())],
    ]
    plots = [
        {"title": title, "unit": unit, "points": details["curves"][stage][name], "of": details["curves"][stage]["of"],
         "zero": name == "margin", "later": "not trained", "what": what}
        for stage, name, title, unit, what in CURVES
    ]  # fmt: skip
    return say(
        {
            "state": "open",
            "whose": whose,
            "report": fitting.explain_report(report, ""),
            "plots": plots,
            "pairs": pairs,
            "alpha": settings.get("negatives_alpha", FitConfig.negatives_alpha),
            "selection": settings.get("selection", FitConfig.selection),
            "source": settings.get("candidate_source", FitConfig.candidate_source),
            "facts": [[name, value] for name, value in facts if value],
            "settings": [[name, _format_value(value)] for name, value in settings.items()],
        }
    )


_NAMES = {"base": "base", "oppu": "OPPU", "cope": "CoPe"}


def _format_value(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_format_value(part)}" for name, part in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
