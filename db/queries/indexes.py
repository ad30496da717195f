"""The search indexes: one entry a ticket or user, written in the transaction of the row itself (D21)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Table, TextClause, bindparam, cast, column, func, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.sql.elements import ColumnElement, quoted_name

from db.conditions import Kind, Shape, clauses
from db.database import Tx
from db.search import IndexedWords, SoughtWords, matching
from db.statements import Statement

TICKETS = "ticket_search"
USERS = "user_search"


def search_kind(row_id: ColumnElement[int], index: str) -> Kind:
    """The condition `search`: its value is what a person typed."""
    name: Any = text(quoted_name(index, quote=False))
    return Kind(SoughtWords(), lambda sought: matching(row_id, name, sought))


def count_found(index: str, indexed: Table, kinds: Mapping[str, Kind], shape: Shape) -> Statement[int] | None:
    """How many rows of a workspace have the words, by the index alone; None for conditions of another shape.

    SQLite's index does not know of workspaces, and looks each row up.
    """
    if sorted(map(str, shape)) != ["search", "workspace"]:
        return None
    entries = table(index, column("workspace_id", BigInteger()), column("words", TSVECTOR()))
    whose, sought = (f"condition_{shape.index(kind)}" for kind in ("workspace", "search"))
    found = select(func.count()).where(
        entries.c.workspace_id == bindparam(whose, type_=BigInteger()),
        entries.c.words.bool_op("@@")(cast(bindparam(sought, type_=SoughtWords()), TSQUERY())),
    )
    looked_up = select(func.count()).select_from(indexed).where(*clauses(kinds, shape))
    return Statement(found, int, looked_up)


def _statement(sqlite: str, postgresql: str) -> dict[bool, TextClause]:
    words = bindparam("words", type_=IndexedWords())
    return {
        is_sqlite: text(sql).bindparams(words) for is_sqlite, sql in ((True, sqlite), (False, postgresql))
    }


_REMEMBER = {
    index: _statement(
        f"INSERT INTO {index} (rowid, words) VALUES (:id, :words)",
        f"INSERT INTO {index} (row_id, workspace_id, words) VALUES (:id, :workspace_id, CAST(:words AS tsvector))",
    )
    for index in (TICKETS, USERS)
}
_CORRECT = {
    index: _statement(
        f"UPDATE {index} SET words = :words WHERE rowid = :id",
        f"UPDATE {index} SET words = CAST(:words AS tsvector) WHERE row_id = :id",
    )
    for index in (TICKETS, USERS)
}
_FORGET = {
    index: {
        True: text(f"DELETE FROM {index} WHERE rowid = :id"),
        False: text(f"DELETE FROM {index} WHERE row_id = :id"),
    }
    for index in (TICKETS, USERS)
}


async def remember(tx: Tx, index: str, workspace_id: int, row_id: int, words: str) -> None:
    """Make a new row findable by these words."""
    entry: dict[str, Any] = {"id": row_id, "words": words}
    if not tx.is_sqlite:
        entry["workspace_id"] = workspace_id
    await tx.change(_REMEMBER[index][tx.is_sqlite], entry)


async def correct(tx: Tx, index: str, row_id: int, words: str) -> None:
    """Make a row findable by these words instead."""
    await tx.change(_CORRECT[index][tx.is_sqlite], {"id": row_id, "words": words})


async def forget(tx: Tx, index: str, row_id: int) -> None:
    """Make a row no longer findable."""
    await tx.change(_FORGET[index][tx.is_sqlite], {"id": row_id})
