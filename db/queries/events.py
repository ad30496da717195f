"""Events: written with the change they tell of, read when they are delivered, and by the feed of subscribers."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    bindparam,
    column,
    delete,
    exists,
    false,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from db import rows, tables
from db.conditions import Kind
from db.database import Tx
from db.listing import Listing
from db.statements import Statement, select_rows, table_of
from db.types import ListOf, UtcDateTime, any_of

event = table_of(tables.Event)
ticket = table_of(tables.Ticket)
job = table_of(tables.Job)
feed_start = table_of(tables.FeedStart)
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


def _of_ticket(name: str, value: Any) -> ColumnElement[bool]:
    """Whether the event's ticket has the value; of a ticket that is gone the event itself knows."""
    is_its = ticket.c.id == event.c.ticket_id
    is_now = exists().where(is_its, any_of(ticket.c[name], value))
    return or_(is_now, and_(any_of(event.c[name], value), not_(exists().where(is_its))))


LISTING: Listing[rows.FeedEvent] = Listing(
    tables.Event,
    rows.FeedEvent,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: event.c.workspace_id == value),
        "id": Kind(BigInteger(), lambda value: event.c.id == value),
        "upto": Kind(BigInteger(), lambda value: event.c.id <= value),
        "ticket": Kind(BigInteger(), lambda value: event.c.ticket_id == value),
        "types": Kind(ListOf(Text()), lambda value: any_of(event.c.type, value)),
        "public": Kind(None, lambda _: event.c.is_internal == false()),
        "requester": Kind(ListOf(BigInteger()), lambda value: _of_ticket("requester_id", value)),
        "organization": Kind(ListOf(BigInteger()), lambda value: _of_ticket("organization_id", value)),
    },
    orders={"id": None},
)

# --- the feed of a process: every event, in the order of their ids --------------------------------------------

NEXT: Statement[rows.FeedEvent] = Statement(
    select_rows(tables.Event, rows.FeedEvent)
    .where(event.c.id > bindparam("after", type_=BigInteger()))
    .order_by(event.c.id)
    .limit(bindparam("most", type_=BigInteger())),
    rows.FeedEvent,
)
"""The events after an id, of all workspaces."""
NEWEST: Statement[int] = Statement(select(func.max(event.c.id)), lambda id_: id_ or 0)
"""The highest id that there is; 0 for none."""
_locks = table(
    "pg_locks", *(column(name) for name in ("locktype", "database", "relation", "mode", "virtualtransaction"))
)
WRITERS: Statement[str] = Statement(
    select(_locks.c.virtualtransaction).where(
        _locks.c.locktype == "relation",
        _locks.c.relation == literal_column("'event'::regclass"),
        _locks.c.database
        == literal_column("(SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"),
        _locks.c.mode == "RowExclusiveLock",
    ),
    str,
)
"""On PostgreSQL: the transactions that may have written events and are still under way."""
START: Statement[int] = Statement(
    select(feed_start.c.event_id).where(
        feed_start.c.workspace_id == bindparam("workspace_id", type_=BigInteger())
    ),
    int,
)
"""The latest event of a workspace that is no longer kept."""

# --- changes --------------------------------------------------------------------------------------------------

_HIDE_FILES = (
    update(event)
    .where(
        event.c.ticket_id == bindparam("of_ticket"),
        any_of(event.c.attachment_id, bindparam("ids", type_=ListOf(BigInteger()))),
    )
    .values(is_internal=True)
)
_IS_OLD = and_(
    event.c.created_at < bindparam("before", type_=UtcDateTime()),
    not_(exists().where(job.c.event_id == event.c.id)),
)
_OLDEST = select(event.c.workspace_id, func.max(event.c.id)).where(_IS_OLD).group_by(event.c.workspace_id)
_BEGIN_LATER = {
    is_sqlite: begun.on_conflict_do_update(
        index_elements=["workspace_id"],
        set_={"event_id": begun.excluded.event_id},
        where=begun.excluded.event_id > feed_start.c.event_id,
    )
    for is_sqlite, begun in (
        (kind is sqlite, kind.insert(feed_start).from_select(["workspace_id", "event_id"], _OLDEST))
        for kind in (sqlite, postgresql)
    )
}
_FORGET = delete(event).where(
    _IS_OLD,
    # what somebody else made old since the line above was written stays for the next time
    exists().where(feed_start.c.workspace_id == event.c.workspace_id, feed_start.c.event_id >= event.c.id),
)


async def add(tx: Tx, values: list[dict[str, Any]]) -> dict[str, int]:
    """Write the events, in this order; the id of each by its message id. Who waits is told after the commit."""
    made = await tx.returning_each(_ADD, lambda id_, message_id: (message_id, id_), values)
    tx.wrote_events = True
    return dict(made)


async def hide_files(tx: Tx, ticket_id: int, ids: Sequence[int]) -> None:
    """Let only the staff hear of these files of the ticket from now on."""
    await tx.change(_HIDE_FILES, {"of_ticket": ticket_id, "ids": list(ids)})


async def forget(tx: Tx, before: dt.datetime) -> None:
    """Delete events older than the moment that nothing refers to, and note where each workspace's begin now."""
    await tx.change(_BEGIN_LATER[tx.is_sqlite], {"before": before})
    await tx.change(_FORGET, {"before": before})
