"""Which further columns mean something for a user, and why the others are left out."""

from cope_demo.decode.methods import NO_HISTORY, OWN_PROMPT
from cope_demo.saved.store import SavedUser

NO_TASK_ADAPTER = "This fit has no task adapter, so the bare model is the first column already."


def left_out(user: SavedUser) -> dict[str, str]:
    """The columns of MORE that would tell nothing for this user, each with the reason."""
    reasons = {} if user.manifest.get("task_adapter") else {"base": NO_TASK_ADAPTER}
    return reasons if user.keeps_history else {**reasons, **dict.fromkeys(OWN_PROMPT, NO_HISTORY)}
