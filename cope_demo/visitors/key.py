"""What a request opens, by the secret and the account that it came with, and which secrets have been given up.

Whoever deletes all that is theirs gets a new secret. What was on its way with the old one by then, such as a fit that
waited for its turn to be started, makes nothing new.
"""

from dataclasses import dataclass

from cope_demo.errors import CopeError

BAD_SECRET = "This is not a secret of ours: give the one that an earlier fit has returned, or none for a new one."
GIVEN_UP = "All that was this browser’s has been deleted meanwhile, so nothing new was made of it."
MAX_KEPT = 10_000
"""So many are remembered, the latest; a request is on its way for minutes at most."""


class GivenUp:
    """The owners (owners.owner_of_secret) of such secrets, as far as this process has been told."""

    def __init__(self):
        self._owners: dict[str, None] = {}

    def add(self, owner: str) -> None:
        """From now on; "" is nobody's."""
        if owner:
            self._owners[owner] = None
        while len(self._owners) > MAX_KEPT:
            self._owners.pop(next(iter(self._owners)), None)

    def discard(self, owner: str) -> None:
        """Not so after all."""
        self._owners.pop(owner, None)

    def __contains__(self, owner: str) -> bool:
        return owner in self._owners


@dataclass(frozen=True)
class Key:
    """What a request opens.

    browser: the owner of its secret (owners.owner_of_secret). owners: all that it speaks for; new fits are the first's.
    """

    browser: str
    owners: tuple[str, ...]
    all_given_up: GivenUp

    @property
    def given_up(self) -> bool:
        """Whether the browser has deleted everything since it sent the request, or sends it by mistake."""
        return self.browser in self.all_given_up

    def check(self) -> tuple[str, ...]:
        """The owners. Raises CopeError where nothing new may be made: without a proper secret, or with an old one."""
        if not self.owners:
            raise CopeError(BAD_SECRET)
        if self.given_up:
            raise CopeError(GIVEN_UP)
        return self.owners
