"""Tickets told by several processes at once: telling a large sample takes far longer than writing it.

A process gets a share of the tickets, and gives back what the database's driver takes. Each share has a chance of its
own, so that the rows are the same whoever tells it. What statistics count is handed over at the end, once.
"""

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
from array import array
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from random import Random
from typing import Any, Final, NamedTuple

from db.queries import bulk, figures, tallies
from db.queries.loads import Load, Packer
from gateway.demo.lives import Life
from gateway.demo.stories import Asker, Desk, Teller
from gateway.demo.topics import library

AT_ONCE: Final = 2_000
"""Tickets of a share."""
_MANY_TICKETS: Final = 10_000
"""From here on other processes are worth the second that they take to start."""
_MOST_PROCESSES: Final = 4
"""So many tell faster than one connection can write."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What whoever tells has to know. `chance` names the sample; `now` is in microseconds since 1970."""

    for_sqlite: bool
    workspace_id: int
    desk: Desk
    categories: dict[str, int]
    now: int
    chance: str


class Share(NamedTuple):
    """Some tickets, oldest first; `askers` wrote them, by the places that `wrote` names."""

    number: int
    ids: list[int]
    moments: "array[int]"
    wrote: list[int]
    askers: list[Asker]


class Told(NamedTuple):
    """The rows of a share, and how many there are of what is reported."""

    loads: list[Load]
    tickets: int
    replies: int


class Totals(NamedTuple):
    """How the tickets count in the tallies and in the figures."""

    tallies: Counter[tallies.Cell]
    figures: Counter[figures.Cell]


class Narrator:
    """Tells shares, one after the other, and counts."""

    def __init__(self, brief: Brief) -> None:
        self._brief = brief
        self._library = library()
        self._packer = Packer(for_sqlite=brief.for_sqlite)
        self.totals = Totals(Counter(), Counter())

    def tell(self, share: Share) -> Told:
        """Every row of the share."""
        lives = list(self._lives(share))
        tickets = [life.row() for life in lives]
        replies = [reply for life in lives for reply in life.replies]
        log = [line for life in lives for line in life.activity]
        ratings = [rating for life in lives for rating in life.ratings]
        watchers = [watcher for life in lives for watcher in life.watchers]
        counted, added_up = self.totals
        for place in map(tallies.place_of, tickets):
            counted.update(tallies.cells(place))
            for cell, amount in figures.cells(place):
                added_up[cell] += amount
        for work in bulk.work_in(replies, log, ratings):
            figures.count_work(added_up, work)
        pack = self._packer
        loads = [
            *pack.tickets(tickets),
            *pack.replies(replies),
            *pack.activity(log),
            *pack.ratings(ratings),
            *pack.watchers(self._brief.workspace_id, watchers),
        ]
        return Told(loads, len(tickets), len(replies))

    def _lives(self, share: Share) -> Iterator[Life]:
        brief = self._brief
        rng = Random(f"{brief.chance}/{share.number}")  # noqa: S311  # a sample is no secret
        teller = Teller(brief.workspace_id, self._library, brief.desk, brief.categories, brief.now, rng)
        for ticket_id, moment, who in zip(share.ids, share.moments, share.wrote, strict=True):
            yield teller.tell(ticket_id, moment, share.askers[who])


# --- by whom --------------------------------------------------------------------------------------------------


class Narration:
    """All shares, told in turn. `totals` are whole once the last is told."""

    def __init__(self, brief: Brief) -> None:
        self._brief = brief
        self.totals = Totals(Counter(), Counter())

    async def told(self, shares: Iterator[Share], tickets: int) -> AsyncGenerator[Told, None]:
        """What comes of each share, in their order; with many tickets others tell ahead while one is written."""
        if tickets < _MANY_TICKETS:
            narrator = Narrator(self._brief)
            for share in shares:
                yield narrator.tell(share)
            self._count(narrator.totals)
            return
        async with _processes(self._brief, min(_cores(), _MOST_PROCESSES)) as lines:
            free: asyncio.Queue[Connection] = asyncio.Queue()
            for line in lines:
                free.put_nowait(line)
            ahead: deque[asyncio.Task[Told]] = deque()
            try:
                for share in shares:
                    ahead.append(asyncio.create_task(_told_by(free, share)))
                    if len(ahead) > 2 * len(lines):
                        yield await ahead.popleft()
                while ahead:
                    yield await ahead.popleft()
            finally:
                for task in ahead:
                    task.cancel()
            for line in lines:
                self._count(await _answered(line, None))

    def _count(self, totals: Totals) -> None:
        self.totals.tallies.update(totals.tallies)
        self.totals.figures.update(totals.figures)


async def _told_by(free: asyncio.Queue[Connection], share: Share) -> Told:
    line = await free.get()
    told: Told = await _answered(line, share)
    free.put_nowait(line)
    return told


async def _answered(line: Connection, question: Share | None) -> Any:
    """What the process at the other end makes of it. Raises RuntimeError when it is gone."""

    def ask() -> Any:
        line.send(question)
        return line.recv()

    try:
        return await asyncio.to_thread(ask)
    except (EOFError, OSError) as error:
        raise RuntimeError("a process that told tickets has ended before its time") from error


def _cores() -> int:
    """How many may be used; macOS does not tell of affinity."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.asynccontextmanager
async def _processes(brief: Brief, count: int) -> AsyncIterator[list[Connection]]:
    """Lines to processes that answer each share with `Told`, None with their totals. They end with the block.

    They are forked from a process that has only imported this module: ours has threads and connections.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    lines: list[Connection] = []
    started: list[BaseProcess] = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_narrate, args=(theirs, brief), daemon=True)
            await asyncio.to_thread(process.start)
            theirs.close()
            lines.append(ours)
            started.append(process)
        yield lines
    finally:
        # threads may still wait for an answer: the end of the process is one
        for each in started:
            each.kill()
        for each in started:
            each.join()


def _narrate(line: Connection, brief: Brief) -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches every process; ours ends the others
    gc.disable()  # lives end without a trace: what would look for circles among them finds none, at a tenth of the time
    narrator = Narrator(brief)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            share = line.recv()
            line.send(narrator.totals if share is None else narrator.tell(share))
