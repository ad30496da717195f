"""What the database holds, whole: a refusal is shown to have changed nothing."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import Table, text

from db.database import Database
from db.tables import metadata

Contents = dict[str, list[tuple[Any, ...]]]
Unchanged = Callable[[], AbstractAsyncContextManager[None]]


async def contents(db: Database) -> Contents:
    """Every row of every table, and every entry of the search indexes."""
    found: Contents = {}
    async with db.engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = await connection.execute(table.select().order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows]
        for entries in ("SELECT * FROM ticket_search", "SELECT * FROM user_search"):
            found[entries] = [tuple(row) for row in await connection.execute(text(entries))]
    return found


@contextlib.asynccontextmanager
async def unchanged_in(db: Database) -> AsyncIterator[None]:
    """Fails when the block leaves the database other than it found it."""
    before = await contents(db)
    yield
    assert await contents(db) == before


async def assert_counted(db: Database) -> None:
    """Every stored figure is what counting gives, and what is stored twice is the same twice (D16)."""
    held = await contents(db)
    tables = {name: _named(metadata.tables[name], held[name]) for name in metadata.tables}
    people = {row["id"]: row for row in tables["user"]}
    tags = Counter((row["ticket_id"], row["name"]) for row in tables["tag"])
    requested, placed, filed = (
        Counter(row[key] for row in tables["ticket"])
        for key in ("requester_id", "organization_id", "category_id")
    )
    members = Counter(row["organization_id"] for row in tables["user"])
    written = Counter((row["ticket_id"], row["is_internal"]) for row in tables["reply"])
    for row in tables["ticket"]:
        assert row["organization_id"] == people[row["requester_id"]]["organization_id"], row
        assert row["public_reply_count"] == written[row["id"], False], row
        assert row["internal_note_count"] == written[row["id"], True], row
        assert all(tags[row["id"], tag] == 1 for tag in row["tags"]), row
    assert tags.total() == sum(len(row["tags"]) for row in tables["ticket"])
    for row in tables["user"]:
        assert row["ticket_count"] == requested[row["id"]], row
    for row in tables["organization"]:
        assert (row["user_count"], row["ticket_count"]) == (members[row["id"]], placed[row["id"]]), row
    for row in tables["category"]:
        assert row["ticket_count"] == filed[row["id"]], row
    assert len(held["SELECT * FROM ticket_search"]) == len(tables["ticket"])
    assert len(held["SELECT * FROM user_search"]) == len(tables["user"])


def _named(table: Table, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(table.columns.keys(), row, strict=True)) for row in rows]
