"""What callers give, checked before any work: texts by their length, token ids by the model's vocabulary."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cope_demo.errors import CopeError

if TYPE_CHECKING:
    from cope_demo.model.base_model import BaseModel

MAX_PROMPT = 20_000
"""Characters of a prompt or text; the model's context ends before."""


def check_length(what: str, text: str, limit: int = MAX_PROMPT) -> None:
    """Raises CopeError, a sentence that begins with `what`, when a text has more characters than `limit`."""
    if len(text) > limit:
        raise CopeError(f"{what} has {len(text):,} characters, and {limit:,} are allowed; shorten it.")


def check_text(what: str, text: str) -> str:
    """The text. Raises CopeError when it is blank or too long. what: "prompt" or "text"."""
    if not text or not text.strip():
        raise CopeError(f"The {what} is empty: write a {what} first.")
    check_length(f"The {what}", text)
    return text


def check_ids(ids: Sequence[int], base: "BaseModel", limit: int) -> None:
    """Raises CopeError unless these tokens can be the beginning of a column of `limit` tokens."""
    if not isinstance(ids, (list, tuple)) or not all(type(token) is int for token in ids):
        raise CopeError("The token ids must be a list of whole numbers, as in a comparison's trace.")
    if not 0 < len(ids) <= limit:
        raise CopeError(
            f"There are {len(ids)} token ids to go on from, and 1 to {limit} are allowed; change them or the length."
        )
    if unknown := [token for token in ids if not 0 <= token < base.vocabulary]:
        raise CopeError(f"{unknown[0]} is not a token of {base.name}; its ids are 0 to {base.vocabulary - 1}.")
    if any(token in base.end_ids for token in ids[:-1]):
        raise CopeError("The text has already ended before the last of these tokens; branch off at an earlier one.")
