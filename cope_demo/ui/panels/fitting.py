"""One's own writing: what a fit will do, its progress, and its report in plain words."""

from dataclasses import dataclass, replace

import gradio as gr

from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES
from cope_demo.fit.judgement import judge_fit
from cope_demo.jobs.interface import FitRequest, JobStatus
from cope_demo.system.files import read_json_lines
from cope_demo.texts.history import parse_history
from cope_demo.ui.component import panel
from cope_demo.ui.visitor import FINAL, Fit, Visitor
from cope_demo.ui.web.guard import explain_error

from .blind_test import blind_panel
from .own import check_name, read_source
from .watching import describe_watched

STAGE_WORDS = {
    "history": ("Read the texts", "a few are held out, to check the fit on them"),
    "oppu": ("Learn the writing", "OPPU: a small adapter is trained on the texts"),
    "negatives": ("Hear base’s voice", "base answers the same instructions"),
    "dpo": ("Sharpen the difference", "DPO: the person’s text is preferred to base’s"),
    "report": ("Check on the held-out texts", "how well each model knows the person now"),
    "publish": ("Save", "only adapters, texts and numbers, no pickles"),
}


_LOSS = {"title": "Loss", "unit": "nats a token", "zero": False, "later": "drawn while the writing is learned"}
_MARGIN = {"title": "Margin", "unit": "own text over base’s", "zero": True, "later": "drawn while it is sharpened"}


@dataclass
class FitPanel:
    """The components of this part."""

    panel: gr.HTML
    start: gr.Button
    cancel: gr.Button
    delete: gr.Button
    blind: gr.HTML


def fit_panel() -> FitPanel:
    """Lays the part out; the page wires its events."""
    view = panel("fit", None, "fitting")
    with gr.Row(elem_classes="actions"):
        start = gr.Button("Start the fit", variant="primary", visible=False, elem_id="start-fit")
        cancel = gr.Button("Cancel the fit", visible=False, elem_id="cancel-fit")
        delete = gr.Button(name_deletion(None), size="sm", visible=False, elem_id="delete-fit")
    return FitPanel(view, start, cancel, delete, blind_panel())


def name_deletion(opened) -> str:
    """What the button that deletes says. opened: the chosen one, where it is from the hub (hub.find_opened)."""
    return "Delete these adapters here" if opened else "Delete this fit and its texts"


def describe_plan() -> dict:
    """What will happen, before a fit of the visitor's own texts. Nothing was measured here yet, so no time is named."""
    return {
        "state": "plan",
        "lines": [
            "A small adapter learns your writing (OPPU). Then base answers the same instructions, and a second round "
            "teaches the adapter to prefer your text to base’s (DPO).",
            "How long it takes depends on the machine: it is said here once the first steps have been timed.",
        ],
        "reload": "You may close or reload the page meanwhile; this browser finds the fit again.",
    }


def submit(service, text: str, file: tuple[str, bytes] | None, task: str, name: str) -> Fit:
    """Starts a fit in the job queue. Raises CopeError when the history or the name will not do."""
    name = check_name(name)
    source, filename = read_source(text, file)
    history = parse_history(source, filename, task)
    user = service.store.new_id()
    request = FitRequest(user, name, task, history.samples, service.model, service.seed)
    job = service.jobs.submit(request)
    return Fit(service.jobs.status(job).user_id, job, name, task)  # of the first press, where there were two


def find_saved_fit(service, user_id: str) -> Fit | None:
    """A visitor's saved user that this browser does not know; None where it is damaged."""
    try:
        user = service.store.open(user_id)
    except CopeError:
        return None
    return Fit(user_id, "", user.name, user.task, "done")


def find_unfinished_fits(service) -> list[Fit]:
    """A visitor's fits that wait or run."""
    return [
        Fit(status.user_id, status.id, request.name, request.task, status.state)
        for status, request in service.jobs.list_unfinished()
    ]


def refresh(service, fit: Fit) -> tuple[Fit, JobStatus | None]:
    """The fit's state as the queue knows it now, and the job's status where there is one."""
    if fit.state in FINAL:
        return fit, None
    try:
        status = service.jobs.status(fit.job)
    except CopeError as unknown:
        return _settle_without_job(service, fit, str(unknown)), None
    return replace(fit, state=status.state, error=status.error or ""), status


def _settle_without_job(service, fit: Fit, reason: str) -> Fit:
    """A fit whose job the queue has forgotten: done if it was published, else failed."""
    try:
        service.store.open(fit.user)
    except CopeError:
        return replace(fit, state="failed", error=reason)
    return replace(fit, state="done")


