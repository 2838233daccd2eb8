"""What the page shows after each thing a visitor does: their browser's memory in, new values for its parts out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import gradio as gr

from cope_demo.config import DecodeConfig
from cope_demo.errors import CopeError
from cope_demo.jobs.fairness import STILL_GOING
from cope_demo.jobs.interface import JobStatus
from cope_demo.saved.store import Card
from cope_demo.ui.web.guard import explain_error, open_service
from cope_demo.visitors.owners import Access

from . import links, settings, streams
from .component import say
from .panels import behind, fitting, lessons, more_columns, people, scoring, takeaway
from .visitor import FINAL, MAX_FITS, NEW, Visitor

PARTS = (
    "visitor", "banner", "timer", "people", "own", "fit", "start_fit", "cancel_fit", "delete_fit",
    "prompt", "examples", "length", "penalty", "columns", "text", "name", "file", "preview", "erased",
    "alpha", "tau", "temperature", "seed", "more", "link",
    "text_a", "text_b", "asked", "scored", "verdict", "take", "behind",
)  # fmt: skip
"""The parts of the page that follow from whom the visitor chose; an answer names those that change."""
LOADING = "The model is loading. You can look around and write a prompt meanwhile."
NOT_FITTED = "Fit this writing first (step 2), or choose a sample user."
FILLED = "{who}, the prompt and the settings are filled in below. Press Compare to write it anew."
CONTROLS = {"max_new_tokens": "length", "repetition_penalty": "penalty"}
"""Where the page's part for a setting has another name."""
ERASED = "All your fits, texts and adapters have been deleted, and this browser starts anew."

Answer = dict[str, object]


