"""Comparisons of many users, prompts and alphas, written together in the engine's shared steps, a trace a file.

What the columns without contrast write does not depend on alpha, so a user's prompt has them once for all alphas. A
trace appears only when it is whole, and one that is there is not written again: a batch that was cut off goes on.
"""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import METHODS
from cope_demo.decode.trace import Column, Trace
from cope_demo.errors import CopeError, quote
from cope_demo.system.files import read_json, write_whole

AT_ONCE = 32
"""Requests that are handed to the engine at once. It lets in as many of them as its memory and its steps' time bear."""
PLAN = "batch.json"
TRACES = "traces"


@dataclass(frozen=True)
class Plan:
    """What a batch is of. config: the settings of all comparisons; its alpha counts for nothing.

    methods: of every comparison, in the columns' order. against: the user whom all are contrasted with, or "".
    """

    users: tuple[str, ...]
    prompts: tuple[str, ...]
    alphas: tuple[float, ...]
    methods: tuple[str, ...]
    config: DecodeConfig
    against: str = ""

    def to_json(self, model: str) -> dict:
        """As it lies beside the traces, to know them by."""
        settings = {name: value for name, value in asdict(self.config).items() if name != "alpha"}
        return {"model": model, **asdict(self), "config": settings}

    def name_trace(self, user: str, number: int, alpha: float) -> str:
        """The file of a comparison. number: of the prompt, from 0."""
        return f"{user}-{number + 1:04}-alpha-{alpha:g}.json"

    def list_files(self) -> list[str]:
        """The files of all comparisons, in their order."""
        return [
            self.name_trace(user, number, alpha)
            for user in self.users
            for number in range(len(self.prompts))
            for alpha in self.alphas
        ]


class _Group:
    """A user's prompt: the columns without contrast, and those with it at every alpha that is still to be written."""

    def __init__(self, plan: Plan, user: str, number: int, alphas: list[float]):
        self.plan, self.user, self.number, self.alphas = plan, user, number, alphas
        self.plain: dict[str, Column] | None = None
        self.contrasted: dict[float, Trace] = {}
        self._lock = threading.Lock()

    def list_parts(self) -> list[tuple[float | None, tuple[str, ...]]]:
        """The requests that it takes: (None, the methods without contrast), and (alpha, those with it)."""
        plain = tuple(method for method in self.plan.methods if not METHODS[method].contrasts)
        contrasted = tuple(method for method in self.plan.methods if METHODS[method].contrasts)
        return [(None, plain), *((alpha, contrasted) for alpha in self.alphas)]

    def take(self, alpha: float | None, trace: Trace) -> list[Trace]:
        """A part is written; the comparisons that are whole by that."""
        with self._lock:
            if alpha is None:
                self.plain = {column.method: column for column in trace.columns}
            else:
                self.contrasted[alpha] = trace
            if self.plain is None:
                return []
            done, self.contrasted = list(self.contrasted.values()), {}
            return [self._join(trace) for trace in done]

    def _join(self, trace: Trace) -> Trace:
        columns = {column.method: column for column in trace.columns}
        columns |= {method: _set_alpha(column, trace.alpha) for method, column in self.plain.items()}
        return replace(trace, columns=[columns[method] for method in self.plan.methods])


def _set_alpha(column: Column, alpha: float) -> Column:
    """The column with the rewards of another alpha; what it writes without contrast stays the same."""

    def reward(token):
        return replace(token, reward=token.logp_user - alpha * token.logp_base)

    tokens = [replace(reward(token), alternatives=tuple(map(reward, token.alternatives))) for token in column.tokens]
    return replace(column, tokens=tokens)


def run_batch(service, plan: Plan, folder: Path, tell: Callable[[int, int], None]) -> None:
    """Writes the traces of a plan that are not there yet into `folder`/traces. service: a service.Service.

    tell: is called with how many of the traces are there, and of how many, first and after each. Closing the program
    leaves what is written whole. Raises CopeError when the folder is another batch's or something cannot be done.
    """
    _begin(plan, service.engine().base.name, folder)
    places = folder / TRACES
    files = plan.list_files()
    done = sum((places / file).exists() for file in files)
    tell(done, len(files))
    stop, parts = threading.Event(), _list_parts(plan, places)
    pool, running = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch"), set()
    try:
        while True:
            while len(running) < AT_ONCE and (part := next(parts, None)):
                running.add(pool.submit(_write_part, service, *part, stop))
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for trace, file in _collect(finished):
                write_whole(places / file, trace.dumps())
                done += 1
                tell(done, len(files))
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(plan: Plan, model: str, folder: Path) -> None:
    """Makes the folder, or checks that it is this batch's."""
    described = plan.to_json(model)
    described = json.loads(json.dumps(described))
    if (folder / PLAN).exists():
        if read_json(folder / PLAN) != described:
            raise CopeError(
                f"{quote(str(folder))} holds a batch of other users, prompts or settings; name a new folder, or give "
                "the same as then to go on with it."
            )
    elif folder.exists() and any(folder.iterdir()):
        raise CopeError(f"{quote(str(folder))} is there and is no batch; name a new or an empty folder.")
    (folder / TRACES).mkdir(parents=True, exist_ok=True)
    write_whole(folder / PLAN, json.dumps(described, ensure_ascii=False, indent=1) + "\n")


def _list_parts(plan: Plan, places: Path):
    """What is still to be written, a request at a time: (its group, alpha or None, methods)."""
    for user in plan.users:
        for number in range(len(plan.prompts)):
            names = {alpha: plan.name_trace(user, number, alpha) for alpha in plan.alphas}
            if missing := [alpha for alpha, name in names.items() if not (places / name).exists()]:
                group = _Group(plan, user, number, missing)
                for alpha, methods in group.list_parts():
                    yield group, alpha, methods


def _write_part(service, group: _Group, alpha: float | None, methods: Sequence[str], stop) -> list[tuple[Trace, str]]:
    """One request; the comparisons that are whole by it, with their files."""
    plan = group.plan
    config = replace(plan.config, alpha=group.alphas[0] if alpha is None else alpha)
    prompt, against = plan.prompts[group.number], plan.against
    with closing(service.compare(group.user, prompt, config, methods, against=against)) as items:
        trace = next(items)
        for item in items:
            if stop.is_set():
                return []
            trace = item  # the last of them is the complete trace
    whole = group.take(alpha, trace)
    return [(trace, plan.name_trace(group.user, group.number, trace.alpha)) for trace in whole]


def _collect(finished: set[Future]) -> list[tuple[Trace, str]]:
    return [pair for future in finished for pair in future.result()]
