"""Tickets: their lists, and what changes them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, func, insert, select, tuple_, update

from db import rows, tables
from db.conditions import Kind, Shape
from db.database import Tx
from db.listing import Listing, by_ids
from db.queries import figures, tallies
from db.queries.indexes import TICKETS, correct, count_found, forget, remember, search_kind
from db.statements import Statement, columns, table_of
from db.types import ListOf, UtcDateTime, any_key, any_of

ticket = table_of(tables.Ticket)
tag = table_of(tables.Tag)
IDS = ListOf(BigInteger())
WORDS = ListOf(Text())


def _summed(shape: Shape, parent: str | None) -> Statement[Any] | None:
    """By the tallies (D16), or by the search index alone."""
    if parent is None and "search" in shape:
        return count_found(TICKETS, ticket, LISTING.kinds, shape)
    return tallies.summed(shape, parent)


LISTING: Listing[rows.Ticket] = Listing(
    tables.Ticket,
    rows.Ticket,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: ticket.c.workspace_id == value),
        "id": Kind(BigInteger(), lambda value: ticket.c.id == value),
        "ids": Kind(ListOf(BigInteger()), lambda value: any_key(ticket.c.id, value)),
        "status": Kind(WORDS, lambda value: any_of(ticket.c.status, value)),
        "priority": Kind(WORDS, lambda value: any_of(ticket.c.priority, value)),
        "assigned_to": Kind(IDS, lambda value: any_of(ticket.c.assigned_to_id, value)),
        "unassigned": Kind(None, lambda _: ticket.c.assigned_to_id.is_(None)),
        "category": Kind(IDS, lambda value: any_of(ticket.c.category_id, value)),
        "requester": Kind(IDS, lambda value: any_of(ticket.c.requester_id, value)),
        "organization": Kind(IDS, lambda value: any_of(ticket.c.organization_id, value)),
        "tagged": Kind(
            WORDS,
            # pairs, and not the id alone: the planner learns in which workspace to look
            lambda value: tuple_(ticket.c.workspace_id, ticket.c.id).in_(
                select(tag.c.workspace_id, tag.c.ticket_id).where(any_of(tag.c.name, value))
            ),
        ),
        "created_gte": Kind(UtcDateTime(), lambda value: ticket.c.created_at >= value),
        "created_lt": Kind(UtcDateTime(), lambda value: ticket.c.created_at < value),
        "updated_gte": Kind(UtcDateTime(), lambda value: ticket.c.updated_at >= value),
        "updated_lt": Kind(UtcDateTime(), lambda value: ticket.c.updated_at < value),
        "search": search_kind(ticket.c.id, TICKETS),
    },
    orders={
        "created_at": ticket.c.created_at,
        "updated_at": ticket.c.updated_at,
        "priority": ticket.c.priority_rank,
    },
    summed=_summed,
    varying=(
        "priority",
        "assigned_to",
        "unassigned",
        "category",
        "tagged",
        "created_gte",
        "created_lt",
        "updated_gte",
        "updated_lt",
        "search",
    ),
    scopes=("requester", "organization"),
)
BY_IDS = by_ids(tables.Ticket, rows.Ticket)


_ADD = insert(ticket).returning(*columns(ticket, rows.Ticket))
_UPDATE = update(ticket).where(ticket.c.id == bindparam("ticket_id")).returning(*columns(ticket, rows.Ticket))
_DELETE = delete(ticket).where(ticket.c.id == bindparam("ticket_id"))
_ADD_TAG = insert(tag)
_DELETE_TAGS = delete(tag).where(tag.c.ticket_id == bindparam("of_ticket"))


async def add(tx: Tx, values: dict[str, Any]) -> rows.Ticket:
    """A new ticket with its tags and search entry, counted (D16)."""
    [added] = await tx.returning(_ADD, rows.Ticket, **values)
    await _add_tags(tx, added)
    await tallies.note(tx, {tallies.place_of(added): 1})
    await remember(tx, TICKETS, added.workspace_id, added.id, words(added))
    return added


async def change(tx: Tx, before: rows.Ticket, values: dict[str, Any]) -> rows.Ticket:
    """The ticket with these columns changed; its tags, its search entry and the tallies follow."""
    [after] = await tx.returning(_UPDATE, rows.Ticket, **values, ticket_id=before.id)
    if after.tags != before.tags:
        await tx.change(_DELETE_TAGS, {"of_ticket": after.id})
        await _add_tags(tx, after)
    if words(after) != words(before):
        await correct(tx, TICKETS, after.id, words(after))
    await tallies.note_move(tx, before, after)
    return after


async def remove(tx: Tx, row: rows.Ticket) -> None:
    """Delete the ticket, held as it is; replies, tags, watchers and activity go with it."""
    await forget(tx, TICKETS, row.id)
    await figures.note_gone(tx, row.workspace_id, row.id)
    await tx.change(_DELETE, {"ticket_id": row.id})
    await tallies.note(tx, {tallies.place_of(row): -1})


def words(row: rows.Ticket) -> str:
    """What a ticket is found by (D21)."""
    return f"{row.subject}\n{row.content}"


async def _add_tags(tx: Tx, row: rows.Ticket) -> None:
    if row.tags:
        await tx.change(_ADD_TAG, tag_rows(row.workspace_id, row.id, row.tags))


def tag_rows(workspace_id: int, ticket_id: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of the table `tag` for one ticket."""
    return [{"ticket_id": ticket_id, "name": name, "workspace_id": workspace_id} for name in names]


