"""The log of a ticket, oldest first."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, insert

from db import rows, tables
from db.conditions import Kind
from db.database import Tx
from db.listing import Listing
from db.statements import table_of
from db.types import ListOf, any_key

activity = table_of(tables.Activity)

LISTING: Listing[rows.Activity] = Listing(
    tables.Activity,
    rows.Activity,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: activity.c.workspace_id == value),
        "ids": Kind(ListOf(BigInteger()), lambda value: any_key(activity.c.id, value)),
        "ticket": Kind(BigInteger(), lambda value: activity.c.ticket_id == value),
        "public": Kind(None, lambda _: activity.c.is_internal.is_(False)),
    },
    orders={"created_at": activity.c.created_at},
)


_ADD = insert(activity)


async def add(tx: Tx, entries: Sequence[dict[str, Any]]) -> None:
    """Write entries into the log."""
    if entries:
        await tx.change(_ADD, entries)
