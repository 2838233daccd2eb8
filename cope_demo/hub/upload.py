"""A folder becomes a Space, or a new version of it: one commit, by huggingface_hub. A token is read, never shown."""

import urllib.error
import urllib.request
from pathlib import Path

from huggingface_hub import HfApi, get_token

from cope_demo.errors import CopeError, quote

from .address import is_repo

SECONDS = 15
"""How long the hub may take to say anything at all."""
NO_TOKEN = (
    "There is no token for the hub: make one with the right to write on huggingface.co/settings/tokens, and give it "
    "with `hf auth login` or HF_TOKEN."
)
_REFUSED = {
    401: "The hub does not know this token (it may have expired): make a new one and run `hf auth login`.",
    402: "This account cannot create a Space on {hardware}: choose other --hardware, or look at the account's plan.",
    403: "This token may not write to {repo}: make one with the right to write there and run `hf auth login`.",
    404: "The hub knows no {repo}, or does not show it to this token: check the owner's name and the token's rights.",
    429: "The hub has had too many requests of this account: try again in an hour.",
}


def check_repo(repo: str, option: str = "--repo") -> None:
    """Raises CopeError, which begins with the option, unless it is owner/name as the hub allows."""
    if not is_repo(repo):
        owner = "your account or an organization of yours" if option == "--repo" else "whose model it is on the hub"
        raise CopeError(
            f"{option} must be owner/name, of letters, digits, '-', '_' and '.', but is {quote(repo)}; the owner is "
            f"{owner}."
        )


def upload_space(folder: Path, repo: str, hardware: str, endpoint: str | None = None, model: str | None = None) -> str:
    """Creates the Space where there is none and makes `folder` its content, in one commit; returns its address.

    An older version's other files go. hardware: what a new Space is created on; that of an existing one stays as it is.
    endpoint: another hub than huggingface.co. model: what the variable COPE_MODEL is set to; None leaves it. Raises
    CopeError in one sentence for whatever stands in the way; then nothing of the folder has been published.
    """
    token = get_token()
    if not token:
        raise CopeError(NO_TOKEN)
    api = HfApi(endpoint=endpoint, token=token)
    check_reachable(api.endpoint, SECONDS)
    static = hardware == "static"
    try:
        api.create_repo(
            repo,
            repo_type="space",
            exist_ok=True,
            space_sdk="static" if static else "gradio",
            space_hardware=None if static else hardware,
        )
        if model:
            api.add_space_variable(repo, "COPE_MODEL", model)
        api.upload_folder(
            repo_id=repo,
            repo_type="space",
            folder_path=folder,
            commit_message="The CoPe demo",
            delete_patterns="*",
        )
    except Exception as error:  # of several libraries, whose messages hold addresses, request ids and more
        raise CopeError(_explain(error, repo, hardware)) from None
    return f"{api.endpoint}/spaces/{repo}"


def check_reachable(endpoint: str, seconds: float) -> None:
    """Raises CopeError unless something answers there in time. huggingface_hub would wait without an end."""
    try:
        with urllib.request.urlopen(f"{endpoint}/api/whoami-v2", timeout=seconds):
            pass
    except urllib.error.HTTPError:
        pass  # no token was sent, so it says no, but it answers
    except (OSError, ValueError):
        raise CopeError(f"The hub does not answer at {endpoint}: look at the network, or try again later.") from None


def _explain(error: Exception, repo: str, hardware: str) -> str:
    """The sentence for what the hub or the way to it said."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in _REFUSED:
        return _REFUSED[status].format(repo=repo, hardware=hardware)
    if status is not None:
        return f"The hub refused {repo} (HTTP {status}): try again later; the staged folder stays where it is."
    return f"The upload to {repo} broke off ({type(error).__name__}): try again; the staged folder stays where it is."
