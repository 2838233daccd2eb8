"""Comparisons of many users, prompts and alphas, written together in the engine's shared steps, a trace a file.

A user's prompt is one request with all its alphas. A trace appears only when it is whole, and one that is there is not
written again: a batch that was cut off goes on.
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from cope_demo.config import DecodeConfig
from cope_demo.decode.trace import Trace
from cope_demo.errors import CopeError, quote
from cope_demo.system.files import read_json, write_whole

AT_ONCE = 24
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
                running.add(pool.submit(_write_part, service, plan, part, stop))
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


def _list_parts(plan: Plan, places: Path) -> Iterator[tuple[str, int, list[float]]]:
    """What is still to be written, a user's prompt at a time: (the user, the prompt's number, alphas)."""
    for user in plan.users:
        for number in range(len(plan.prompts)):
            names = {alpha: plan.name_trace(user, number, alpha) for alpha in plan.alphas}
            if missing := [alpha for alpha, name in names.items() if not (places / name).exists()]:
                yield user, number, missing


def _write_part(service, plan: Plan, part: tuple[str, int, list[float]], stop) -> list[tuple[Trace, str]]:
    """A part's comparisons, with their files; none of them once it is to stop."""
    user, number, alphas = part
    given = user, plan.prompts[number], plan.config, plan.methods, alphas
    with closing(service.compare_alphas(*given, against=plan.against)) as items:
        last = None
        for item in items:
            if stop.is_set():
                return []
            last = item
    return [(trace, plan.name_trace(user, number, trace.alpha)) for trace in last]


def _collect(finished: set[Future]) -> list[tuple[Trace, str]]:
    return [pair for future in finished for pair in future.result()]
