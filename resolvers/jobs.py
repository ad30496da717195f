"""Jobs: what is done after a change is committed, by whichever worker gets to it first."""

import random
from datetime import datetime, timedelta
from typing import Final

from db import rows
from db.queries import events, jobs
from db.statements import Reads
from resolvers.context import Helpdesk

LEASE_S: Final = 60.0
"""How long a claimed job is its worker's; longer than anything a job may take. A worker that dies keeps it no longer."""
KEPT_FOR: Final = timedelta(days=30)
"""How long the log of what was done is kept, and the events that subscribers may go back to."""
RETRY_AFTER_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""After the first attempt, the second, … (D29); ten attempts in all."""
JITTER: Final = 0.1
"""A retry waits up to this part longer: receivers that went down together are not all asked at once."""
SEEN_WITHIN: Final = timedelta(seconds=90)
"""A worker that was not seen for so long is gone."""


async def claim(
    helpdesk: Helpdesk, *, busy: list[str], most: int, lease_s: float = LEASE_S
) -> list[rows.Job]:
    """At most so many jobs that are due, none of the busy queues; the caller's until the lease ends."""
    now = helpdesk.clock()
    async with helpdesk.db.read() as reads:
        # an idle queue is looked at once a second, and should not take the place of a writer for that
        if not await reads.rows(jobs.DUE, now=now, busy=busy, most=1):
            return []
    async with helpdesk.db.write() as tx:
        return await jobs.claim(tx, now, now + timedelta(seconds=lease_s), busy=busy, most=most)


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts; None when there were enough."""
    if attempts > len(RETRY_AFTER_S):
        return None
    jitter = 1 + JITTER * random.random()  # noqa: S311  # it only spreads the load
    return now + timedelta(seconds=RETRY_AFTER_S[attempts - 1] * jitter)


async def report(helpdesk: Helpdesk, worker: str) -> None:
    """Say that the worker is alive."""
    async with helpdesk.db.write() as tx:
        await jobs.see_worker(tx, worker, helpdesk.clock())


async def leave(helpdesk: Helpdesk, worker: str) -> None:
    """Say that the worker stops; workers that were not seen for long are forgotten with it."""
    async with helpdesk.db.write() as tx:
        await jobs.forget_workers(tx, worker, helpdesk.clock() - SEEN_WITHIN)


async def forget_old(helpdesk: Helpdesk) -> None:
    """Delete what was done longer ago than the log is kept, and the events of that time."""
    before = helpdesk.clock() - KEPT_FOR
    async with helpdesk.db.write() as tx:
        await jobs.forget(tx, before)
        await events.forget(tx, before)


async def queue_state(reads: Reads, now: datetime) -> str:
    """How the queue is: `connected` while a worker does jobs, `error` when jobs wait and none does, else `disabled`."""
    seen_at = await reads.first(jobs.LAST_SEEN)
    if seen_at is not None and now - seen_at < SEEN_WITHIN:
        return "connected"
    return "error" if await reads.rows(jobs.DUE, now=now, busy=[], most=1) else "disabled"
