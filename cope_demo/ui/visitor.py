"""What a visitor's own browser remembers: the secret by which it owns its fits, which these are, and whom it chose."""

from dataclasses import asdict, dataclass, field, replace

import gradio as gr

from cope_demo import paths
from cope_demo.visitors.owners import SECRET, new_secret

STORAGE_KEY = "cope-demo"
SEAL = "this is no secret"
"""What Gradio encrypts a browser's memory with. It sends this to every page, so it hides nothing from anybody; what
guards a browser's memory is that no other site can read it."""
NEW = "new"
"""The choice of giving one's own history."""
MAX_FITS = 4
MAX_NAME = 40
FINAL = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Fit:
    """One fit of this visitor. state is a JobStatus state; error a sentence where it failed."""

    user: str
    job: str
    name: str
    task: str
    state: str = "queued"
    error: str = ""


@dataclass(frozen=True)
class Visitor:
    """secret: see owners.py. chosen: a sample user's id, the id of a fit's user, NEW, or "" at a first visit."""

    secret: str
    chosen: str = ""
    fits: tuple[Fit, ...] = field(default=())

    @classmethod
    def read(cls, value) -> "Visitor":
        """From the browser's value, which anybody may have edited: what is not as we wrote it is dropped.

        A browser without a secret gets one and keeps no fits: it could not get at them anyway.
        """
        if not isinstance(value, dict):
            return cls(new_secret())
        fits, names = [], Fit.__dataclass_fields__
        for row in value.get("fits") or []:
            if isinstance(row, dict) and set(row) == set(names) and all(isinstance(v, str) for v in row.values()):
                fits.append(Fit(**row))
        secret, chosen = value.get("secret"), value.get("chosen")
        chosen = chosen if isinstance(chosen, str) else ""
        if not isinstance(secret, str) or not SECRET.fullmatch(secret):
            return cls(new_secret(), chosen)
        return cls(secret, chosen, tuple(fits[-MAX_FITS:]))

    def to_json(self) -> dict:
        """As the browser keeps it."""
        return asdict(self)

    def find_fit(self, user_id: str) -> Fit | None:
        """The visitor's fit of that user."""
        return next((fit for fit in self.fits if fit.user == user_id), None)

    def with_fit(self, fit: Fit) -> "Visitor":
        """With this fit added, or in the place of its older state."""
        others = tuple(f for f in self.fits if f.user != fit.user)
        if len(others) < len(self.fits):
            return replace(self, fits=tuple(fit if f.user == fit.user else f for f in self.fits))
        return replace(self, fits=(*others, fit)[-MAX_FITS:])

    def without_fit(self, user_id: str) -> "Visitor":
        """Without that fit."""
        return replace(self, fits=tuple(fit for fit in self.fits if fit.user != user_id))


def browser_state() -> gr.BrowserState:
    """The browser's store. Key and seal stay the same over restarts, or everybody's fits would be lost to them."""
    return gr.BrowserState(None, storage_key=STORAGE_KEY, secret=_read_seal())


def _read_seal() -> str:
    """SEAL, or what an earlier version made in its place: browsers that it served read their memory with that alone."""
    path = paths.data_dir() / "browser-secret"
    return (path.read_text() if path.exists() else "") or SEAL
