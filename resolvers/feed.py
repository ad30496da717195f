"""The feed: every event in the order of its ids, read once a process and handed to whoever follows it.

With ids taken inside of transactions a lower one may be committed after a higher one was read (on PostgreSQL; SQLite
has one writer). The feed never passes over one: what it hands on ends before the first id that is missing, until all
transactions have ended that may still bring it (docs/decisions/0013-subscriptions.md).

Who follows has a short queue. When it overflows, and at the start when somebody wants to go on from where they were,
they read from the table instead, so that nothing is ever lost; nobody holds a connection while they wait.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

from db import rows
from db.database import Database, Reader
from db.errors import DatabaseUnavailable
from db.queries import events

logger = logging.getLogger("answer.feed")

READ_TOGETHER: Final = 500
QUEUE_LENGTH: Final = 100
"""Events that wait for one follower; one that has more reads them from the table."""
PAGE: Final = 100
"""Events that one who reads from the table reads at a time."""
LOOKS_EVERY_S: Final = 5.0
"""When nothing rings: a ring may be lost with its connection."""
DOUBTS_FOR_S: Final = 0.01
"""Until those are looked at again who may still write an event with a lower id than one that is there already."""
TRIES_AGAIN_AFTER_S: Final = 1.0

Wants = Callable[[rows.FeedEvent], bool]
ReadPage = Callable[[int, int], Awaitable[Sequence[rows.FeedEvent]]]
"""Reads from the table, in order: the first events after an id up to another, at most PAGE."""


class Ended(Exception):
    """The feed is closed: this process stops."""


class Follower:
    """One who follows the feed from a place in it: everything that they want, once, in order.

    `wants` tells of events as they come; `read_page` reads the same from the table.
    """

    def __init__(self, feed: "Feed", wants: Wants, read_page: ReadPage) -> None:
        self._feed = feed
        self._wants = wants
        self._read_page = read_page
        self._queue: deque[rows.FeedEvent] = deque()
        self._stirred = asyncio.Event()
        self._known: frozenset[int] = frozenset()
        """Events that had happened before they began, and come up in the feed only now."""
        self._seen = 0
        """Up to here everything was handed out, or is in the queue."""
        self._is_behind = False

    def begin(self, position: int, known: Collection[int], after: int | None) -> None:
        """Go on after an event that they have seen; None: with what happens from now on."""
        if after is None:
            self._seen, self._known = position, frozenset(known)
        else:
            self._seen, self._is_behind = after, True

    def offer(self, found: Sequence[rows.FeedEvent], position: int) -> None:
        """Take what is wanted of the feed's next events, which reach up to the position."""
        if self._is_behind:
            return
        new = (event for event in found if event.id > self._seen and event.id not in self._known)
        wanted = [event for event in new if self._wants(event)]
        if len(self._queue) + len(wanted) > QUEUE_LENGTH:
            self._fall_behind()
        else:
            self._queue.extend(wanted)
            self._seen = max(self._seen, position)
        if wanted:
            self._stirred.set()

    def _fall_behind(self) -> None:
        if self._queue:
            self._seen = self._queue[0].id - 1
        self._queue.clear()
        self._is_behind = True

    def stir(self) -> None:
        """Let whoever waits look again."""
        self._stirred.set()

    async def next(self) -> list[rows.FeedEvent]:
        """The next events, at least one, as soon as there are any. Raises Ended, DatabaseUnavailable."""
        while True:
            if self._feed.is_closed:
                raise Ended
            if self._is_behind:
                found = await self._caught_up()
            else:
                found = list(self._queue)
                self._queue.clear()
            if found:
                return found
            if not self._is_behind:
                self._stirred.clear()
                await self._stirred.wait()

    async def _caught_up(self) -> list[rows.FeedEvent]:
        """Some of what is in the table beyond what was seen, as far as the feed has come; all: go on with the feed."""
        position = self._feed.position
        found = list(await self._read_page(self._seen, position))
        if len(found) < PAGE:
            self._seen = max(self._seen, position)
            # nothing is awaited between this and the next offer
            self._is_behind = self._seen < self._feed.position
        else:
            self._seen = found[-1].id
        return [event for event in found if event.id not in self._known]


