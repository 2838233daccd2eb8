"""A service without a model for the page's tests: a real store, and comparisons and fits that follow a script."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from cope_demo.decode.methods import COLUMNS, METHODS
from cope_demo.decode.trace import Alternative, Column, ColumnEnd, TokenEvent, Trace, TraceToken
from cope_demo.errors import CopeError
from cope_demo.hub.address import read_address
from cope_demo.hub.push import push_adapters
from cope_demo.jobs.interface import FitRequest, JobStatus
from cope_demo.jobs.job_folder import UNKNOWN_JOB
from cope_demo.saved.export import write_zip
from cope_demo.saved.fit_details import read_fit_details
from cope_demo.saved.folder import FILES
from cope_demo.saved.store import Store
from cope_demo.service import opening
from cope_demo.service.surprise import MAX_TEXTS, SurprisingText
from cope_demo.visitors.owners import owner_of_secret

REPORT = {
    "train": 36,
    "held_out": 4,
    "bits_per_token": {"base": 6.0, "oppu": 4.8, "cope": 4.5},
    "pairs": 12,
    "pairs_right": {"base": 0.25, "oppu": 0.75, "cope": 0.9167},
    "margin": {"base": -3.1, "oppu": 1.2, "cope": 1.9},
}
CARD = {
    "name": "Ada Lint",
    "occupation": "Tester",
    "about": "She writes of <b>seams</b>. Ada is fictional.",
    "task": "free_writing",
    "prompts": ["Write a post about seams.", "Write a post about ${1+1} <img src=x onerror=window.hit=1>."],
    "fictional": True,
}


EVENTS = [
    {"stage": stage, "step": step, "of": 3, "loss": 4.0 - step, "margin": step / 9 if stage == "dpo" else None}
    for stage in ("oppu", "dpo")
    for step in (1, 2, 3)
]
PAIRS = [
    {
        "part": "held_out" if number == 3 else "train",
        "prompt": f"Write a post about seam {number}.",
        "chosen": f"My own words <b>{number}</b>.",
        "rejected": "I am excited to share ${1+1}.",
        "chosen_reward": -2.5,
        "rejected_reward": -3.5,
        "rejected_ids": [1],
        "candidates": [{"text": "I am excited to share ${1+1}.", "reward": -3.5, "ids": [1]}]
        + [{"text": "Seams are great!", "reward": -3.0, "ids": [2]}],
    }
    for number in range(4)
]


HOSTILE = [
    '<img src=x onerror="window.hit=1">',
    "</script><script>window.hit=1</script>",
    "${window.hit=1}",
    "{{#if 1}}{{window.hit}}",
    "`;window.hit=1;`",
    "\ud800\u202e",
]
"""Texts that would run, break a template or break out of a string where text becomes markup or code."""


def messages(text: str) -> list[dict]:
    """The messages of the token view's value (ui/wire.py)."""
    return [json.loads(row) for row in text.splitlines()]


SECRET = "5ec7e7" + 58 * "0"
"""A browser's secret."""


def publish(store: Store, scratch: Path, user: str, name: str, secret: str = SECRET, owner: str = "") -> None:
    """A saved user of this secret's, or of `owner` as the store keeps it, with real hashes and empty adapters."""
    for file in FILES:
        (scratch / file).parent.mkdir(parents=True, exist_ok=True)
        rows = {"pairs.jsonl": PAIRS, "events.jsonl": EVENTS, "report.json": [REPORT]}.get(file, [{}])
        (scratch / file).write_text("".join(json.dumps(row) + "\n" for row in rows))
    base = {"name": "none", "identity": "none@0"}
    manifest = {"user": user, "name": name, "task": "free_writing", "base": base, "report": REPORT, "created": ""}
    manifest |= {"settings": {"negatives_alpha": 0.1, "selection": "lowest"}, "versions": {"peft": "0"}}
    store.publish(scratch, user, {**manifest, "owner": owner or owner_of_secret(secret)})


