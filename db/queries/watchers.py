"""Who follows which ticket."""

import datetime as dt

from sqlalchemy import BigInteger, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from db import rows, tables
from db.database import Tx
from db.statements import Statement, columns, table_of
from db.types import ListOf, any_key

watcher = table_of(tables.Watcher)
user = table_of(tables.User)

BY_TICKETS: Statement[tuple[int, rows.User]] = Statement(
    select(watcher.c.ticket_id, *columns(user, rows.User))
    .join(user, user.c.id == watcher.c.user_id)
    .where(any_key(watcher.c.ticket_id, bindparam("ticket_ids", type_=ListOf(BigInteger()))))
    .order_by(watcher.c.ticket_id, watcher.c.created_at, watcher.c.user_id),
    lambda ticket_id, *values: (ticket_id, rows.User(*values)),
)
"""The watchers of many tickets, in the order in which they began to watch."""

_ADD = {
    is_sqlite: dialect.insert(watcher).on_conflict_do_nothing().returning(watcher.c.user_id)
    for is_sqlite, dialect in ((True, sqlite), (False, postgresql))
}
_REMOVE = (
    delete(watcher)
    .where(watcher.c.ticket_id == bindparam("of_ticket"), watcher.c.user_id == bindparam("of_user"))
    .returning(watcher.c.user_id)
)


async def add(tx: Tx, workspace_id: int, ticket_id: int, user_id: int, moment: dt.datetime) -> bool:
    """Let the user watch; False when they already did."""
    return bool(
        await tx.returning(
            _ADD[tx.is_sqlite],
            int,
            workspace_id=workspace_id,
            ticket_id=ticket_id,
            user_id=user_id,
            created_at=moment,
        )
    )


async def remove(tx: Tx, ticket_id: int, user_id: int) -> bool:
    """Let the user watch no longer; False when they did not."""
    return bool(await tx.returning(_REMOVE, int, of_ticket=ticket_id, of_user=user_id))
