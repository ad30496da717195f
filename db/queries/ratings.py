"""What requesters think of how their tickets went: all ratings are kept, the latest of a ticket counts (D11)."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, insert, update

from db import rows, tables
from db.database import Tx
from db.statements import Statement, columns, select_rows, table_of
from db.types import ListOf, any_key

rating = table_of(tables.Rating)

_LATEST = select_rows(tables.Rating, rows.Rating).where(rating.c.is_latest)
LATEST_BY_TICKETS: Statement[rows.Rating] = Statement(
    _LATEST.where(any_key(rating.c.ticket_id, bindparam("ticket_ids", type_=ListOf(BigInteger())))),
    rows.Rating,
)
"""The rating that counts of each of many tickets, in no particular order."""

_NO_LONGER_LATEST = (
    update(rating)
    .where(rating.c.ticket_id == bindparam("of_ticket"), rating.c.is_latest)
    .values(is_latest=False)
    .returning(rating.c.rating)
)
_ADD = insert(rating).returning(*columns(rating, rows.Rating))


async def add(tx: Tx, values: dict[str, Any]) -> tuple[rows.Rating, int | None]:
    """A new rating, now the one that counts, and the one that counted before."""
    before = await tx.returning(_NO_LONGER_LATEST, int, of_ticket=values["ticket_id"])
    [added] = await tx.returning(_ADD, rows.Rating, **values, is_latest=True)
    return added, before[0] if before else None