def token(text: str, alpha: float = 0.1, user: float = -0.5, base: float = -3.0, number: int = 0) -> TraceToken:
    """A token with three alternatives, its own first. user, base: its log-probabilities."""

    def other(piece: str, user: float, base: float, token_id: int) -> Alternative:
        reward = user - alpha * base
        return Alternative(token_id, piece, user, base, reward, reward, user > -3)

    mine = other(text, user, base, 7 + number)
    others = (mine, other(" the", -1.5, -0.4, 1), other("\n", -6.0, -2.0, 2))
    return TraceToken(mine.id, text, mine.logp_user, mine.logp_base, mine.reward, mine.score, True, 2, others)


class Jobs:
    """Fits whose states a test sets."""

    def __init__(self):
        self.requests: list[FitRequest] = []
        self.statuses: dict[str, JobStatus] = {}
        self.down = False
        self.owners: dict[str, str] = {}

    def submit(self, request: FitRequest) -> str:
        self.requests.append(request)
        job = f"job{len(self.requests)}"
        self.owners[job] = request.owner
        self.set(job, request.user_id, "queued", position=1)
        return job

    def set(self, job: str, user: str, state: str, position=None, stage=None, eta=None, events=(), error=None) -> None:
        self.statuses[job] = JobStatus(job, user, state, position, stage, eta, list(events), error)

    def status(self, job: str) -> JobStatus:
        if job not in self.statuses:
            raise CopeError(UNKNOWN_JOB)
        return self.statuses[job]

    def owner(self, job: str) -> str:
        self.status(job)
        return self.owners.get(job, owner_of_secret(SECRET))

    def cancel(self, job: str) -> None:
        self.set(job, self.status(job).user_id, "cancelled")

    def forget(self, jobs: list[str]) -> None:
        for job in jobs:
            del self.statuses[job]

    def check(self) -> None:
        if self.down:
            raise OSError("no queue")

    def close(self) -> None:
        pass