class Feed:
    """The feed of one process, read while somebody follows it."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._followers: set[Follower] = set()
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._has_begun = False
        self._waiting: list[rows.FeedEvent] = []
        """Read, and not handed on yet: a lower id may still come."""
        self._doubt: tuple[int, set[str]] | None = None
        """Up to which id one may still come, and of which transactions."""
        self.position = 0
        """Up to here everything was handed on."""
        self.is_closed = False

    def __len__(self) -> int:
        """How many follow."""
        return len(self._followers)

    async def follow(self, wants: Wants, read_page: ReadPage, after: int | None) -> Follower:
        """A follower of what happens from now on, or after an event that they have seen; `leave` it at the end.

        Raises Ended, DatabaseUnavailable.
        """
        if self.is_closed:
            raise Ended
        follower = Follower(self, wants, read_page)
        async with self._turn:
            # what has happened by now is known to whoever begins now, wherever the feed was
            await self._advance()
            follower.begin(self.position, [event.id for event in self._waiting], after)
            self._followers.add(follower)
        self._db.bell.listen()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="feed")
        return follower

    def leave(self, follower: Follower) -> None:
        """Hand nothing more on to the follower."""
        self._followers.discard(follower)

    async def _run(self) -> None:
        while True:
            within_s = DOUBTS_FOR_S if self._doubt else LOOKS_EVERY_S
            await self._db.bell.wait(within_s)
            try:
                async with self._turn:
                    if not self._followers:
                        self._task = None
                        self._has_begun = False
                        return
                    await self._advance()
            except DatabaseUnavailable as error:
                logger.warning("the feed waits for the database: %s", error)
                await asyncio.sleep(TRIES_AGAIN_AFTER_S)
            except Exception:
                logger.exception("the feed stumbled")
                await asyncio.sleep(TRIES_AGAIN_AFTER_S)

    async def _advance(self) -> None:
        """Hand on everything that is committed and certain."""
        async with self._db.read() as reads:
            if not self._has_begun:
                await self._begin(reads)
            while True:
                found = await reads.rows(events.NEXT, after=self.position, most=READ_TOGETHER)
                await self._hand_on(reads, found)
                if len(found) < READ_TOGETHER or self._doubt:
                    return

    async def _begin(self, reads: Reader) -> None:
        """Begin at the newest event, when all have ended who may still bring one before it."""
        newest = await reads.first(events.NEWEST) or 0
        writers = await self._writers(reads)
        while writers:
            await reads.rest()
            await asyncio.sleep(DOUBTS_FOR_S)
            writers &= await self._writers(reads)
        self.position, self._waiting, self._doubt = newest, [], None
        self._has_begun = True

    async def _writers(self, reads: Reader) -> set[str]:
        return set() if self._db.is_sqlite else set(await reads.rows(events.WRITERS))

    async def _hand_on(self, reads: Reader, found: list[rows.FeedEvent]) -> None:
        certain = len(found) if self._db.is_sqlite else _unbroken(found, self.position)
        if certain < len(found):
            found, certain = await self._beyond_doubt(reads, found)
        else:
            self._doubt = None
        ready, self._waiting = found[:certain], found[certain:]
        if ready:
            self.position = ready[-1].id
            for follower in self._followers:
                follower.offer(ready, self.position)

    async def _beyond_doubt(
        self, reads: Reader, found: list[rows.FeedEvent]
    ) -> tuple[list[rows.FeedEvent], int]:
        """The events after the position, and how many of them none can precede any more.

        An id that is missing was taken by a transaction that is under way, or came to nothing. It was taken before the
        higher one that is there, and whoever writes events holds a lock on the table from before until the end: when
        all have ended who held one after the higher one was read, what is missing then never comes.
        """
        writers = await self._writers(reads)
        upto, doubtful = self._doubt or (found[-1].id, writers)
        doubtful = doubtful & writers
        if doubtful:
            self._doubt = (upto, doubtful)
            return found, _unbroken(found, self.position)
        self._doubt = None
        found = await reads.rows(events.NEXT, after=self.position, most=READ_TOGETHER)
        settled = sum(event.id <= upto for event in found)
        settled += _unbroken(found[settled:], found[settled - 1].id if settled else self.position)
        if settled < len(found):  # a higher one came meanwhile: for that it begins anew
            self._doubt = (found[-1].id, await self._writers(reads))
        return found, settled

    def end(self) -> None:
        """Tell all who follow that there is nothing more."""
        self.is_closed = True
        for follower in list(self._followers):
            follower.stir()

    async def close(self) -> None:
        """End the feed."""
        self.end()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _unbroken(found: Sequence[rows.FeedEvent], position: int) -> int:
    """How many of the events follow on the position, and on one another, without an id missing."""
    count = 0
    for event in found:
        if event.id != position + count + 1:
            break
        count += 1
    return count
