"""Telling the requester by e-mail that somebody answered: a job of the reply's own transaction (D26)."""

import datetime as dt
from typing import Any, Final, NamedTuple

from db import rows
from db.database import Tx
from db.queries import jobs, notifications
from db.queries.notifications import Letter
from resolvers.context import Helpdesk
from resolvers.jobs import retry_at
from resolvers.lifecycle import TicketChange

QUEUE: Final = "email"
SKIPPED: Final = "skipped"


class Posted(NamedTuple):
    """What the mail server said. `is_final`: it will not say anything else another time."""

    status: int | None
    answer: str
    error: str | None
    duration_ms: int
    is_final: bool = False


async def notify_requester(tx: Tx, change: TicketChange, reply: rows.Reply, values: dict[str, Any]) -> None:
    """Queue an e-mail about an agent's public reply, unless they ask not to or are the requester (D26)."""
    is_theirs = change.caller.is_staff and reply.author_id != change.ticket.requester_id
    if not is_theirs or reply.is_internal or not values["notify_requester"]:
        return
    await jobs.add(
        tx,
        [
            {
                "workspace_id": reply.workspace_id,
                "kind": "email",
                "queue": QUEUE,
                "payload": {"reply_id": reply.id},
                "run_at": reply.created_at,
                "created_at": reply.created_at,
            }
        ],
    )


async def letter(helpdesk: Helpdesk, job: rows.Job) -> Letter | None:
    """What to write and to whom; None when the reply is gone or its requester no longer active."""
    async with helpdesk.db.read() as reads:
        return await reads.first(notifications.LETTER, reply_id=job.payload["reply_id"])


async def skip(helpdesk: Helpdesk, job: rows.Job) -> None:
    """Record that no e-mail is sent."""
    async with helpdesk.db.write() as tx:
        await jobs.settle(tx, job, {"done_at": helpdesk.clock(), "outcome": SKIPPED})


async def settle(helpdesk: Helpdesk, job: rows.Job, to: str, posted: Posted) -> None:
    """Write down what came of sending: done, to be tried again, or given up."""
    now = helpdesk.clock()
    async with helpdesk.db.write() as tx:
        if await jobs.settle(tx, job, _became(job, posted, now)):
            await jobs.log(
                tx,
                {
                    "workspace_id": job.workspace_id,
                    "job_id": job.id,
                    "number": job.attempts,
                    "target": to,
                    "status": posted.status,
                    "answer": posted.answer,
                    "error": posted.error,
                    "duration_ms": posted.duration_ms,
                    "created_at": now,
                },
            )


def _became(job: rows.Job, posted: Posted, now: dt.datetime) -> dict[str, Any]:
    if posted.error is None:
        return {"done_at": now, "outcome": "delivered"}
    again_at = None if posted.is_final else retry_at(job.attempts, now)
    return {"done_at": now, "outcome": "failed"} if again_at is None else {"run_at": again_at}