class Service:
    """What the page calls. pieces: the tokens' texts by method; fail_after: raises this error after as many steps."""

    model, seed, pass_seconds = None, 0, None

    def __init__(self, root: Path):
        self.store = Store(root / "users", root / "samples")
        publish(Store(root / "samples", root / "none"), root / "scratch", "ada", CARD["name"])
        (root / "samples" / "ada" / "card.json").write_text(json.dumps(CARD))
        self.jobs = Jobs()
        self.reset()

    def reset(self) -> None:
        """The script as it stands at first."""
        self.pieces = {method: [" stitch", " in", " time"] for method in COLUMNS}
        self.loaded, self.trouble = True, None
        self.fail_after: tuple[int, Exception] | None = None
        self.pause = lambda step: None
        self.closed = 0
        self.forgotten: list[str] = []

    def describe_arithmetic(self) -> str:
        return "as the script says"

    def ready(self) -> bool:
        return self.loaded

    def problem(self) -> str | None:
        return self.trouble

    def forget(self, user_id) -> None:
        self.forgotten.append(user_id)

    def compare(self, user_id, prompt, config, methods=COLUMNS, against="") -> Iterator:
        """A further column writes what the second one does; one with a prompt of its own says what it was given."""
        self.store.open(user_id)
        settings = (config.alpha, config.tau, config.repetition_penalty)
        head = ("tiny", user_id, "free_writing", prompt, *settings, [1, 2])
        if against:
            self.store.open(against)
        own = {
            method: f"{HOSTILE[0]}\nSeams, as {method} has them.\n\n{prompt}"
            for method in methods
            if METHODS[method].prompt
        }
        columns = [Column(method, prompt=own.get(method)) for method in methods]
        try:
            yield Trace(*head, [replace(column, tokens=[]) for column in columns], against or None)
            for step in range(max(map(len, self.pieces.values()))):
                self.pause(step)
                if self.fail_after and step == self.fail_after[0]:
                    raise self.fail_after[1]
                for column in columns:
                    texts = self.pieces.get(column.method, self.pieces["oppu"])[: config.max_new_tokens]
                    if step < len(texts):
                        made = token(texts[step], config.alpha, -0.5 - step % 7, -3.0 + step % 4, step)
                        column.tokens.append(made)
                        yield TokenEvent(column.method, step, made)
                    if step == len(texts) - 1:
                        column.stopped = "eos"
                        yield ColumnEnd(column.method, "eos")
            yield Trace(*head, columns, against or None)
        finally:
            self.closed += 1

    def compare_alphas(self, user_id, prompt, config, methods, alphas, against="") -> Iterator:
        traces = []
        for alpha in alphas:
            with closing(self.compare(user_id, prompt, replace(config, alpha=alpha), methods, against)) as items:
                next(items)
                for item in items:
                    if not isinstance(item, Trace):
                        yield item
                traces.append(item)
        yield traces

    def resume(self, user_id, prompt, method, ids, config, against="") -> Iterator:
        self.store.open(user_id)
        if 404 in ids:
            raise CopeError("404 is not a token of tiny.")
        try:
            for step, text in enumerate(self.pieces.get(method, self.pieces["oppu"])[: config.max_new_tokens]):
                if step >= len(ids) - 1:
                    self.pause(step)
                    made = token(text, config.alpha, -0.5 - step % 7, -3.0 + step % 4, step)
                    forced = step == len(ids) - 1
                    yield TokenEvent(method, step, replace(made, id=ids[-1], text=" instead") if forced else made)
            yield ColumnEnd(method, "eos")
        finally:
            self.closed += 1

    def look_up(self, user_id, prompt, method, ids, word, against="") -> list:
        self.store.open(user_id)
        numbers = {"logp_user": -2.0, "logp_base": -4.0, "rank_user": 5, "rank_base": 1021, "of": 49_152}
        return [{"id": 9, "text": f" {word[:3]}", "whole": len(word) <= 3, **numbers}]

    def likeness(self, user_id, texts) -> dict:
        self.store.open(user_id)
        found = {name: {"topic": 0.5, "style": len(text) / 100} for name, text in texts.items()}
        return {**found, "history": {"topic": 0.6, "style": 0.7}}

    def surprise(self, samples, task) -> Iterator:
        """A word is a token of twice as many bits as it has letters."""
        try:
            for step, sample in enumerate(samples[:MAX_TEXTS]):
                self.pause(step)
                yield SurprisingText([(f" {word}", 2.0 * len(word)) for word in sample.response.split()], False)
        finally:
            self.closed += 1

    def fit_details(self, user_id) -> dict:
        return read_fit_details(self.store.open(user_id))

    def adapters_zip(self, user_id, target) -> None:
        user = self.store.open(user_id)
        write_zip(user, user.folder.parent == self.store.samples_dir, target)

    def push_adapters(self, user_id, repo, token, private):
        user = self.store.open(user_id)
        return push_adapters(user, user.folder.parent == self.store.samples_dir, repo, token, private=private)

    def open_adapters(self, address, owners, token):
        """As the real one, but for the look at the weights, which are none here."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(opening, "_check_weights", lambda *given: None)
            base = SimpleNamespace(name="none", identity="none@0")
            return opening.open_adapters(self.store, base, read_address(address), owners, token)

    def score(self, user_id, prompt, text, alpha, against="") -> Trace:
        """A word is a token; one in capitals is Ada's, any other base's."""
        self.store.open(user_id)
        prompt = prompt or f"Write a post about {text.split()[0]}."
        tokens = [token(word, alpha, -1.0, -3.0 if word.isupper() else -0.5) for word in text.split()]
        end = token("", alpha)
        named = replace(end.alternatives[0], text="<|im_end|>")  # as the decoder sends it
        tokens.append(replace(end, alternatives=(named, *end.alternatives[1:])))
        return Trace(
            "tiny",
            user_id,
            "free_writing",
            prompt,
            alpha,
            0.1,
            1.0,
            [1],
            [Column("score", tokens, "eos")],
            against or None,
        )
