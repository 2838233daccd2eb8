"""Users' ids: plain names, so that none can lead out of its folder, and unguessable ones for visitors."""

import re

from cope_demo.errors import CopeError

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
NEW_ID = re.compile("[0-9a-f]{32}")


def check_id(user_id: str) -> str:
    """Returns the id. Raises CopeError unless it is a plain name, so that it can never lead out of its folder."""
    if not isinstance(user_id, str) or not ID.fullmatch(user_id):
        raise CopeError(
            "This is not a user id: an id has 1 to 64 letters, digits, '-' or '_' and starts with a letter or digit. "
            "Choose a sample user or fit your own."
        )
    return user_id
