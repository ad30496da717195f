"""Users: their lists, and what changes them."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Text, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db import rows, tables
from db.conditions import Kind, Shape
from db.database import Tx
from db.listing import Listing, by_ids
from db.queries.indexes import USERS, correct, count_found, forget, remember, search_kind
from db.statements import Statement, columns, select_rows, table_of
from db.types import ListOf, any_key, any_of

user = table_of(tables.User)
ticket = table_of(tables.Ticket)
organization = table_of(tables.Organization)

_COUNTS_KEPT: Statement[tuple[int, int]] = Statement(
    select(organization.c.id, organization.c.user_count).where(
        any_key(organization.c.id, bindparam("keys", type_=ListOf(BigInteger()))),
        organization.c.workspace_id == bindparam("condition_0", type_=BigInteger()),
    ),
    lambda organization_id, count: (organization_id, count),
)


def _summed(shape: Shape, parent: str | None) -> Statement[Any] | None:
    """An organization knows how many people it has (D16), the search index those it finds."""
    if parent is None and "search" in shape:
        return count_found(USERS, user, LISTING.kinds, shape)
    return _COUNTS_KEPT if (shape, parent) == (("workspace",), "organization_id") else None


LISTING: Listing[rows.User] = Listing(
    tables.User,
    rows.User,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: user.c.workspace_id == value),
        "id": Kind(BigInteger(), lambda value: user.c.id == value),
        "ids": Kind(ListOf(BigInteger()), lambda value: any_key(user.c.id, value)),
        "type": Kind(ListOf(Text()), lambda value: any_of(user.c.type, value)),
        "organization": Kind(ListOf(BigInteger()), lambda value: any_of(user.c.organization_id, value)),
        "active": Kind(Boolean(), lambda value: user.c.is_active == value),
        "search": search_kind(user.c.id, USERS),
    },
    orders={"id": None},
    summed=_summed,
    varying=("type", "active", "search"),
    scopes=("id", "type", "organization"),
)
BY_IDS = by_ids(tables.User, rows.User)

_OF_WORKSPACE = user.c.workspace_id == bindparam("workspace_id", type_=BigInteger())
_WITH_EMAIL = select_rows(tables.User, rows.User).where(
    _OF_WORKSPACE, user.c.email_key == bindparam("email_key", type_=Text())
)
_BY_EMAIL: Statement[rows.User] = Statement(_WITH_EMAIL, rows.User)
_HELD_BY_EMAIL: Statement[rows.User] = Statement(_WITH_EMAIL.with_for_update(key_share=True), rows.User)
_ADD = {
    is_sqlite: dialect.insert(user)
    .on_conflict_do_nothing(index_elements=["workspace_id", "email_key"])
    .returning(*columns(user, rows.User))
    for is_sqlite, dialect in ((True, sqlite), (False, postgresql))
}
_UPDATE = update(user).where(user.c.id == bindparam("user_id")).returning(*columns(user, rows.User))
_DELETE = delete(user).where(user.c.id == bindparam("user_id"))
_ADD_TICKETS = (
    update(user)
    .where(user.c.id == bindparam("of_user"))
    .values(ticket_count=user.c.ticket_count + bindparam("more"))
)
_OUT_OF_ORGANIZATION = (
    update(user).where(user.c.organization_id == bindparam("of_organization")).values(organization_id=None)
)
_ASSIGNED: Statement[int] = Statement(
    select(func.count())
    .select_from(ticket)
    .where(ticket.c.assigned_to_id == bindparam("user_id", type_=BigInteger())),
    int,
)
_OTHER_ADMINS: Statement[int] = Statement(
    select(func.count())
    .select_from(user)
    .where(
        _OF_WORKSPACE,
        user.c.type == "admin",
        user.c.is_active.is_(True),
        user.c.id != bindparam("but", type_=BigInteger()),
    ),
    int,
)


async def by_email(tx: Tx, workspace_id: int, email_key: str, *, held: bool = False) -> rows.User | None:
    """The user with this e-mail, as compared (D17); `held`: nobody else changes them before our transaction ends."""
    statement = _HELD_BY_EMAIL if held else _BY_EMAIL
    return await tx.first(statement, workspace_id=workspace_id, email_key=email_key)


async def add(tx: Tx, values: dict[str, Any]) -> rows.User | None:
    """A new user; None when somebody has the e-mail, even if they came a moment ago."""
    added = await tx.returning(_ADD[tx.is_sqlite], rows.User, **values)
    if not added:
        return None
    await remember(tx, USERS, added[0].workspace_id, added[0].id, words(added[0]))
    return added[0]


async def change(tx: Tx, before: rows.User, values: dict[str, Any]) -> rows.User:
    """The user with these columns changed."""
    [after] = await tx.returning(_UPDATE, rows.User, **values, user_id=before.id)
    if words(after) != words(before):
        await correct(tx, USERS, after.id, words(after))
    return after


async def remove(tx: Tx, user_id: int) -> None:
    """Delete the user, with their keys and what they watch."""
    await forget(tx, USERS, user_id)
    await tx.change(_DELETE, {"user_id": user_id})


async def add_tickets(tx: Tx, user_id: int, more: int) -> None:
    """Count tickets that the user requested (D16)."""
    await tx.change(_ADD_TICKETS, {"of_user": user_id, "more": more})


async def leave_organization(tx: Tx, organization_id: int) -> None:
    """The users of an organization that is going belong to none."""
    await tx.change(_OUT_OF_ORGANIZATION, {"of_organization": organization_id})


async def count_assigned(tx: Tx, user_id: int) -> int:
    """How many tickets are assigned to the user."""
    return await tx.first(_ASSIGNED, user_id=user_id) or 0


async def count_admins(tx: Tx, workspace_id: int, *, but: int) -> int:
    """How many active admins the workspace has besides this user."""
    return await tx.first(_OTHER_ADMINS, workspace_id=workspace_id, but=but) or 0


def words(row: rows.User) -> str:
    """What a user is found by."""
    return f"{row.name}\n{row.email}"