# held, or one of them could change after we looked and be given an earlier instant than it has (D5)
_HELD_IN_CATEGORY = (
    select(ticket.c.updated_at)
    .where(ticket.c.category_id == bindparam("of_category", type_=BigInteger()))
    .with_for_update(key_share=True)
    .subquery("held")
)
_LATEST_IN_CATEGORY: Statement[dt.datetime | None] = Statement(
    select(func.max(_HELD_IN_CATEGORY.c.updated_at)), lambda moment: moment
)
_FROM_CATEGORY = (
    update(ticket)
    .where(
        ticket.c.category_id == bindparam("of_category"), ticket.c.workspace_id == bindparam("in_workspace")
    )
    .values(
        category_id=None, version=ticket.c.version + 1, updated_at=bindparam("moment", type_=UtcDateTime())
    )
    .returning(ticket.c.id, ticket.c.status, ticket.c.priority, ticket.c.created_at)
)
_WITH_REQUESTER = (
    update(ticket)
    .where(ticket.c.requester_id == bindparam("of_requester"))
    .values(organization_id=bindparam("to_organization"))
    .returning(ticket.c.status, ticket.c.priority)
)
_OUT_OF_ORGANIZATION = (
    update(ticket)
    .where(ticket.c.organization_id == bindparam("of_organization"))
    .values(organization_id=None)
    .returning(ticket.c.status, ticket.c.priority)
)


async def latest_change_in(tx: Tx, category_id: int) -> dt.datetime | None:
    """When a ticket of the category last changed, all of them held from now on; None when there is none in it."""
    return await tx.first(_LATEST_IN_CATEGORY, of_category=category_id)


async def uncategorise(tx: Tx, workspace_id: int, category_id: int, moment: dt.datetime) -> list[int]:
    """Take every ticket out of the category; the ids of those that were in it."""
    moved = await tx.returning(
        _FROM_CATEGORY,
        lambda *found: found,
        of_category=category_id,
        in_workspace=workspace_id,
        moment=moment,
    )
    states = ((status, priority, created.date()) for _, status, priority, created in moved)
    await tallies.note_moves(
        tx, workspace_id, states, {"category_id": category_id}, {"category_id": tallies.NONE}
    )
    return [ticket_id for ticket_id, *_ in moved]


async def follow_requester(tx: Tx, requester: rows.User, left: int | None) -> None:
    """The tickets of a user, who left one organization, belong to the organization the user is in now."""
    to = requester.organization_id
    values = {"of_requester": requester.id, "to_organization": to}
    states = await tx.returning(_WITH_REQUESTER, _state, **values)
    await _note_organization(tx, requester.workspace_id, states, left, to)


async def leave_organization(tx: Tx, row: rows.Organization) -> None:
    """The tickets of an organization that is going belong to none."""
    states = await tx.returning(_OUT_OF_ORGANIZATION, _state, of_organization=row.id)
    await _note_organization(tx, row.workspace_id, states, row.id, None)


async def _note_organization(
    tx: Tx, workspace_id: int, states: Sequence[tallies.State], left: int | None, to: int | None
) -> None:
    before, after = ({"organization_id": place or tallies.NONE} for place in (left, to))
    await tallies.note_moves(tx, workspace_id, states, before, after)


def _state(status: str, priority: str) -> tallies.State:
    # statistics know no organizations
    return status, priority, None
