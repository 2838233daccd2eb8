"""Whose a visitor's users and fits are, and the only way to get at them.

A browser holds 256 random bits, the secret; the server keeps their SHA-256 beside what the browser has made, and
nothing else. Where people log in, an account's hash may stand in its place. Page and API never see a Service itself:
they get an OwnService, which answers for strange users and fits exactly as if they did not exist.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timezone
from hmac import compare_digest
from inspect import isgenerator
from typing import TYPE_CHECKING

from cope_demo.config import read_keep_days
from cope_demo.errors import CopeError
from cope_demo.jobs.interface import FitRequest, JobStatus
from cope_demo.jobs.job_folder import UNKNOWN_JOB, JobFolder
from cope_demo.saved.store import Card, SavedUser

from .address_share import AddressShare
from .key import GivenUp, Key
from .limits import AT_ONCE, AT_ONCE_BY_ADDRESS, Limits

if TYPE_CHECKING:
    from cope_demo.hub.push import Pushed

SECRET = re.compile("[0-9a-f]{64}")
FREE = frozenset({"model", "seed", "ready", "problem", "describe_arithmetic", "pass_seconds"})
"""What every visitor may know of a service: it concerns no user."""
CHECKED = frozenset({"compare", "resume", "score", "look_up", "likeness", "fit_details", "adapters_zip"})
"""What a visitor may call for a sample user or a user of their own. Each takes the user's id first, and where it takes
another user's, by the name `against`."""


def new_secret() -> str:
    """256 random bits in hex: what a browser keeps."""
    return secrets.token_hex(32)


def owner_of_secret(secret) -> str:
    """What the server keeps of a browser's secret: 64 hex digits; "" for anything that is no secret."""
    if not isinstance(secret, str) or not SECRET.fullmatch(secret):
        return ""
    return hashlib.sha256(f"browser {secret}".encode()).hexdigest()


def owner_of_account(profile) -> str:
    """The same for a Hugging Face account, from its profile as Gradio passes it (OAuthProfile); "" for None."""
    if profile is None:
        return ""
    return hashlib.sha256(f"account {profile['sub']}".encode()).hexdigest()


class Access:
    """The way to a service. Whoever has only this can do nothing without saying for whom."""

    def __init__(self, service, forget: Callable[[str], None] = lambda user_id: None):
        """forget: is told the id of every user that a visitor deletes, so that whoever holds more of them drops it."""
        self._service, self._limits, self._forget = service, Limits(), forget
        self._share, self._given_up = AddressShare(), GivenUp()

    def of(self, secret=None, profile=None, address: str = "") -> "OwnService":
        """The service as the holder of this secret, or of this account, may use it; new fits are the account's.

        Whoever has no secret gets a new one. What is not a secret opens nothing but the sample users.
        address: where the request came from, for the limits.
        """
        known = tuple(filter(None, (owner_of_account(profile), owner_of_secret(secret))))
        caller = Caller(self._limits, known[0] if known else address, address, self._share)
        secret = secret or new_secret()
        owner = owner_of_secret(secret)
        key = Key(owner, known or tuple(filter(None, [owner])), self._given_up)
        return OwnService(self._service, secret, key, caller, self._forget)


@dataclass(frozen=True)
class Caller:
    """Whose use counts: `visitor` and `address` as limits.py has them. share: see address_share.py."""

    limits: Limits
    visitor: str
    address: str
    share: AddressShare

    def take(self, kind: str) -> None:
        """See limits.Limits."""
        self.limits.take(kind, self.visitor, self.address)

    def give_back(self, kind: str) -> None:
        """See limits.Limits."""
        self.limits.give_back(kind, self.visitor, self.address)


class OwnService:
    """A Service for one visitor, the holder of `secret`: the sample users, and what is theirs.

    Of the service's own methods it has those in FREE and those in CHECKED, the latter behind a check of the user's id
    and within the limits of a comparison. All others are closed.
    """

    def __init__(self, service, secret: str, key: Key, caller: Caller, forget: Callable[[str], None]):
        self._service, self.secret, self._key, self.caller = service, secret, key, caller
        self.store = OwnStore(service, key.owners, forget)
        self.jobs = OwnJobs(service, key, caller)

    def __getattr__(self, name: str):
        if name in FREE:
            return getattr(self._service, name)
        if name not in CHECKED:
            raise AttributeError(f"visitors cannot use {name!r}")
        method = getattr(self._service, name)

        def call_checked(user_id, *args, against="", **kwargs):
            self.store.check(user_id)
            if against:
                self.store.check(against)
                kwargs["against"] = against
            self.caller.take("compare")
            result = method(user_id, *args, **kwargs)
            return self._stream(self.caller.visitor, result) if isgenerator(result) else result

        return call_checked

    def open_adapters(self, address: str, token: str | None = None) -> SavedUser:
        """Adapters of the hub (owner/name@revision) as a user of this visitor's; see service.opening.

        token: the visitor's own, None to see what everybody may. Raises CopeError for whoever has no proper secret.
        """
        owners = self._key.check()
        self.caller.take("hub")
        user = self._service.open_adapters(address, owners, token)
        if self._key.given_up:  # while they came
            self.store.delete(user.id)
        self._key.check()
        return user

    def push_adapters(self, user_id: str, repo: str, token: str, private: bool = True) -> "Pushed":
        """A sample user's or the visitor's own adapters to their account; see hub.push. token: the visitor's own."""
        self.store.check(user_id)
        self.caller.take("hub")
        return self._service.push_adapters(user_id, repo, token, private)

    def surprise(self, *asked) -> Iterator:
        """See service.Service: it concerns no user, so whoever asks may read texts of their own under base."""
        self.caller.take("surprise")
        return self._stream(f"{self.caller.visitor} surprise", self._service.surprise(*asked))

    def _stream(self, who: str, stream: Generator) -> Iterator:
        known = self.caller.visitor != self.caller.address  # else a whole class may be behind it
        return self.caller.limits.streaming(who, stream, AT_ONCE if known else AT_ONCE_BY_ADDRESS)

    @property
    def given_up(self) -> bool:
        """See Key."""
        return self._key.given_up

    def give_up(self) -> None:
        """Removes all that is the visitor's; what still comes with this secret makes nothing new. Raises as `erase`."""
        self._key.all_given_up.add(self._key.browser)  # first, so that what is made meanwhile is erased or refused
        try:
            self.erase()
        except BaseException:
            self._key.all_given_up.discard(self._key.browser)
            raise

    def erase(self, user_id: str | None = None) -> dict[str, int]:
        """Removes all that is the visitor's: fits that wait, run or have ended, saved users, what memory holds of them.

        user_id: only what belongs to this user. Returns how many {"fits", "users"}. Raises CopeError when a fit does
        not end.
        """
        jobs = [job.id for job in JobFolder.list_owned(self._key.owners) if user_id in (None, job.user_id)]
        if jobs:
            self._service.jobs.forget(jobs)  # first, so that none of them is saved after the others have gone
        users = [user for user in self.store.owned() if user_id in (None, user)]
        for user in users:
            self.store.delete(user)
        return {"fits": len(jobs), "users": len(users)}


