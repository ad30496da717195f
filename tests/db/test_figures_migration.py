"""Tickets from before there were figures are added up by the migration, and what nobody had folded yet stays right."""

import datetime as dt

from sqlalchemy import text

from db import migrate, revisions
from db.database import Database
from gateway.demo import fill
from tests.contents import assert_added_up, assert_counted, tables_of

NOW = dt.datetime(2026, 11, 20, 14, 30, tzinfo=dt.UTC)
BEFORE = "0005"
ODD = (
    # at the ends of a day, of a month, of a year, to the microsecond
    """UPDATE ticket SET created_at = '2025-12-31 23:59:59.999999', resolved_at = '2026-01-01 00:00:00.000000'
    WHERE id <= 20 AND resolved_at IS NOT NULL""",
    "UPDATE ticket SET assigned_to_id = NULL, category_id = NULL WHERE id % 7 = 0",
    "UPDATE ticket SET first_response_due_at = NULL WHERE id % 11 = 0",
    "UPDATE ticket SET first_response_due_at = first_response_at WHERE id % 13 = 0",
    "UPDATE rating SET assigned_to_id = NULL WHERE id % 5 = 0",
    "UPDATE rating SET is_latest = false WHERE id % 6 = 0",
    "DELETE FROM ticket_tally",
    """INSERT INTO ticket_tally_change (workspace_id, status, priority, category_id, organization_id, assigned_to_id,
    amount) SELECT workspace_id, status, priority, coalesce(category_id, 0), coalesce(organization_id, 0),
    coalesce(assigned_to_id, 0), 1 FROM ticket""",
)
"""What the sample has not, and tallies of which nothing is folded."""


async def test_what_was_there_is_added_up(address: str) -> None:
    database = Database(address, readers=1, writers=2)
    try:
        await fill(database, tickets=150, now=NOW, progress=lambda *_: None)
        await fill(database, tickets=40, now=NOW, workspace="two", progress=lambda *_: None)
        assert await migrate.migrate(database, BEFORE) == (revisions.newest(), BEFORE)
        async with database.engine.begin() as connection:
            for statement in ODD:
                await connection.execute(text(statement))
        assert await migrate.migrate(database) == (BEFORE, revisions.newest())
        tables = await tables_of(database)
        assert {row["workspace_id"] for row in tables["figure"]} == {1, 2}
        assert any(row["is_by_staff"] for row in tables["reply"])
        assert len(tables["ticket_tally_change"]) == 190
        assert_added_up(tables)
        await assert_counted(database)
    finally:
        await database.close()
