"""Whether somebody still waits for what is being computed. Long work asks between its pieces, and ends where not.

Who knows it (the web server) says so once, by `ask_with`; where nobody has, everything is wanted.
"""

from collections.abc import Callable

from cope_demo.errors import CopeError

_is_wanted: Callable[[], bool] | None = None
_find_asker: Callable[[], str | None] | None = None
_forget_asker: Callable[[], None] | None = None


class Unwanted(CopeError):
    """Raised in the middle of work whose asker has left."""

    def __init__(self):
        super().__init__("The page or program that asked for this has left.")


def ask_with(
    is_wanted: Callable[[], bool] | None,
    find_asker: Callable[[], str | None] | None = None,
    forget_asker: Callable[[], None] | None = None,
) -> None:
    """From now on these tell, in the thread and context of the work, whether it is wanted, and on whose behalf.

    forget_asker: makes the context one in which nobody is waited for.
    """
    global _is_wanted, _find_asker, _forget_asker
    _is_wanted, _find_asker, _forget_asker = is_wanted, find_asker, forget_asker


def go_on_alone() -> None:
    """From here on this context's work is wanted, also when whoever asked for it has left."""
    if _forget_asker:
        _forget_asker()


def find_asker() -> str | None:
    """On whose behalf this work is done, as a name that is the same for all that they ask for; None for nobody's."""
    return _find_asker() if _find_asker else None


def is_watched() -> bool:
    """Whether work can become unwanted at all."""
    return _is_wanted is not None


def stop_if_unwanted(*_) -> None:
    """Raises Unwanted where nobody waits any more. Ignores arguments, so it can be a hook as it stands."""
    if _is_wanted is not None and not _is_wanted():
        raise Unwanted
