"""A fitted user's adapters as a repository of somebody's own account: adapters, card, cope.json, and never a text."""

import contextlib
import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi

from cope_demo.errors import CopeError, quote
from cope_demo.saved.export import find_hub_name, list_adapter_folders, make_model_card
from cope_demo.saved.store import SavedUser

from . import repository
from .address import Address, is_repo
from .description import NAME, describe_adapters
from .upload import check_reachable


@dataclass(frozen=True)
class Pushed:
    """What was made. address: opens these adapters for good; made: whether the repository is new, `url` its page."""

    address: Address
    url: str
    made: bool


def push_adapters(user: SavedUser, sample: bool, repo: str, token: str, *, private: bool = True) -> Pushed:
    """Pushes to `repo` ("owner/name") in one commit; makes the repository where there is none, private or public.

    sample: as of export.write_zip. token: of whoever pushes. Raises CopeError in one sentence for whatever stands in
    the way; a repository that was made for it is then taken away again.
    """
    if user.origin:
        raise CopeError(f"These adapters are on the hub already, as {user.origin['repo']}: copy them there.")
    if not is_repo(repo):
        raise CopeError(
            f"A repository is named owner/name, of letters, digits, '-', '_' and '.', but this is {quote(repo)}."
        )
    if not token:
        raise CopeError("To push, sign in with Hugging Face first.")
    api = HfApi(endpoint=repository.ENDPOINT, token=token)
    check_reachable(api.endpoint, repository.SECONDS)
    with tempfile.TemporaryDirectory(prefix="cope-push-") as folder:
        _stage(user, sample, repo, Path(folder))
        made = False
        try:
            made = _make_repository(api, repo, private)
            options = {"commit_message": "CoPe adapters", "delete_patterns": "*"}
            commit = api.upload_folder(repo_id=repo, folder_path=folder, **options)
        except Exception as error:  # of several libraries, whose messages hold addresses, request ids and more
            left = made and not _take_back(api, repo)
            raise CopeError(_explain(error, repo) + (_LEFT if left else "")) from None
    return Pushed(Address(repo, str(commit.oid)), f"{api.endpoint}/{repo}", made)


def _stage(user: SavedUser, sample: bool, repo: str, folder: Path) -> None:
    """Writes the repository's files to an empty folder."""
    files = {}
    for kind, source in list_adapter_folders(user).items():
        (folder / kind).mkdir()
        config = json.loads((source / repository.CONFIG).read_text("utf-8"))
        config["base_model_name_or_path"] = find_hub_name(user.manifest["base"])  # where peft looks for the base model
        contents = {
            repository.CONFIG: (json.dumps(config, indent=2, sort_keys=True) + "\n").encode(),
            repository.WEIGHTS: (source / repository.WEIGHTS).read_bytes(),
        }
        for name, content in contents.items():
            (folder / kind / name).write_bytes(content)
            files[f"{kind}/{name}"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (folder / NAME).write_text(describe_adapters(user, files), "utf-8")
    (folder / "README.md").write_text(make_model_card(user, sample, repo), "utf-8")


def _make_repository(api: HfApi, repo: str, private: bool) -> bool:
    """Whether it was made now.

    Raises CopeError when there is one with other things in it, or one that shows everybody what is to be private: the
    hub leaves a repository as visible as it is, whatever is asked for.
    """
    try:
        api.create_repo(repo, private=private)
        return True
    except Exception as error:
        if _read_status(error) != 409:
            raise
    names = set(api.list_repo_files(repo))
    if names - {".gitattributes"} and NAME not in names:
        raise CopeError(f"There is a repository {repo} already, with other files in it: choose another name.")
    if private and not api.model_info(repo).private:
        raise CopeError(
            f"Everybody can see the repository {repo}, which is there already: allow everybody to see this push, or "
            "choose another name."
        )
    return False


def _take_back(api: HfApi, repo: str) -> bool:
    """Whether the repository that was made for nothing is gone again."""
    with contextlib.suppress(Exception):
        api.delete_repo(repo)
        return True
    return False


def _read_status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


_LEFT = " The empty repository could not be taken away again: delete it on its page."
_REFUSED = {
    401: repository.ENDED,
    402: "This account cannot take any more: look at its plan on the hub.",
    403: "You have not allowed this app to write to {repo}: sign out, sign in again, and allow it to contribute "
    "repositories; or name a repository of your own account.",
    404: "The hub knows no {repo}, or does not let this app see it: name a repository of your own account.",
    429: "The hub has had too many requests of this account: try again in an hour.",
}


def _explain(error: Exception, repo: str) -> str:
    """The sentence for what the hub or the way to it said."""
    if isinstance(error, CopeError):
        return str(error)
    status = _read_status(error)
    if status in _REFUSED:
        return _REFUSED[status].format(repo=repo)
    if status is not None:
        return f"The hub refused {repo} (HTTP {status}): try again later."
    return f"The push to {repo} broke off ({type(error).__name__}): try again."
