"""Jobs: written in the transaction that wants them done, claimed with a lease, finished or put off."""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, exists, insert, not_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db import rows, tables
from db.database import Tx
from db.statements import Statement, columns, select_rows, table_of
from db.types import ListOf, UtcDateTime, any_of

job = table_of(tables.Job)
attempt = table_of(tables.Attempt)
worker = table_of(tables.Worker)
_before = job.alias("before")

_NOW = bindparam("now", type_=UtcDateTime())
_IS_FREE = or_(job.c.leased_until.is_(None), job.c.leased_until <= _NOW)
_IS_FIRST_OF_ITS_LANE = or_(
    job.c.lane.is_(None),
    not_(exists().where(_before.c.lane == job.c.lane, _before.c.done_at.is_(None), _before.c.id < job.c.id)),
)
_DUE = (
    select(job.c.id)
    .where(
        job.c.done_at.is_(None),
        job.c.run_at <= _NOW,
        _IS_FREE,
        not_(any_of(job.c.queue, bindparam("busy", type_=ListOf(Text())))),
        _IS_FIRST_OF_ITS_LANE,
    )
    .order_by(job.c.run_at, job.c.id)
    .limit(bindparam("most", type_=BigInteger()))
)
DUE: Statement[int] = Statement(_DUE, int)
"""The ids of jobs that could be claimed at `now`, at most `most`, none of the queues in `busy`."""
_CLAIMABLE: Statement[int] = Statement(_DUE.with_for_update(skip_locked=True, of=job), int)
_ADD = insert(job)
_LOG = insert(attempt)
_ADD_ONE = insert(job).returning(job.c.id)
_CLAIM = (
    # two statements: a planner may run a subquery with a LIMIT twice, and claim more than was asked for
    update(job)
    .where(any_of(job.c.id, bindparam("ids", type_=ListOf(BigInteger()))))
    .values(leased_until=bindparam("until", type_=UtcDateTime()), attempts=job.c.attempts + 1)
    .returning(*columns(job, rows.Job))
)
_SETTLE = (
    # whoever lost the lease meanwhile has lost the word: the attempt is another's
    update(job)
    .where(job.c.id == bindparam("of_job"), job.c.attempts == bindparam("attempt"), job.c.done_at.is_(None))
    .returning(job.c.id)
)
_MOVE_LANE = (
    update(job)
    .where(job.c.lane == bindparam("of_lane"), job.c.done_at.is_(None), job.c.leased_until.is_(None))
    .values(run_at=bindparam("moment", type_=UtcDateTime()))
)
_HURRY = (
    update(job)
    .where(job.c.id == bindparam("of_job"), job.c.done_at.is_(None))
    .values(run_at=bindparam("moment", type_=UtcDateTime()))
    .returning(job.c.id)
)
ATTEMPTS: Statement[rows.Attempt] = Statement(
    select_rows(tables.Attempt, rows.Attempt)
    .where(any_of(attempt.c.job_id, bindparam("ids", type_=ListOf(BigInteger()))))
    .order_by(attempt.c.job_id, attempt.c.number),
    rows.Attempt,
)
"""The attempts of many jobs, in their order."""
_FORGET_JOBS = delete(job).where(job.c.done_at < bindparam("before", type_=UtcDateTime()))

LAST_SEEN: Statement[dt.datetime] = Statement(
    select(worker.c.seen_at).order_by(worker.c.seen_at.desc()).limit(1), lambda moment: moment
)
"""When a worker was last seen."""
_SEE = {
    is_sqlite: added.on_conflict_do_update(index_elements=["name"], set_={"seen_at": added.excluded.seen_at})
    for is_sqlite, added in ((True, sqlite.insert(worker)), (False, postgresql.insert(worker)))
}
_FORGET_WORKERS = delete(worker).where(
    or_(worker.c.name == bindparam("of_name"), worker.c.seen_at < bindparam("before", type_=UtcDateTime()))
)


async def add(tx: Tx, values: list[dict[str, Any]]) -> None:
    """Write jobs; whoever waits for them is told after the commit."""
    if values:
        await tx.change(_ADD, values)
        tx.wrote_jobs = True


async def add_one(tx: Tx, values: dict[str, Any]) -> int:
    """Write a job; its id."""
    [job_id] = await tx.returning(_ADD_ONE, int, **values)
    tx.wrote_jobs = True
    return job_id


async def claim(
    tx: Tx, now: dt.datetime, until: dt.datetime, *, busy: list[str], most: int
) -> list[rows.Job]:
    """Jobs that are now the caller's until the lease ends, oldest first."""
    ids = await tx.rows(_CLAIMABLE, now=now, busy=busy, most=most)
    if not ids:
        return []
    claimed = await tx.returning(_CLAIM, rows.Job, ids=ids, until=until)
    return sorted(claimed, key=lambda each: ids.index(each.id))


async def settle(tx: Tx, row: rows.Job, values: dict[str, Any]) -> bool:
    """Write what became of a claimed job; False when its lease ended and it is somebody else's."""
    changed = values | {"leased_until": None}
    return bool(await tx.returning(_SETTLE, int, **changed, of_job=row.id, attempt=row.attempts))


async def move_lane(tx: Tx, lane: str, moment: dt.datetime) -> None:
    """Let what waits in the lane be looked at again at the moment, and not before."""
    await tx.change(_MOVE_LANE, {"of_lane": lane, "moment": moment})


async def hurry(tx: Tx, job_id: int, moment: dt.datetime) -> bool:
    """Let a job that waits for its next try run now; False when it is done."""
    hurried = bool(await tx.returning(_HURRY, int, of_job=job_id, moment=moment))
    tx.wrote_jobs = tx.wrote_jobs or hurried
    return hurried


async def log(tx: Tx, values: dict[str, Any]) -> None:
    """Write down what came of an attempt."""
    await tx.change(_LOG, values)


async def forget(tx: Tx, before: dt.datetime) -> None:
    """Delete jobs that were done before the moment."""
    await tx.change(_FORGET_JOBS, {"before": before})


async def see_worker(tx: Tx, name: str, moment: dt.datetime) -> None:
    """Note that the worker is alive."""
    await tx.change(_SEE[tx.is_sqlite], {"name": name, "seen_at": moment})


async def forget_workers(tx: Tx, name: str, before: dt.datetime) -> None:
    """Delete the worker of this name, and those that were not seen since the moment."""
    await tx.change(_FORGET_WORKERS, {"of_name": name, "before": before})
