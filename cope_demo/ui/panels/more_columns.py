"""The choice of further columns beside the three."""

from collections.abc import Iterable

import gradio as gr

from cope_demo.decode.methods import METHODS, list_optional
from cope_demo.decode.prompting import EXAMPLES
from cope_demo.errors import CopeError
from cope_demo.service.offered import explain_left_out


def more_columns() -> gr.CheckboxGroup:
    """The boxes to tick, none of them ticked; `offer_columns` says which of them a person has."""
    choices = _list_choices(list_optional())
    return gr.CheckboxGroup(choices, value=[], label="More columns", info=_explain_columns("you", {}), elem_id="more")


def offer_columns(service, user_id: str, who: str):
    """The further columns that mean something for this person, none of them chosen, and why others are left out.

    service: as the visitor may use it (owners.OwnService). user_id: "" while there is nobody to compare.
    """
    try:
        missing = explain_left_out(service.store.open(user_id)) if user_id else {}
    except CopeError:
        missing = {}  # the comparison itself will say what is wrong
    choices = _list_choices(name for name in list_optional() if name not in missing)
    return gr.update(choices=choices, value=[], info=_explain_columns(who, missing))


def _explain_columns(who: str, missing: dict[str, str]) -> str:
    whose = "your" if who == "you" else f"{who}’s"
    what = f"RAG: with the {EXAMPLES} most similar of {whose} texts in the prompt. PAG: with a written profile as well."
    sentences = dict.fromkeys(missing.values())
    prompted = any(METHODS[name].prompt for name in list_optional() if name not in missing)
    return " ".join([*([what] if prompted else []), *sentences])


def _list_choices(names: Iterable[str]) -> list[tuple[str, str]]:
    """The boxes: what a person reads, and the column's name."""
    return [(METHODS[name].label, name) for name in names]