def describe_progress(status: JobStatus) -> dict:
    """A job as the panel draws it: stages with their shares, the loss of OPPU and the margin of DPO step by step."""
    reached, share, series, sizes, message = -1, 0.0, {"oppu": [], "dpo": []}, {"oppu": 1, "dpo": 1}, None
    for event in status.events:
        reached = STAGES.index(event["stage"])
        share = event["step"] / event["of"] if event["of"] else 0.0
        message = event.get("message") or message
        value = event.get("loss") if event["stage"] == "oppu" else event.get("margin")
        if event["stage"] in series and value is not None:
            series[event["stage"]].append([event["step"], value])
            sizes[event["stage"]] = event["of"]
    stages = [
        {
            "label": STAGE_WORDS[stage][0],
            "what": STAGE_WORDS[stage][1],
            "state": "waiting" if number > reached else "done" if number < reached or share >= 1 else "running",
            "share": 1.0 if number < reached else share if number == reached else 0.0,
        }
        for number, stage in enumerate(STAGES)
    ]
    return {
        "state": status.state,
        "position": status.position,
        "eta": status.eta,
        "message": message,
        "stages": stages,
        "watched": describe_watched(status.events),
        "plots": [
            {**_LOSS, "points": series["oppu"], "of": sizes["oppu"]},
            {**_MARGIN, "points": series["dpo"], "of": sizes["dpo"]},
        ],
    }


def describe_fit(service, visitor: Visitor, status: JobStatus | None = None) -> dict:
    """What step 2 shows for whom the visitor chose. `status` spares asking for the job again."""
    fit = visitor.find_fit(visitor.chosen)
    if fit and fit.state == "failed":
        return {"state": "failed", "message": fit.error or "The fit failed.", "lines": [AGAIN]}
    if fit and fit.state == "cancelled":
        return {"state": "cancelled", "message": "This fit was cancelled.", "lines": [AGAIN]}
    if fit and fit.state != "done":
        return describe_progress(status or service.jobs.status(fit.job))
    try:
        user = service.store.open(visitor.chosen)
        if user.origin:
            return describe_opened(user)
        watched = describe_watched(read_json_lines(user.folder / "events.jsonl"))
        return {"state": "done", "report": explain_report(user.report, user.name), "watched": watched}
    except CopeError as error:
        return {"state": "failed", "message": str(error)}
    except Exception as error:
        return {"state": "failed", "message": explain_error(error)}


def describe_opened(user) -> dict:
    """Adapters of the hub (a SavedUser): where they come from, and what is not known of them here."""
    report = explain_report(user.report, user.name) if user.report else None
    return {
        "state": "done",
        "message": f"From the Hugging Face hub: {user.origin['repo']}, commit {user.origin['revision'][:7]}",
        "lines": [
            PLAIN if user.origin["plain"] else PUSHED,
            "The person’s texts are not there, so nothing that needs them is offered: RAG, PAG, and how near a text is "
            "to their others.",
        ],
        **({"report": report} if report else {}),
    }


PLAIN = (
    "It is a single LoRA, so it stands for both adapters: the OPPU and the CoPe column are written by the same one, "
    "and differ by contrast alone. Nothing is known here of how it was trained."
)
PUSHED = "Both adapters are as they were pushed; the numbers are those that were pushed with them."
AGAIN = "To try again, choose “Your own writing” above and start a new fit."


def explain_report(data: dict, name: str) -> dict:
    """A fit's report.json in plain words."""
    bits, right = data["bits_per_token"], data["pairs_right"]
    whose = "your" if name in ("", "You") else f"{name}’s"
    held = f"{data['held_out']} of {whose} texts that the fit never saw"
    if bits["cope"] < bits["base"]:
        gain = 1 - bits["cope"] / bits["base"]
        lead = f"On {held}, CoPe is {gain:.0%} less surprised than base"
    else:
        lead = f"On {held}, CoPe is no less surprised than base"
    ranked = round(right["cope"] * data["pairs"])
    lead += f", and it ranks the real text above one of base’s in {ranked} of {data['pairs']} pairs."
    names = {"base": "Base", "oppu": "OPPU", "cope": "CoPe"}
    rows = [
        {"name": names[key], "bits": bits[key], "right": f"{right[key]:.0%}", "margin": f"{data['margin'][key]:+.2f}"}
        for key in names
    ]
    warning = None
    if data["held_out"] == 1:
        warning = "The numbers rest on a single text, so take them as a hint."
    elif data["train"] + data["held_out"] <= 15:
        warning = "These are few texts, so take the numbers with a grain of salt."
    return {
        "lead": f"{lead} It learned from {data['train']} texts.",
        "caption": "Bits per token say how surprised a model is by the person’s own words: lower is better. Told "
        "apart: how often their text ranks above base’s answer to the same instruction, and by how many "
        "nats a token; the adapters rank by how much more likely than base they find a text.",
        "judgement": judge_fit(data, whose),
        "rows": rows,
        "warning": warning,
    }
