"""Organizations: their list, and what changes them."""

from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from db import rows, tables
from db.conditions import Kind
from db.database import Tx
from db.listing import Listing, by_ids
from db.statements import Statement, columns, select_rows, table_of
from db.types import ListOf, any_key

organization = table_of(tables.Organization)

LISTING: Listing[rows.Organization] = Listing(
    tables.Organization,
    rows.Organization,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: organization.c.workspace_id == value),
        "id": Kind(BigInteger(), lambda value: organization.c.id == value),
        "ids": Kind(ListOf(BigInteger()), lambda value: any_key(organization.c.id, value)),
    },
    orders={"id": None},
)
BY_IDS = by_ids(tables.Organization, rows.Organization)

_OF_WORKSPACE = organization.c.workspace_id == bindparam("workspace_id", type_=BigInteger())
_BY_DOMAIN: Statement[rows.Organization] = Statement(
    select_rows(tables.Organization, rows.Organization).where(
        _OF_WORKSPACE, organization.c.domain == bindparam("domain", type_=Text())
    ),
    rows.Organization,
)
_ADD = {
    is_sqlite: dialect.insert(organization)
    .on_conflict_do_nothing(index_elements=["workspace_id", "domain"])
    .returning(*columns(organization, rows.Organization))
    for is_sqlite, dialect in ((True, sqlite), (False, postgresql))
}
_UPDATE = (
    update(organization)
    .where(organization.c.id == bindparam("organization_id"))
    .returning(*columns(organization, rows.Organization))
)
_DELETE = delete(organization).where(organization.c.id == bindparam("organization_id"))
_ADD_USERS = (
    update(organization)
    .where(organization.c.id == bindparam("of_organization"))
    .values(user_count=organization.c.user_count + bindparam("more"))
)


async def by_domain(tx: Tx, workspace_id: int, domain: str) -> rows.Organization | None:
    """The organization with this domain."""
    return await tx.first(_BY_DOMAIN, workspace_id=workspace_id, domain=domain)


async def add(tx: Tx, values: dict[str, Any]) -> rows.Organization | None:
    """A new organization; None when another has the domain."""
    added = await tx.returning(_ADD[tx.is_sqlite], rows.Organization, **values)
    return added[0] if added else None


async def change(tx: Tx, organization_id: int, values: dict[str, Any]) -> rows.Organization:
    """The organization with these columns changed."""
    [after] = await tx.returning(_UPDATE, rows.Organization, **values, organization_id=organization_id)
    return after


async def remove(tx: Tx, organization_id: int) -> None:
    """Delete the organization."""
    await tx.change(_DELETE, {"organization_id": organization_id})


async def add_users(tx: Tx, organization_id: int, more: int) -> None:
    """Count users who came or went (D16)."""
    await tx.change(_ADD_USERS, {"of_organization": organization_id, "more": more})
