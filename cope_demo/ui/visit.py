"""A visitor's turns: what their browser remembers goes in, new values for the page's parts come out (answers.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cope_demo.config import DecodeConfig
from cope_demo.errors import CopeError
from cope_demo.jobs.fairness import STILL_GOING
from cope_demo.jobs.interface import JobStatus
from cope_demo.ui.web.guard import explain_error, open_service
from cope_demo.visitors.owners import Access

from . import answers, links
from .component import say
from .panels import against, behind, comeback, fitting, hub, lessons, people, scoring, takeaway
from .parts import Answer, make_answer
from .visitor import FINAL, MAX_FITS, NEW, Fit, Visitor

ERASED = "All your fits, texts and adapters have been deleted, and this browser starts anew."


class Visit:
    """One turn of a visitor. What their browser remembers is not to be trusted.

    Parameters that have the name of a part of the page (PageParts) are that part's value.
    """

    def __init__(self, access: Access, memory, profile=None, request=None):
        """memory: the browser's value; profile: of the account that is logged in, where there is one."""
        self.visitor = Visitor.read(memory)
        self.service = open_service(access, self.visitor.secret, profile, request)
        self.late = self.service.given_up  # sent before this browser deleted everything: then it knows nothing any more
        if self.late:
            self.visitor = Visitor.read(None)
            self.service = open_service(access, self.visitor.secret, profile, request)

    def open(self, query: Mapping[str, str] | None = None) -> Answer:
        """A page load: whom this browser chose last, how its fits stand, and what the address's query asks for."""
        visitor = self._find_fits()
        try:
            link = links.read(query or {}, people.read_sample_cards(self.service))
        except CopeError as error:
            answer = answers.show_choice(self.service, visitor, visitor.chosen)
            return make_answer(answer, link=say({"kind": "problem", "message": str(error)}))
        if link is not None and link.user:
            return answers.fill_from_link(self.service, visitor, link)
        answer = answers.show_choice(self.service, visitor, visitor.chosen, opening=True)
        if link is not None and link.adapter:
            return make_answer(answer, hub=hub.open_at_once(links.select_known(query)))
        return make_answer(answer, columns=lessons.render_lesson(link.lesson)) if link else answer

    def _find_fits(self) -> Visitor:
        """The visitor with their fits as they stand now, and with those that this browser does not know."""
        mine = self.service.store.owned()
        known = [fit for fit in self.visitor.fits if fit.state != "done" or fit.user in mine]  # others have expired
        fits = [fitting.refresh(self.service, fit)[0] for fit in known]
        # Such as an account's, fitted in another browser, or all of them where a browser has kept nothing.
        new = [user for user in mine if not self.visitor.find_fit(user)][: MAX_FITS - len(fits)]
        fits += filter(None, (fitting.find_saved_fit(self.service, user) for user in new))
        going = [fit for fit in fitting.find_unfinished_fits(self.service) if not self.visitor.find_fit(fit.user)]
        return replace(self.visitor, fits=(*fits, *going)[-MAX_FITS:])

    def come_back(self) -> Answer:
        """The page for whoever has given, as their secret, the key to fits that their browser has forgotten."""
        visitor = self._find_fits()
        if not visitor.fits:
            return make_answer(key=comeback.refuse_key(comeback.NOTHING_THERE))
        return answers.show_choice(self.service, visitor, visitor.fits[-1].user)

    def fill_from_lesson(self, lesson: str) -> Answer:
        """The controls as a lesson was made with; the lesson stays in sight."""
        if lesson not in lessons.ORDER:
            return {}
        link = links.from_lesson(lessons.read_lesson(lesson))
        answer = answers.fill_from_link(self.service, self.visitor, link)
        return {name: value for name, value in answer.items() if name != "columns"}

    def pick(self, chosen: str, more: Sequence[str] = ()) -> Answer:
        """Another card was chosen; the further columns that were ticked stay so where this person has them."""
        answer = answers.tick_columns(answers.show_choice(self.service, self.visitor, chosen), more)
        return make_answer(answer, ways=answers.go_to("own")) if chosen == NEW else answer

    def poll(self, more: Sequence[str] = ()) -> Answer:
        """A look at the queue and the model; only what has changed is answered."""
        if self.late:
            return self._start_anew()
        visitor = before = self.visitor
        status: JobStatus | None = None  # of the chosen fit's job
        for fit in visitor.fits:
            now, latest = fitting.refresh(self.service, fit)
            visitor = visitor.with_fit(now)
            status = latest if fit.user == visitor.chosen else status
        if visitor == before:
            timer = answers.set_timer(self.service, visitor)
            answer = make_answer(banner=answers.describe_model(self.service), timer=timer)
            return answer if status is None else make_answer(answer, fit=say(fitting.describe_progress(status)))
        answer = answers.show_visitor(self.service, visitor, status)
        now, then = visitor.find_fit(visitor.chosen), before.find_fit(visitor.chosen)
        if now != then and now.state == "done":
            answer = make_answer(answer, answers.show_finished_fit(self.service, visitor, more))
        return answer

    def start_fit(self, text: str, file, task: str, name: str) -> Answer:
        """Puts a fit into the queue and shows it."""
        if self.late:
            return self._start_anew()
        try:
            if any(fit.state not in FINAL for fit in self.visitor.fits):
                raise CopeError(STILL_GOING)
            fit = fitting.submit(self.service, text, file, task, name)
        except Exception as error:
            return answers.show_failure(error)
        visitor = self._find_fits().with_fit(fit)  # anew, as this may have waited for long
        return make_answer(answers.show_choice(self.service, visitor, fit.user), ways=answers.go_to("fit"))

    def cancel_fit(self) -> Answer:
        """Cancels the chosen fit."""
        fit = self.visitor.find_fit(self.visitor.chosen)
        if fit is None:
            return {}
        try:
            self.service.jobs.cancel(fit.job)
        except Exception as error:
            return answers.show_failure(error)
        return answers.show_visitor(self.service, self.visitor.with_fit(fitting.refresh(self.service, fit)[0]))

    def delete_fit(self) -> Answer:
        """Deletes the chosen fit's folder, and the texts as they were given; forgets the fit."""
        fit = self.visitor.find_fit(self.visitor.chosen)
        if fit is None:
            return {}
        opened = hub.find_opened(self.service, fit.user)
        try:
            self.service.erase(fit.user)
        except Exception as error:
            return answers.show_failure(error)
        answer = answers.show_choice(self.service, self.visitor.without_fit(fit.user), "")
        return answer if opened else make_answer(answer, answers.NO_TEXTS)

    def erase(self) -> Answer:
        """Deletes all that is this visitor's, and forgets the browser."""
        try:
            self.service.give_up()
        except Exception as error:
            return make_answer(erased=say({"kind": "problem", "message": explain_error(error)}))
        return make_answer(
            answers.show_choice(self.service, Visitor.read(None), ""),
            {name: getattr(DecodeConfig, name) for name in ("alpha", "tau", "temperature", "seed")},
            answers.NO_TEXTS,
            name="",
            hub=hub.CLOSED,
            text_a="",
            text_b="",
            asked="",
            erased=say({"kind": "wait", "message": ERASED}),
            ways=answers.NOWHERE,
        )

    def _start_anew(self) -> Answer:
        """The page of a browser that knows nothing."""
        return answers.show_choice(self.service, self.visitor, "")

    def unfold(self) -> Answer:
        """Behind the chosen person's fit."""
        who = self.name_person()
        whose = "your" if who == "you" else f"{who}’s"
        return make_answer(behind=behind.describe_details(self.service, self.visitor.chosen, whose))

    def fill_example(self) -> Answer:
        """Two texts to score: the person's own, and base's."""
        try:
            if refusal := self.explain_refusal():
                raise CopeError(refusal)
            own, generic, prompt = scoring.pick_example(self.service, self.visitor.chosen)
        except Exception as error:
            return make_answer(verdict=say({"state": "problem", "message": explain_error(error)}))
        return make_answer(text_a=own, text_b=generic, asked=prompt)

    def offer_adapters(self) -> Answer:
        """The chosen person's adapters, to take away."""
        return make_answer(take=takeaway.offer_link(self.service, self.visitor.chosen))

    def push_adapters(self, profile, token, asked: Mapping) -> Answer:
        """The chosen person's adapters, to the account that is logged in; profile, token: its own, or None."""
        return make_answer(take=takeaway.push(self.service, self.visitor.chosen, profile, token, asked))

    def open_adapters(self, query: Mapping[str, str], token=None) -> Answer:
        """Adapters of the hub become a fit of this visitor's, with whatever else a link to them says.

        query: of the link; from the page's field the address alone.
        """
        if self.late:
            return self._start_anew()
        try:
            cards = people.read_sample_cards(self.service)
            link = links.read({"adapter": " ", **links.select_known(query)}, cards)
            user = self.service.open_adapters(link.adapter, token and token.token)
        except Exception as error:
            return make_answer(hub=hub.refuse(query.get("adapter"), explain_error(error)))
        visitor = self._find_fits()  # anew, as a fit may have been started while the hub was asked
        visitor = visitor.with_fit(Fit(user.id, "", user.name, user.task, "done"))
        answer = answers.fill_from_link(self.service, visitor, replace(link, user=user.id))
        return make_answer(answer, hub=hub.CLOSED, ways=answers.go_to("compare" if link.prompt else "fit"))

    def name_person(self) -> str:
        """See answers.name_person."""
        return answers.name_person(self.service, self.visitor)

    def name_other(self, user_id: str) -> str:
        """See against.name_other; "" for nobody."""
        cards = people.read_sample_cards(self.service)
        return against.name_other(cards, self.visitor, user_id, self.name_person()) if user_id else ""

    def explain_refusal(self) -> str:
        """See answers.explain_refusal."""
        return answers.explain_refusal(self.visitor)
