"""What may be open at the same time: requests of one address and of all, and calls that work past Gradio's queue.

Refused is only what comes above the bounds, with a sentence. Direct calls of one address wait for each other, so that
none of them takes all the threads that page loads and deletions of others need.
"""

import asyncio
from collections import Counter
from weakref import WeakValueDictionary

from starlette.responses import JSONResponse

from .departures import ADDRESS, DIRECT

OPEN, OPEN_OF_ADDRESS = 1000, 200
"""Open requests, streams among them: of all, and of one address, behind which there may be a class."""
DIRECT_OF_ADDRESS = 8
"""Direct calls of one address that run at the same time."""
TOO_MANY = (
    f"Too many connections from your address are open: {OPEN_OF_ADDRESS} are allowed. Close some pages or programs, "
    "and try again."
)
FULL = "Many people use this page at this moment: try again in half a minute."


class Arrivals:
    """ASGI middleware."""

    def __init__(self, app):
        self.app = app
        self._open: Counter = Counter()
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        address = read_address(scope)
        if self._open[address] >= OPEN_OF_ADDRESS or self._open.total() >= OPEN:
            sentence = TOO_MANY if self._open[address] >= OPEN_OF_ADDRESS else FULL
            return await JSONResponse({"detail": sentence}, 429)(scope, receive, send)
        self._open[address] += 1
        ADDRESS.set(address)
        try:
            if DIRECT.match(scope["path"].removeprefix(scope.get("root_path", ""))):
                turns = self._turns.setdefault(address, asyncio.Semaphore(DIRECT_OF_ADDRESS))
                async with turns:
                    await self.app(scope, receive, send)
            else:
                await self.app(scope, receive, send)
        finally:
            self._open[address] -= 1
            self._open += Counter()  # forgets those at zero


def read_address(scope) -> str:
    """Whom a request counts for, from its ASGI scope: as origins.OwnOrigin has found it; "" when unknown."""
    return (scope.get("client") or ("",))[0]
