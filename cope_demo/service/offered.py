"""Which further columns mean something for a user, and why the others are left out."""

from cope_demo.decode.methods import METHODS, NO_HISTORY, list_optional
from cope_demo.saved.store import SavedUser

NO_TASK_ADAPTER = "This fit has no task adapter, so the bare model is the first column already."


def explain_left_out(user: SavedUser) -> dict[str, str]:
    """The optional columns that would tell nothing for this user, each with the reason."""
    reasons = {}
    for name in list_optional():
        method = METHODS[name]
        if method.prompt and not user.keeps_history:
            reasons[name] = NO_HISTORY
        elif not method.prompt and not method.task_adapter and not user.manifest.get("task_adapter"):
            reasons[name] = NO_TASK_ADAPTER
    return reasons
