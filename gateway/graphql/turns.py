"""Turns: how many operations of one API key run at once, so that a key with many clients leaves room for others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from resolvers.context import Caller
from resolvers.errors import RateLimited

AT_ONCE: Final = 20
IN_LINE: Final = 20
"""Further ones that wait for their turn."""


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
