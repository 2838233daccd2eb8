"""How adapters on the hub are named: owner/name, and with @ a branch, a tag or a commit of it."""

import re
from dataclasses import dataclass

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from cope_demo.errors import CopeError, quote

LATEST = "main"
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,99}", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")
_PAGE = re.compile(r"https://huggingface\.co/([^/]+/[^/]+?)(?:/tree/([^/]+))?/?")


@dataclass(frozen=True)
class Address:
    """repo: "owner/name"; revision: a branch, a tag or a commit."""

    repo: str
    revision: str = LATEST

    @property
    def is_pinned(self) -> bool:
        """Whether it always means the same files."""
        return bool(_COMMIT.fullmatch(self.revision))

    def __str__(self) -> str:
        return self.repo if self.revision == LATEST else f"{self.repo}@{self.revision}"


def read_address(text: str) -> Address:
    """The address in a text: owner/name, owner/name@revision, or that of the repository's page.

    Raises CopeError for anything else.
    """
    text = text.strip() if isinstance(text, str) else ""
    page = _PAGE.fullmatch(text)
    repo, _, revision = (page[1], "", page[2] or "") if page else text.partition("@")
    if not is_repo(repo) or not _REVISION.fullmatch(revision or LATEST) or ".." in revision:
        raise CopeError(
            "Adapters on the hub are named owner/name or owner/name@revision, the revision being a branch, a tag or a "
            f"commit, but this is {quote(text)}; copy the name from the repository's page."
        )
    return Address(repo, revision or LATEST)


def is_repo(repo: str) -> bool:
    """Whether it is owner/name as the hub allows."""
    try:
        validate_repo_id(repo)
    except HFValidationError:
        return False
    return repo.count("/") == 1
