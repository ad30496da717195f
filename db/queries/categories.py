"""Categories: their list, and what changes them."""

from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db import rows, tables
from db.conditions import Kind
from db.database import Tx
from db.listing import Listing, by_ids
from db.statements import Statement, columns, table_of
from db.types import ListOf, any_key

category = table_of(tables.Category)

LISTING: Listing[rows.Category] = Listing(
    tables.Category,
    rows.Category,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: category.c.workspace_id == value),
        "id": Kind(BigInteger(), lambda value: category.c.id == value),
        "ids": Kind(ListOf(BigInteger()), lambda value: any_key(category.c.id, value)),
    },
    orders={"id": None},
)
BY_IDS = by_ids(tables.Category, rows.Category)

_OF_WORKSPACE = category.c.workspace_id == bindparam("workspace_id", type_=BigInteger())
_SLUGS_LIKE: Statement[str] = Statement(
    select(category.c.slug).where(_OF_WORKSPACE, category.c.slug.startswith(bindparam("stem", type_=Text()))),
    str,
)
_PARENTS: Statement[tuple[int, int | None]] = Statement(
    select(category.c.id, category.c.parent_id).where(_OF_WORKSPACE), lambda child, parent: (child, parent)
)
_ADD = {
    is_sqlite: dialect.insert(category)
    .on_conflict_do_nothing(index_elements=["workspace_id", "slug"])
    .returning(*columns(category, rows.Category))
    for is_sqlite, dialect in ((True, sqlite), (False, postgresql))
}
_UPDATE = (
    update(category)
    .where(category.c.id == bindparam("category_id"))
    .returning(*columns(category, rows.Category))
)
_MOVE_UP = (
    update(category)
    .where(category.c.parent_id == bindparam("of_category"))
    .values(parent_id=bindparam("to_parent"))
)
_DELETE = delete(category).where(category.c.id == bindparam("category_id"))


async def slugs_like(tx: Tx, workspace_id: int, stem: str) -> set[str]:
    """The slugs in use that begin so."""
    return set(await tx.rows(_SLUGS_LIKE, workspace_id=workspace_id, stem=stem))


async def parents(tx: Tx, workspace_id: int) -> dict[int, int | None]:
    """The parent of every category."""
    return dict(await tx.rows(_PARENTS, workspace_id=workspace_id))


async def add(tx: Tx, values: dict[str, Any]) -> rows.Category | None:
    """A new category; None when another has the slug."""
    added = await tx.returning(_ADD[tx.is_sqlite], rows.Category, **values)
    return added[0] if added else None


async def change(tx: Tx, category_id: int, values: dict[str, Any]) -> rows.Category:
    """The category with these columns changed."""
    [after] = await tx.returning(_UPDATE, rows.Category, **values, category_id=category_id)
    return after


async def remove(tx: Tx, row: rows.Category) -> None:
    """Delete the category; those below it move up to its parent."""
    await tx.change(_MOVE_UP, {"of_category": row.id, "to_parent": row.parent_id})
    await tx.change(_DELETE, {"category_id": row.id})
