"""What a workspace promises: SLA policies, a row for each priority; and which promises lapsed, unnoticed (D10)."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Text, bindparam, insert, select, text, update

from db import rows, tables
from db.database import Tx
from db.queries import tallies
from db.statements import Statement, columns, table_of
from db.types import ListOf, UtcDateTime, any_of

policy = table_of(tables.SlaPolicy)
ticket = table_of(tables.Ticket)

LIMITS: Statement[tuple[int, int]] = Statement(
    select(policy.c.first_response_s, policy.c.resolution_s).where(
        policy.c.workspace_id == bindparam("workspace_id", type_=BigInteger()),
        policy.c.priority == bindparam("priority", type_=Text()),
    ),
    lambda *limits: limits,
)
"""Seconds until the first response, and until the resolution."""


_ADD = insert(policy)


async def add_policy(tx: Tx, limits: Sequence[dict[str, Any]]) -> None:
    """The limits of a workspace, one row for each priority."""
    await tx.change(_ADD, limits)


# --- what lapsed ----------------------------------------------------------------------------------------------

_OVERDUE: Final = {
    flag: select(ticket.c.id)
    # as the index has it: the planner compares words
    .where(text(runs), due < bindparam("now", type_=UtcDateTime()))
    .order_by(due)
    .limit(bindparam("most", type_=BigInteger()))
    for flag, due, runs in (
        ("is_response_lapsed", ticket.c.first_response_due_at, tables.RESPONSE_RUNS),
        ("is_resolution_lapsed", ticket.c.resolution_due_at, tables.RESOLUTION_RUNS),
    )
}
OVERDUE: Final = tuple(Statement(found, int) for found in _OVERDUE.values())
"""The ids of tickets whose first response, and whose resolution, is overdue by `now` and not noted; at most `most`."""
_CLAIM: Final = {
    flag: Statement(found.with_for_update(key_share=True, skip_locked=True), int)
    for flag, found in _OVERDUE.items()
}
_LAPSE: Final = {
    flag: update(ticket)
    .where(any_of(ticket.c.id, bindparam("ids", type_=ListOf(BigInteger()))))
    .values({flag: True})
    .returning(*columns(ticket, rows.Ticket))
    for flag in _OVERDUE
}


async def lapse(tx: Tx, now: dt.datetime, most: int) -> int:
    """Note of at most so many targets of each kind that they lapsed, of tickets that nobody holds; how many that were.

    Nobody sees it on the ticket: neither its version nor its `updated_at` moves.
    """
    count = 0
    for flag, claim in _CLAIM.items():
        ids = await tx.rows(claim, now=now, most=most)
        lapsed = await tx.returning(_LAPSE[flag], rows.Ticket, ids=ids) if ids else []
        await tallies.note_all(
            tx, ((msgspec.structs.replace(after, **{flag: False}), after) for after in lapsed)
        )
        count += len(ids)
    return count
