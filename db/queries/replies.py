"""Replies and internal notes of a ticket, oldest first."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, func, insert, select

from db import rows, tables
from db.conditions import Kind
from db.database import Tx
from db.listing import Listing
from db.statements import Statement, columns, table_of
from db.types import ListOf, any_key

reply = table_of(tables.Reply)

LISTING: Listing[rows.Reply] = Listing(
    tables.Reply,
    rows.Reply,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: reply.c.workspace_id == value),
        "id": Kind(BigInteger(), lambda value: reply.c.id == value),
        "ids": Kind(ListOf(BigInteger()), lambda value: any_key(reply.c.id, value)),
        "ticket": Kind(BigInteger(), lambda value: reply.c.ticket_id == value),
        "public": Kind(None, lambda _: reply.c.is_internal.is_(False)),
    },
    orders={"created_at": reply.c.created_at},
)

_ADD = insert(reply).returning(*columns(reply, rows.Reply))
_WRITTEN_BY: Statement[int] = Statement(
    select(func.count())
    .select_from(reply)
    .where(reply.c.author_id == bindparam("user_id", type_=BigInteger())),
    int,
)


async def add(tx: Tx, values: dict[str, Any]) -> rows.Reply:
    """A new reply."""
    [added] = await tx.returning(_ADD, rows.Reply, **values)
    return added


async def count_written_by(tx: Tx, user_id: int) -> int:
    """How many replies the user has written."""
    return await tx.first(_WRITTEN_BY, user_id=user_id) or 0
