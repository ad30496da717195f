"""Turns: how many operations of one API key run at once, so that a key with many clients leaves room for others.

Subscriptions mostly wait: they have a number of their own, and take no turn of the operations.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Final

from resolvers.context import Caller
from resolvers.errors import RateLimited

AT_ONCE: Final = 20
IN_LINE: Final = 20
"""Further ones that wait for their turn."""
SUBSCRIPTIONS: Final = 100
"""Of one key, in one process."""
EVENTS_AT_ONCE: Final = 4
"""Told at once, to whomever, in one process: an event for a thousand subscribers leaves connections to all others."""


class _Line:
    """The operations of one key, those that run and those that wait."""

    __slots__ = ("length", "places")

    def __init__(self) -> None:
        self.length = 0
        self.places = asyncio.Semaphore(AT_ONCE)


class Turns:
    """The lines of all keys, in one process."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._subscriptions: Counter[int] = Counter()
        self.events = asyncio.Semaphore(EVENTS_AT_ONCE)

    @contextlib.contextmanager
    def subscription(self, caller: Caller) -> Iterator[None]:
        """Count the block as a subscription of the caller's key. Raises RateLimited."""
        key_id = caller.key_id
        if self._subscriptions[key_id] >= SUBSCRIPTIONS:
            raise RateLimited(f"At most {SUBSCRIPTIONS} subscriptions of a key run at once: end one first")
        self._subscriptions[key_id] += 1
        try:
            yield
        finally:
            self._subscriptions[key_id] -= 1
            if not self._subscriptions[key_id]:
                del self._subscriptions[key_id]

    def check(self, caller: Caller) -> None:
        """Raise RateLimited when the line is full: before anything is charged for."""
        line = self._lines.get(caller.key_id)
        if line is not None and line.length >= AT_ONCE + IN_LINE:
            raise RateLimited(f"At most {AT_ONCE} operations of a key run at once. Try again in 1 second")

    @contextlib.asynccontextmanager
    async def turn(self, caller: Caller | None) -> AsyncIterator[None]:
        """Run the block when it is the caller's turn; nobody waits who is not signed in. Raises RateLimited."""
        if caller is None:
            yield
            return
        self.check(caller)
        line = self._lines.get(caller.key_id)
        if line is None:
            line = self._lines[caller.key_id] = _Line()
        line.length += 1
        try:
            async with line.places:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[caller.key_id]
