"""A GPU that is lent for a call (ZeroGPU, of Hugging Face Spaces). This module alone knows `spaces`.

There every call that needs the GPU runs in a worker process that is forked for it, and counts against a share of the
day that the visitor's account or address has. A function that `lend` decorates is such a call. What goes in and out of
it is pickled: ids, paths, dataclasses and plain values. Everywhere else `lend` changes nothing, and `spaces` is not
needed.

On that platform this module is imported before anything uses CUDA, and models are loaded in the main thread before the
app is launched: there CUDA is only imitated outside workers, and in that thread alone.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

from cope_demo.errors import CopeError

from .logs import describe_error, log_event
from .wanted import Unwanted, ask_with, stop_if_unwanted


def is_lent() -> bool:
    """Whether this process runs where GPUs are lent."""
    return (os.environ.get("SPACES_ZERO_GPU") or "").lower() in ("1", "t", "true")  # as `spaces` reads it


if is_lent():
    import spaces
else:
    spaces = None

USED_UP = (
    "Your share of the lent GPU is used up for today, or less than this would take. The lessons, saved comparisons of "
    "the sample users, need no GPU and stay open; come back tomorrow, or sign in to Hugging Face for a larger share."
)
TOO_LONG = (
    "This would take the lent GPU for longer than one call may: ask for a shorter text or fewer columns, or fit fewer "
    "or shorter texts."
)
BUSY = "No GPU is free at the moment: try again in a minute. The lessons need none and stay open."
EXPIRED = "Your pass for the lent GPU has expired while this waited: load the page anew and start it again."
BROKEN_OFF = "The lent GPU was taken away before this was done: start it again. What was saved before is unchanged."
_BY_TITLE = {
    "ZeroGPU quota exceeded": USED_UP,
    "ZeroGPU pending credits exceeded": USED_UP,
    "ZeroGPU illegal duration": TOO_LONG,
    "ZeroGPU queue timeout": BUSY,
    "ZeroGPU client error": BUSY,
    "ZeroGPU worker error": BROKEN_OFF,
}
"""The sentences for what `spaces` raises in a caller."""
_EXPIRED = "Expired ZeroGPU proxy token"
_ITEM, _REFUSED, _FAULT = "item", "refused", "fault"
"""What a worker sends: something that the function gave, a CopeError's sentence, or that there was a fault of ours."""

_in_worker = False


def is_worker() -> bool:
    """Whether this process was forked for lent calls."""
    return _in_worker


def lend(seconds: Callable[..., float]) -> Callable[[Callable], Callable]:
    """Decorates a function, or generator function, that needs the GPU.

    seconds: how long the GPU is asked for, of the function's arguments. A CopeError that the function raises reaches
    the caller with its sentence; any other error as a RuntimeError, its kind and place being in the log. Calls also
    raise CopeError where the GPU is not to be had or was taken away. Closing a generator ends its work at the next
    item, and so does it when its asker has left.
    """

    def decorate(function: Callable) -> Callable:
        if spaces is None:
            return function
        run = spaces.GPU(_run_in_worker(function), duration=lambda *args: round(seconds(*args) + 0.5))

        @wraps(function)
        def give_all(*args) -> Iterator:
            with closing(_ask_worker(run, args)) as items:
                for item in items:
                    yield item
                    stop_if_unwanted()

        @wraps(function)
        def give_one(*args) -> Any:
            (answer,) = _ask_worker(run, args)
            return answer

        return give_all if isgeneratorfunction(function) else give_one

    return decorate


def _run_in_worker(function: Callable) -> Callable[..., Iterator[tuple[str, Any]]]:
    """The function as a worker runs it. `spaces` would pass on the kind of an error alone, so none leaves it."""

    def run(*args) -> Iterator[tuple[str, Any]]:
        _prepare_worker()
        try:
            if isgeneratorfunction(function):
                for item in function(*args):
                    yield _ITEM, item
            else:
                yield _ITEM, function(*args)
        except GeneratorExit:
            raise
        except CopeError as error:
            yield _REFUSED, str(error)
        except BaseException as error:
            log_event("fault in a worker", **describe_error(error))
            yield _FAULT, None

    return run


def _prepare_worker() -> None:
    """What a forked process needs first, in the thread of every call.

    torch's threads did not come along, so that work shared among several would wait for them; who waits for the result
    is looked after in the parent.
    """
    global _in_worker
    import torch

    torch.set_num_threads(1)
    if not _in_worker:
        ask_with(None)
        _in_worker = True


def _ask_worker(run: Callable[..., Iterator], args: tuple) -> Iterator:
    try:
        with closing(run(*args)) as answers:
            for kind, value in answers:
                if kind == _REFUSED:
                    raise CopeError(value)
                if kind == _FAULT:
                    raise RuntimeError("a worker has met a fault")
                yield value
    except CopeError:
        raise
    except Exception as error:
        raise _explain(error) from None


def _explain(error: Exception) -> Exception:
    """What the caller gets for what came out of `spaces`."""
    said = str(getattr(error, "message", error))
    if said == _EXPIRED:
        return CopeError(EXPIRED)
    if said.startswith("Connection closed by visitor"):
        return Unwanted()
    away = said.startswith("ZeroGPU API") or type(error).__module__.split(".")[0] in ("httpx", "httpcore")
    sentence = BUSY if away else _BY_TITLE.get(getattr(error, "title", None))
    return CopeError(sentence) if sentence else error