class OwnStore:
    """A Store for one visitor."""

    def __init__(self, service, owners: tuple[str, ...], forget: Callable[[str], None]):
        self._service, self._store, self._owners, self._forget = service, service.store, owners, forget

    def new_id(self) -> str:
        """See store.Store."""
        return self._store.new_id()

    def samples(self) -> list[Card]:
        """See store.Store."""
        return self._store.samples()

    def check(self, user_id: str) -> None:
        """Raises CopeError, the one for an unknown user, unless it is a sample user or the visitor's own."""
        owner = self._store.owner(user_id)
        free = owner is None and self._store.is_sample(user_id)
        if not free and not _among(owner or "", self._owners):
            raise self._store.unknown_error(user_id)

    def open(self, user_id: str) -> SavedUser:
        """See store.Store."""
        self.check(user_id)
        return self._store.open(user_id)

    def owned(self) -> list[str]:
        """The ids of the visitor's own users."""
        return self._store.list_owned(self._owners)

    def expires(self, user_id: str) -> date:
        """The day on which a user of the visitor's will be deleted by itself, in UTC."""
        self.check(user_id)
        moment = self._store.read_save_time(user_id) + 86400 * read_keep_days()
        return datetime.fromtimestamp(moment, timezone.utc).date()

    def delete(self, user_id: str) -> None:
        """See store.Store; what the service holds of the user in memory goes as well."""
        self.check(user_id)
        self._store.delete(user_id)
        self._service.forget(user_id)
        self._forget(user_id)


class OwnJobs:
    """Jobs for one visitor."""

    def __init__(self, service, key: Key, caller: Caller):
        self._jobs, self._key, self._owners, self._caller = service.jobs, key, key.owners, caller

    def submit(self, request: FitRequest) -> str:
        """See jobs.Jobs; the fit belongs to this visitor. Raises CopeError for whoever has given no proper secret."""
        owner, *_ = self._key.check()

        def submit() -> str:
            self._caller.take("fit")
            try:
                return self._jobs.submit(replace(request, owner=owner))
            except BaseException:  # such as a full queue: nothing was fitted
                self._caller.give_back("fit")
                raise

        job = self._caller.share.submit(self._caller.address, submit, self._waits)
        if self._key.given_up:  # while it was submitted
            self._jobs.forget([job])
        self._key.check()
        return job

    def status(self, job_id: str) -> JobStatus:
        """See jobs.Jobs."""
        self._check(job_id)
        return self._jobs.status(job_id)

    def cancel(self, job_id: str) -> None:
        """See jobs.Jobs."""
        self._check(job_id)
        self._jobs.cancel(job_id)

    def list_unfinished(self) -> list[tuple[JobStatus, FitRequest]]:
        """This visitor's fits that wait or run, the oldest first, with what was asked for."""
        found = []
        for job in sorted(JobFolder.list_owned(self._owners), key=lambda job: job.last_change):
            with suppress(CopeError, OSError):  # what was asked for goes when a fit ends
                found.append((self._jobs.status(job.id), job.request()))
        return [(status, request) for status, request in found if status.state in ("queued", "running")]

    def _waits(self, job_id: str) -> bool:
        try:
            return self._jobs.status(job_id).state == "queued"
        except CopeError:  # deleted
            return False

    def _check(self, job_id: str) -> None:
        if not _among(self._jobs.owner(job_id), self._owners):
            raise CopeError(UNKNOWN_JOB)


def _among(owner: str, owners: tuple[str, ...]) -> bool:
    """Whether `owner` is one of them; nobody owns what has no owner. Takes the same time whichever it is."""
    return bool(owner) & any([compare_digest(owner, mine) for mine in owners])
