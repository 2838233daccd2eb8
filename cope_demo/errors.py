"""The one error type whose message is written for the person in front of the page or the terminal."""


class CopeError(Exception):
    """Bad input or a state the person can mend.

    The message is one or two plain sentences: what is wrong, what is allowed, what to do next. The command line prints
    it and exits with 2; the page shows it in a notice. Any other exception is a fault of ours.
    """


QUOTED = 40
"""Characters of a value that a sentence repeats."""


def quote(value) -> str:
    """A value as a sentence may repeat it: on one line, and cut after QUOTED characters."""
    if isinstance(value, str):
        return repr(value) if len(value) <= QUOTED else f"{value[:QUOTED]!r} and so on"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits, lists in lists in lists
        return type(value).__name__
    return text if len(text) <= QUOTED else f"{text[:QUOTED]} and so on"
