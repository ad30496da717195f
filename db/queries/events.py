"""Events: written with the change they tell of, read when they are delivered."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, insert, select

from db import rows, tables
from db.database import Tx
from db.statements import Statement, select_rows, table_of
from db.types import ListOf, any_of

event = table_of(tables.Event)
user = table_of(tables.User)
category = table_of(tables.Category)
organization = table_of(tables.Organization)
_IDS = bindparam("ids", type_=ListOf(BigInteger()))

BY_IDS: Statement[rows.Event] = Statement(
    select_rows(tables.Event, rows.Event).where(any_of(event.c.id, _IDS)), rows.Event
)
"""Events by ids that jobs named."""
PEOPLE: Statement[tuple[int, dict[str, Any]]] = Statement(
    select(user.c.id, user.c.name, user.c.email, user.c.type).where(any_of(user.c.id, _IDS)),
    lambda id_, name, email, type_: (id_, {"name": name, "email": email, "type": type_}),
)
CATEGORIES: Statement[tuple[int, dict[str, Any]]] = Statement(
    select(category.c.id, category.c.name).where(any_of(category.c.id, _IDS)),
    lambda id_, name: (id_, {"name": name}),
)
ORGANIZATIONS: Statement[tuple[int, dict[str, Any]]] = Statement(
    select(organization.c.id, organization.c.name).where(any_of(organization.c.id, _IDS)),
    lambda id_, name: (id_, {"name": name}),
)
_ADD = insert(event).returning(event.c.id, event.c.message_id)


async def add(tx: Tx, values: list[dict[str, Any]]) -> dict[str, int]:
    """Write the events, in this order; the id of each by its message id."""
    made = await tx.returning_each(_ADD, lambda id_, message_id: (message_id, id_), values)
    return dict(made)