class Visit:
    """One turn of a visitor. What their browser remembers is not to be trusted."""

    def __init__(self, access: Access, memory, profile=None, request=None):
        """memory: the browser's value; profile: of the account that is logged in, where there is one."""
        self.visitor = Visitor.read(memory)
        self.service = open_service(access, self.visitor.secret, profile, request)

    def open(self, query: Mapping[str, str] | None = None) -> Answer:
        """A page load: whom this browser chose last, how its fits stand, and what the address's query asks for."""
        mine = self.service.store.owned()
        known = [fit for fit in self.visitor.fits if fit.state != "done" or fit.user in mine]  # others have expired
        fits = [fitting.refresh(self.service, fit)[0] for fit in known]
        new = [user for user in mine if not self.visitor.fit(user)]  # such as an account's, fitted in another browser
        fits += filter(None, (fitting.saved(self.service, user) for user in new[: MAX_FITS - len(fits)]))
        visitor = replace(self.visitor, fits=tuple(fits))
        try:
            link = links.read(query or {}, people.sample_cards(self.service))
        except CopeError as error:
            return {**self._choose(visitor, visitor.chosen), "link": say({"kind": "problem", "message": str(error)})}
        if link is None or link.lesson:
            shown = {"columns": lessons.opened(link.lesson)} if link else {}
            return {**self._choose(visitor, visitor.chosen, opening=True), **shown}
        return self._filled(visitor, link)

    def live(self, lesson: str) -> Answer:
        """The controls as a lesson was made with; the lesson stays in sight."""
        if lesson not in lessons.ORDER:
            return {}
        answer = self._filled(self.visitor, links.of_lesson(lessons.lesson(lesson)))
        return {name: value for name, value in answer.items() if name != "columns"}

    def pick(self, chosen: str, ticked: Sequence[str] = ()) -> Answer:
        """Another card was chosen; the further columns that were ticked stay so where this person has them."""
        return _with_columns(self._choose(self.visitor, chosen), ticked)

    def poll(self) -> Answer:
        """A look at the queue and the model; only what has changed is answered."""
        visitor = before = self.visitor
        shown: JobStatus | None = None
        for fit in visitor.fits:
            now, status = fitting.refresh(self.service, fit)
            visitor = visitor.with_fit(now)
            shown = status if fit.user == visitor.chosen else shown
        if visitor != before:
            now, then = visitor.fit(visitor.chosen), before.fit(visitor.chosen)
            return self._everything(visitor, shown, anew=now != then and now.state == "done")
        answer = {"banner": banner(self.service), "timer": self._timer(visitor)}
        return answer if shown is None else {**answer, "fit": say(fitting.progress(shown))}

    def start_fit(self, text: str, file, task: str, name: str) -> Answer:
        """Puts a fit into the queue and shows it."""
        visitor = self.visitor
        try:
            if any(fit.state not in FINAL for fit in visitor.fits):
                raise CopeError(STILL_GOING)
            fit = fitting.submit(self.service, text, file, task, name)
        except Exception as error:
            return _sorry(error)
        return self._choose(visitor.with_fit(fit), fit.user)

    def cancel_fit(self) -> Answer:
        """Cancels the chosen fit."""
        visitor = self.visitor
        fit = visitor.fit(visitor.chosen)
        if fit is None:
            return {}
        try:
            self.service.jobs.cancel(fit.job)
        except Exception as error:
            return _sorry(error)
        return self._everything(visitor.with_fit(fitting.refresh(self.service, fit)[0]))

    def delete_fit(self) -> Answer:
        """Deletes the chosen fit's folder and forgets the fit."""
        visitor = self.visitor
        fit = visitor.fit(visitor.chosen)
        if fit is None:
            return {}
        try:
            self.service.erase(fit.user)
        except Exception as error:
            return _sorry(error)
        return self._choose(visitor.without(fit.user), "")

    def erase(self) -> Answer:
        """Deletes all that is this visitor's, and forgets the browser."""
        try:
            self.service.erase()
        except Exception as error:
            return {"erased": say({"kind": "problem", "message": explain_error(error)})}
        blank = {"text": "", "name": "", "file": None, "preview": say({"state": "empty"})}
        blank |= {name: getattr(DecodeConfig, name) for name in ("alpha", "tau", "temperature", "seed")}
        blank |= {"text_a": "", "text_b": "", "asked": ""}
        told = say({"kind": "wait", "message": ERASED})
        return {**self._choose(Visitor.read(None), ""), **blank, "erased": told}

    def unfold(self) -> Answer:
        """Behind the chosen person's fit."""
        who = self.who()
        return {"behind": behind.data(self.service, self.visitor.chosen, "your" if who == "you" else f"{who}’s")}

    def example(self) -> Answer:
        """Two texts to score: the person's own, and base's."""
        try:
            if refusal := self.refusal():
                raise CopeError(refusal)
            found = scoring.pick_example(self.service, self.visitor.chosen)
        except Exception as error:
            return {"verdict": say({"state": "problem", "message": explain_error(error)})}
        return dict(zip(("text_a", "text_b", "asked"), found, strict=True))

    def take(self) -> Answer:
        """The chosen person's adapters, to take away."""
        return {"take": takeaway.data(self.service, self.visitor.chosen)}

    def who(self, visitor: Visitor | None = None) -> str:
        """The chosen person as the columns speak of them: a sample user's first name, or "you"."""
        card = self._card(visitor or self.visitor)
        return card.name.split()[0] if card else "you"

    def refusal(self, visitor: Visitor | None = None) -> str:
        """Why there is nothing to compare for this choice yet; "" when there is."""
        visitor = visitor or self.visitor
        fit = visitor.fit(visitor.chosen)
        return NOT_FITTED if visitor.chosen == NEW or (fit is not None and fit.state != "done") else ""

    def _choose(self, visitor: Visitor, chosen: str, opening: bool = False) -> Answer:
        cards = people.sample_cards(self.service)
        visitor = replace(visitor, chosen=people.known_choice(cards, visitor, chosen))
        who, refusal = self.who(visitor), self.refusal(visitor)
        columns = streams.show_idle(who, refusal, user=visitor.chosen, opening=opening)
        return {**self._everything(visitor, anew=True), "columns": columns, "link": say({"kind": "none"})}

    def _filled(self, visitor: Visitor, link: links.Link) -> Answer:
        """The link's user, prompt and settings in the controls; nothing is run."""
        answer = self._choose(visitor, link.user, opening=True)
        name = next(card.name.split()[0] for card in people.sample_cards(self.service) if card.id == link.user)
        answer |= {CONTROLS.get(name, name): value for name, value in link.settings.items()}
        answer = _with_columns(answer, link.columns)
        if link.prompt:
            answer["prompt"] = {**answer["prompt"], "value": link.prompt}
        return {**answer, "link": say({"kind": "wait", "message": FILLED.format(who=name)})}

    def _everything(self, visitor: Visitor, status: JobStatus | None = None, anew: bool = False) -> Answer:
        """All parts for this visitor; with `anew` also an empty comparison with its prompt and defaults."""
        fit = visitor.fit(visitor.chosen)
        new, going = visitor.chosen == NEW, fit is not None and fit.state not in FINAL
        answer = {
            "visitor": visitor.to_json(),
            "banner": banner(self.service),
            "timer": self._timer(visitor),
            "people": people.data(self.service, people.sample_cards(self.service), visitor),
            "own": gr.update(visible=new),
            "fit": say(fitting.plan() if new else fitting.view(self.service, visitor, status)),
            "start_fit": gr.update(visible=new),
            "cancel_fit": gr.update(visible=going),
            "delete_fit": gr.update(visible=fit is not None and not going),
        }
        return {**answer, **self._comparison(visitor)} if anew else answer

    def _comparison(self, visitor: Visitor) -> Answer:
        card, fit = self._card(visitor), visitor.fit(visitor.chosen)
        task = settings.choose_task(card.task if card else fit.task if fit else "")
        prompts = list(card.prompts) if card else [task.example_prompt]
        first, who = settings.choose_defaults(task), self.who(visitor)
        return {
            "prompt": gr.update(value=prompts[0] if prompts else "", info=task.instruction),
            "examples": say({"label": "Or try", "prompts": prompts}),
            "length": first.max_new_tokens,
            "penalty": first.repetition_penalty,
            "more": more_columns.offered(self.service, "" if self.refusal(visitor) else visitor.chosen, who),
            "columns": streams.show_idle(who, self.refusal(visitor)),
            "scored": scoring.show_empty(who),
            "verdict": scoring.EMPTY,
            "take": takeaway.NOTHING if self.refusal(visitor) else takeaway.READY,
            "behind": behind.NOTHING if self.refusal(visitor) else behind.FOLDED,
        }

    def _card(self, visitor: Visitor) -> Card | None:
        return next((card for card in people.sample_cards(self.service) if card.id == visitor.chosen), None)

    def _timer(self, visitor: Visitor):
        loading = not self.service.ready() and not self.service.problem()
        return gr.Timer(active=loading or any(fit.state not in FINAL for fit in visitor.fits))


def banner(service) -> str:
    """The line across the page: that the model loads, or why there is none."""
    if problem := service.problem():
        return say({"kind": "problem", "message": problem})
    if service.ready():
        return say({"kind": "none", "message": ""})
    return say({"kind": "wait", "message": LOADING})


def _with_columns(answer: Answer, wanted: Sequence[str]) -> Answer:
    """The answer with these of the further columns ticked, where they are offered."""
    offered = [name for _, name in answer["more"]["choices"]]
    return {**answer, "more": {**answer["more"], "value": [name for name in wanted if name in offered]}}


def _sorry(error: BaseException) -> Answer:
    """Everything stays; step 2 says what went wrong."""
    return {"fit": say({"state": "failed", "message": explain_error(error)})}
