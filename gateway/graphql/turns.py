"""Turns: how many requests of one API key run at once, so that a key with many clients leaves room for others.

One line a key for both doors: what the graph runs and what REST does stand behind each other. Subscriptions mostly
wait: they have a number of their own, and take no turn of the operations.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self, TypeAlias

from resolvers.context import Caller
from resolvers.errors import TooManyAtOnce

AT_ONCE: Final = 20
IN_LINE: Final = 20
"""Further ones that wait for their turn."""
SUBSCRIPTIONS: Final = 100
"""Of one key, in one process."""
EVENTS_AT_ONCE: Final = 4
"""Told at once, to whomever, in one process: an event for a thousand subscribers leaves connections to all others."""


class _Line:
    """The requests of one key, those that run and those that wait."""

    __slots__ = ("length", "places")

    def __init__(self) -> None:
        self.length = 0
        self.places = asyncio.Semaphore(AT_ONCE)


_Lines: TypeAlias = dict[int, _Line]


class Turn:
    """The turn of one request, held by `async with`; it can be left for a while, and taken again."""

    __slots__ = ("_key_id", "_line", "_lines")

    def __init__(self, lines: _Lines, key_id: int | None) -> None:
        self._lines = lines
        self._key_id = key_id
        self._line: _Line | None = None

    async def take(self) -> None:
        """Wait until it has come; nobody waits who is not signed in."""
        if self._key_id is None:
            return
        line = self._lines.get(self._key_id)
        if line is None:
            line = self._lines[self._key_id] = _Line()
        line.length += 1
        self._line = line
        try:
            await line.places.acquire()
        except BaseException:
            self._forget(line)
            raise

    def leave(self) -> None:
        """Let the next one in; nothing, when it was left before."""
        if self._line is not None:
            self._line.places.release()
            self._forget(self._line)

    def _forget(self, line: _Line) -> None:
        self._line = None
        line.length -= 1
        if not line.length and self._key_id is not None:
            del self._lines[self._key_id]

    async def __aenter__(self) -> Self:
        await self.take()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.leave()
        self._key_id = None  # whatever is still heard of the request takes no turn any more


class Turns:
    """The lines of all keys, in one process."""

    def __init__(self) -> None:
        self._lines: _Lines = {}
        self._subscriptions: Counter[int] = Counter()
        self.events = asyncio.Semaphore(EVENTS_AT_ONCE)

    @contextlib.contextmanager
    def subscription(self, caller: Caller) -> Iterator[None]:
        """Count the block as a subscription of the caller's key. Raises TooManyAtOnce."""
        key_id = caller.key_id
        if self._subscriptions[key_id] >= SUBSCRIPTIONS:
            raise TooManyAtOnce(f"At most {SUBSCRIPTIONS} subscriptions of a key run at once: end one first")
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
            raise TooManyAtOnce(f"At most {AT_ONCE} requests of a key run at once. Try again in 1 second")

    def turn(self, caller: Caller | None) -> Turn:
        """Run the block when it is the caller's turn; nobody waits who is not signed in. Raises RateLimited."""
        if caller is None:
            return Turn(self._lines, None)
        self.check(caller)
        return Turn(self._lines, caller.key_id)
