"""How long a study will still take: its authors' work, counted in token passes as that of a fit is (fit/eta.py), at the
speed of those that are done.

A study has parts, one after the other: for every seed fits (where others' are needed), texts and controls. A part that
nobody was measured in is taken to go as fast as those before it.
"""

import time
from collections.abc import Callable, Iterable, Mapping

from cope_demo.decode.methods import METHODS, Method
from cope_demo.errors import CopeError
from cope_demo.fit.eta import estimate_work
from cope_demo.fit.examples import encode
from cope_demo.texts.lamp import Author

from .controls import ADAPTERS, SAMPLED, SWAPPED, find_rules
from .decisions import Rule
from .measurement import BATCH, Measurement
from .measurement import SAMPLED as SAMPLED_ANSWERS

Tell = Callable[[int, int, float], None]
"""Is called with (authors of the part at hand that are done, of, seconds until the whole study is done)."""
Part = tuple[int, str]
"""A seed, and FITS, TEXTS or CONTROLS."""
FITS, TEXTS, CONTROLS = "fits", "texts", "controls"
READ = 1.6
"""Work of a token of a few given texts; a fit's passes are of more texts, and cheaper. It and the three below were
measured on one core of a CPU with native bfloat16, in float32 (headlines and abstracts)."""
STEP, ROW = 10.0, 1.0
"""Work of a step of writing, and of each row in it."""
RULE = 0.9
"""Work of applying a rule to a token of an author's text, once the models have read it."""


class Progress:
    """What a study has before it and behind it. tell: see Tell. processes: how many authors are measured at once."""

    def __init__(self, tell: Tell = lambda done, of, eta: None, processes: int = 1, clock=time.monotonic):
        self._tell, self._processes, self._clock = tell, processes, clock
        self._left: dict[Part, dict[str, float]] = {}  # work that is not done, by author
        self._done: dict[str, list[float]] = {}  # by kind of part: work, and seconds of a process
        self._part, self._began, self._counts = None, 0.0, [0, 0]
        self._spent = 0.0  # seconds of a process, in the part at hand, for those that are done

    def expect(self, part: Part, works: Mapping[str, float]) -> None:
        """What a part that has not begun will take: work by author."""
        self._left[part] = dict(works)

    def begin(self, part: Part, works: Mapping[str, float], done: int) -> None:
        """A part begins with the authors whom it lacks and their work; so many others are done already."""
        self._left[part] = dict(works)
        self._part, self._began, self._spent = part, self._clock(), 0.0
        self._counts = [done, done + len(works)]

    def count(self, author: str, seconds: float | None) -> None:
        """An author is done, in so many seconds of one process; None: nothing could be measured. Tells what is left."""
        work = self._left[self._part].pop(author)
        self._counts[0] += 1
        if seconds is not None:
            self._spent += seconds
            total = self._done.setdefault(self._part[1], [0.0, 0.0])
            total[0], total[1] = total[0] + work, total[1] + seconds
        self._tell(*self._counts, self._estimate_seconds())

    def _estimate_seconds(self) -> float:
        """Seconds until all parts are done. What is on its way in other processes counts as begun."""
        measured = {kind: seconds / work for kind, (work, seconds) in self._done.items() if work}
        if not measured:
            return 0.0
        mean = sum(seconds for _, seconds in self._done.values()) / sum(work for work, _ in self._done.values())
        left = sum(sum(works.values()) * measured.get(kind, mean) for (_, kind), works in self._left.items())
        begun = (self._clock() - self._began) * min(self._processes, self._counts[1]) - self._spent
        return max(0.0, left - max(0.0, begun)) / self._processes


def estimate_fit(run: Measurement, author: Author) -> float:
    """Work of the author's fit; 0 where it is kept, or no method needs one."""
    samples = author.samples(run.task)
    if not samples or not run.fits or run.is_kept(samples):
        return 0.0
    examples = [encode(run.base, sample, run.config) for sample in samples]
    held = min(run.config.holdout, len(examples) - 1)
    work = estimate_work(examples[: len(examples) - held], examples[len(examples) - held :], run.config)
    return sum(work[stage] for stage in ("oppu", "negatives", "dpo"))


def estimate_texts(run: Measurement, author: Author) -> float:
    """Work of writing the author's queries by every method, and of reading their own texts by those that can."""
    read = READ * sum(map(sum, _count_tokens(run, author)))
    writing = [_estimate_writing(run, author, method) for method in run.methods]
    return sum(writing) + read * sum(not method.contrasts for method in run.methods)


def estimate_controls(run: Measurement, author: Author, authors: int, samples: int) -> float:
    """Work of an author's record among so many authors; see controls.Controls."""
    sizes, rules = _count_tokens(run, author), find_rules(authors).values()
    models = len(_list_models(rules)) + len(ADAPTERS) * (authors - 1)
    work = READ * models * sum(map(sum, sizes)) + RULE * len(rules) * sum(answer for _, answer in sizes)
    written = [(name, 1) for name in SWAPPED if authors > 1] + [(name, samples) for name in SAMPLED if samples]
    return work + sum(_estimate_writing(run, author, METHODS[name], each) for name, each in written)


def _list_models(rules: Iterable[Rule]) -> set[tuple[str, float]]:
    return {(rule.adapter, rule.scale) for rule in rules} | {(rule.amateur, 1.0) for rule in rules}


def _estimate_writing(run: Measurement, author: Author, method: Method, samples: int = 1) -> float:
    """Work of writing all queries by the method, to the task's length; contrast runs two models."""
    sizes, steps, models = _count_tokens(run, author), run.settings.max_new_tokens, 1 + method.contrasts
    answers = samples * len(sizes)
    batches = -(-answers // (BATCH if samples == 1 else SAMPLED_ANSWERS))
    return READ * models * sum(prompt for prompt, _ in sizes) + steps * (STEP * batches + ROW * models * answers)


def _count_tokens(run: Measurement, author: Author) -> list[tuple[int, int]]:
    """The tokens of every query's prompt and of the author's own text; none where one is no prompt, as is said when the
    author is measured.
    """
    try:
        prompts = [run.task.prompt(query.input) for query in author.queries]
    except CopeError:
        return []
    limit = run.config.max_response_tokens
    return [
        (len(run.base.prompt_ids(prompt)), len(run.base.response_ids(query.gold, limit)))
        for prompt, query in zip(prompts, author.queries, strict=True)
    ]
