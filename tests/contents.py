"""What the database holds, whole: a refusal is shown to have changed nothing."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import Table, text

from db.database import Database
from db.queries import tallies
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
    requested = Counter(row["requester_id"] for row in tables["ticket"])
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
        assert row["user_count"] == members[row["id"]], row
    assert_tallied(tables)
    for most in (3, 10_000):
        await folded(db, most)
        held = await contents(db)
        assert_tallied({name: _named(metadata.tables[name], held[name]) for name in metadata.tables})
    assert held["ticket_tally_change"] == []
    assert len(held["SELECT * FROM ticket_search"]) == len(tables["ticket"])
    assert len(held["SELECT * FROM user_search"]) == len(tables["user"])


async def folded(db: Database, most: int) -> int:
    """Fold at most so many changes into the tallies; how many there were."""
    async with db.write() as tx:
        return await tallies.fold(tx, most)


def assert_tallied(tables: dict[str, list[dict[str, Any]]]) -> None:
    """In every facet the tallies and the changes that are not folded add up to what counting gives."""
    facets = {
        "all": None,
        "category": "category_id",
        "organization": "organization_id",
        "assignee": "assigned_to_id",
    }
    for facet, column in facets.items():
        counted = Counter(_cell(row, row[column] or 0 if column else 0) for row in tables["ticket"])
        summed: Counter[Any] = Counter()
        for row in tables["ticket_tally"]:
            if row["facet"] == facet:
                summed[_cell(row, row["facet_id"])] += row["amount"]
        for row in tables["ticket_tally_change"]:
            if column is None or row[column] is not None:
                summed[_cell(row, row[column] if column else 0)] += row["amount"]
        assert {cell: amount for cell, amount in summed.items() if amount} == counted, facet


def _cell(row: dict[str, Any], facet_id: int) -> tuple[Any, ...]:
    return (row["workspace_id"], facet_id, row["status"], row["priority"])


def _named(table: Table, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(table.columns.keys(), row, strict=True)) for row in rows]
