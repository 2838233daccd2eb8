"""The one error type whose message is written for the person in front of the page or the terminal."""


class CopeError(Exception):
    """Bad input or a state the person can mend.

    The message is one or two plain sentences: what is wrong, what is allowed, what to do next. The command line prints
    it and exits with 2; the page shows it in a notice. Any other exception is a fault of ours.
    """
