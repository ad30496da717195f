"""Workspaces: found by name or id, added once."""

from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db import rows, tables
from db.database import Tx
from db.statements import Statement, columns, select_rows, table_of

workspace = table_of(tables.Workspace)
_ALL = select_rows(tables.Workspace, rows.Workspace)

BY_ID: Statement[rows.Workspace] = Statement(
    _ALL.where(workspace.c.id == bindparam("id", type_=BigInteger())), rows.Workspace
)
BY_NAME: Statement[rows.Workspace] = Statement(
    _ALL.where(workspace.c.name == bindparam("name", type_=Text())), rows.Workspace
)
_HELD: Statement[int] = Statement(
    # no key: rows that refer to the workspace can still be added meanwhile
    select(workspace.c.id)
    .where(workspace.c.id == bindparam("id", type_=BigInteger()))
    .with_for_update(key_share=True),
    int,
)
_ADD = {
    is_sqlite: dialect.insert(workspace)
    .on_conflict_do_nothing(index_elements=["name"])
    .returning(*columns(workspace, rows.Workspace))
    for is_sqlite, dialect in ((True, sqlite), (False, postgresql))
}
_UPDATE = (
    update(workspace)
    .where(workspace.c.id == bindparam("workspace_id"))
    .returning(*columns(workspace, rows.Workspace))
)


async def hold(tx: Tx, workspace_id: int) -> None:
    """Let nobody else who also holds the workspace go on before the transaction ends."""
    await tx.first(_HELD, id=workspace_id)


async def add(tx: Tx, values: dict[str, Any]) -> rows.Workspace | None:
    """A new workspace; None when the name is taken."""
    added = await tx.returning(_ADD[tx.is_sqlite], rows.Workspace, **values)
    return added[0] if added else None


async def change(tx: Tx, workspace_id: int, values: dict[str, Any]) -> rows.Workspace:
    """The workspace with these columns changed."""
    [after] = await tx.returning(_UPDATE, rows.Workspace, **values, workspace_id=workspace_id)
    return after
